//! Typed attributes that travel through wrappers.
//!
//! The pattern is that of AnyIO's typed attributes: ask the outermost stream, and whichever layer knows answers. The key
//! is the attribute's own type, so there is nothing to register and nothing to cast.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

/// Something that can be asked for facts by type: addresses, a [`Closer`](crate::Closer), what a TLS layer knows.
///
/// A supertrait of every stream and listener, and required, so that a wrapper cannot forget to pass requests on:
///
/// ```
/// use anynet_core::{Attributes, AttributesExt, Request};
///
/// struct Socket;
/// #[derive(Debug, PartialEq)]
/// struct Family(&'static str);
/// impl Attributes for Socket {
///     fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
///         request.provide(|| Family("inet"));
///     }
/// }
///
/// struct Wrapper<S>(S, String);
/// impl<S: Attributes> Attributes for Wrapper<S> {
///     fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
///         request.offer(&self.1); // the outermost layer answers first
///         self.0.attributes(request);
///     }
/// }
///
/// let stream = Wrapper(Socket, String::from("outer"));
/// assert_eq!(stream.attribute::<Family>(), Some(Family("inet")));
/// assert_eq!(stream.attribute_ref::<String>(), Some(&String::from("outer")));
/// assert_eq!(stream.attribute::<u8>(), None);
/// ```
pub trait Attributes {
    /// Answers `request` where this layer can, then passes it to the layer below. The first answer wins.
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>);
}

/// Asking for attributes.
pub trait AttributesExt: Attributes {
    /// The attribute of type `T`, owned. `None` if no layer has it, or the one that has it cannot read it now;
    /// [`try_attribute`](Self::try_attribute) tells which. Does not allocate.
    fn attribute<T: Any>(&self) -> Option<T> {
        self.try_attribute().ok().flatten()
    }

    /// As [`attribute`](Self::attribute); `None` only if no layer has it.
    ///
    /// # Errors
    ///
    /// What kept the layer that has it from reading it: the socket was closed, say.
    fn try_attribute<T: Any>(&self) -> io::Result<Option<T>> {
        let mut answer: Option<io::Result<T>> = None;
        self.attributes(&mut Request(Question::Owned(&mut answer)));
        answer.transpose()
    }

    /// The attribute of type `T`, borrowed from the layer that has it. Does not allocate.
    fn attribute_ref<T: Any>(&self) -> Option<&T> {
        let mut request = Request(Question::Borrowed {
            wanted: <dyn Any>::is::<T>,
            answer: None,
        });
        self.attributes(&mut request);
        match request.0 {
            Question::Borrowed { answer, .. } => answer?.downcast_ref(),
            _ => None,
        }
    }

    /// The raw socket: the descriptor below all layers, for socket options and the like. `None` if there is none, or it
    /// was closed.
    ///
    /// It is lent, so it keeps nothing open and cannot outlive the stream. Bytes that are sent or received on it go past
    /// the layers above.
    fn raw_socket(&self) -> Option<BorrowedFd<'_>> {
        let mut request = Request(Question::Socket(None));
        self.attributes(&mut request);
        match request.0 {
            Question::Socket(answer) => answer,
            _ => None,
        }
    }
}

impl<A: Attributes + ?Sized> AttributesExt for A {}

/// One question on its way down through the layers of a stream.
pub struct Request<'s, 'a>(Question<'s, 'a>);

enum Question<'s, 'a> {
    /// An owned value. Where the answer goes: an `Option<io::Result<T>>` of the asker's.
    Owned(&'s mut dyn Any),
    /// A borrowed value.
    Borrowed {
        /// Whether a value is of the type that is asked for.
        wanted: fn(&dyn Any) -> bool,
        answer: Option<&'a dyn Any>,
    },
    /// The raw socket.
    Socket(Option<BorrowedFd<'a>>),
}

impl<'a> Request<'_, 'a> {
    /// Answers with `value()`, if that is what is asked for and nobody answered yet.
    pub fn provide<T: Any>(&mut self, value: impl FnOnce() -> T) -> &mut Self {
        self.answer(|| Some(Ok(value())))
    }

    /// As [`provide`](Self::provide), where there may be nothing to give; then the next layer is asked.
    pub fn provide_some<T: Any>(&mut self, value: impl FnOnce() -> Option<T>) -> &mut Self {
        self.answer(|| value().map(Ok))
    }

    /// As [`provide`](Self::provide), where reading the value may fail. That is an answer too: the next layer is not asked.
    pub fn try_provide<T: Any>(&mut self, value: impl FnOnce() -> io::Result<T>) -> &mut Self {
        self.answer(|| Some(value()))
    }

    fn answer<T: Any>(&mut self, value: impl FnOnce() -> Option<io::Result<T>>) -> &mut Self {
        if let Question::Owned(slot) = &mut self.0
            && let Some(answer @ None) = slot.downcast_mut::<Option<io::Result<T>>>()
        {
            *answer = value();
        }
        self
    }

    /// Lends `value`, if that is what is asked for and nobody answered yet.
    pub fn offer<T: Any>(&mut self, value: &'a T) -> &mut Self {
        if let Question::Borrowed {
            wanted,
            answer: answer @ None,
        } = &mut self.0
            && wanted(value)
        {
            *answer = Some(value);
        }
        self
    }

    /// Lends the raw socket, if that is what is asked for and nobody answered yet. `None`: it was closed.
    pub fn offer_socket(&mut self, socket: impl FnOnce() -> Option<BorrowedFd<'a>>) -> &mut Self {
        if let Question::Socket(answer @ None) = &mut self.0 {
            *answer = socket();
        }
        self
    }
}

impl fmt::Debug for Request<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, AsRawFd};

    use super::*;

    struct Layers(u8, u8);

    impl Attributes for Layers {
        fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
            request
                .provide(|| self.0)
                .offer(&self.0)
                .provide(|| self.1)
                .offer(&self.1);
        }
    }

    #[test]
    fn the_outermost_answer_wins() {
        assert_eq!(Layers(1, 2).attribute::<u8>(), Some(1));
        assert_eq!(Layers(1, 2).attribute_ref::<u8>(), Some(&1));
    }

    #[test]
    fn what_no_layer_knows_is_none() {
        assert_eq!(Layers(1, 2).attribute::<u16>(), None);
        assert_eq!(Layers(1, 2).attribute_ref::<u16>(), None);
    }

    #[test]
    fn an_answer_is_not_computed_for_another_question() {
        struct Costly;
        impl Attributes for Costly {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                request.provide::<u8>(|| unreachable!("nobody asked for a u8"));
            }
        }
        assert_eq!(Costly.attribute::<u16>(), None);
    }

    #[test]
    fn what_cannot_be_read_is_not_what_no_layer_has() {
        struct Unreadable;
        impl Attributes for Unreadable {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                request
                    .try_provide::<u8>(|| Err(io::ErrorKind::PermissionDenied.into()))
                    .provide(|| 1_u8);
            }
        }
        let error = Unreadable.try_attribute::<u8>().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(
            Unreadable.attribute::<u8>(),
            None,
            "the layer below is not asked instead"
        );
        assert_eq!(Unreadable.try_attribute::<u16>().unwrap(), None);
    }

    #[test]
    fn the_raw_socket_is_that_of_the_outermost_layer_that_has_one() {
        struct Sockets(std::net::UdpSocket, std::net::UdpSocket);
        impl Attributes for Sockets {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                request
                    .offer_socket(|| Some(self.0.as_fd()))
                    .offer_socket(|| Some(self.1.as_fd()));
            }
        }
        let socket = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let sockets = Sockets(socket(), socket());
        assert_eq!(sockets.raw_socket().unwrap().as_raw_fd(), sockets.0.as_raw_fd());
        assert!(Layers(1, 2).raw_socket().is_none());
    }
}
