//! The methods about options, which builders and sockets have alike.

/// Writes the methods of a builder that has a field `options`, inside its `impl` block.
macro_rules! builder_option_methods {
    () => {
        /// Sets `option` before the socket is bound, connected or listening. It wins over what is set here by default,
        /// and over options given before it.
        ///
        /// If it cannot be set, the attempt fails: the error's kind is that of the
        /// [`OptionError`](crate::options::OptionError) in it.
        pub fn option<T: $crate::options::SocketOption>(mut self, option: T) -> Self {
            self.options = self.options.required(option);
            self
        }

        /// As [`option`](Self::option), but goes on without it if it cannot be set.
        pub fn best_effort<T: $crate::options::SocketOption>(mut self, option: T) -> Self {
            self.options = self.options.best_effort(option);
            self
        }

        /// Sets all of `options`, after those that were given before.
        pub fn options(mut self, options: $crate::options::SocketOptions) -> Self {
            self.options = self.options.and(options);
            self
        }

        /// Calls `hook` with the raw socket, at this place in the order of options, once for every address that is
        /// tried; see [`SocketOptions::with`](crate::options::SocketOptions::with).
        pub fn with_socket(
            mut self,
            hook: impl Fn(&::socket2::Socket) -> ::std::io::Result<()> + Send + Sync + 'static,
        ) -> Self {
            self.options = self.options.with(hook);
            self
        }
    };
}

/// Writes the methods of a live socket, which is `AsFd`, inside its `impl` block.
macro_rules! live_option_methods {
    () => {
        /// Reads an option, as `option::<NoDelay>()`. The system may round what was set, or add to it; the option says
        /// so.
        ///
        /// # Errors
        ///
        /// What is said at [`OptionError`](crate::options::OptionError), which they hold; `EBADF` after a close.
        pub fn option<T: $crate::options::SocketOption>(&self) -> ::std::io::Result<T> {
            $crate::options::get(self)
        }

        /// Sets an option from now on.
        ///
        /// # Errors
        ///
        /// What is said at [`OptionError`](crate::options::OptionError), which they hold; `EBADF` after a close.
        pub fn set_option<T: $crate::options::SocketOption>(&self, option: &T) -> ::std::io::Result<()> {
            $crate::options::set(self, option)
        }
    };
}

pub(crate) use {builder_option_methods, live_option_methods};
