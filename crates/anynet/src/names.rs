//! The names that are the same in every namespace, for one runtime.
//!
//! A name stands for the type itself, not for the name of it in `sockets`: so the documentation shows its methods here too.
//! The condition stands on each item, not on the call: so the compiler can say of an item which feature it needs.

/// Writes the sockets and functions of the runtime `$runtime`, each under the condition `$cfg`.
macro_rules! names {
    (#[$cfg:meta] $runtime:ty) => {
        /// A TCP connection; see [`anynet_sockets::TcpStream`](crate::sockets::TcpStream).
        ///
        /// ```
        /// use anynet::{ReceiveError, TcpListener, TcpStream};
        ///
        /// async fn example() -> anynet::Result<()> {
        ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
        ///     let mut client = TcpStream::connect(listener.local_address()).await?;
        ///     let mut server = listener.accept().await?;
        ///     client.send(b"hello").await?;
        ///     client.close().await?;
        ///
        ///     let mut buf = [0; 5];
        ///     server.receive_exactly(&mut buf).await?;
        ///     assert_eq!(&buf, b"hello");
        ///     assert!(matches!(server.receive(&mut buf).await, Err(ReceiveError::EndOfStream)));
        ///     Ok(())
        /// }
        /// # #[cfg(feature = "smol")]
        /// # return anynet::runtime::smol::run(example()).unwrap().unwrap();
        /// # #[cfg(not(feature = "smol"))]
        /// # anynet::run(example()).unwrap().unwrap();
        /// ```
        #[$cfg]
        pub type TcpStream = $crate::sockets::StreamSocket<$runtime, $crate::sockets::Tcp>;
        /// The receiving half of a TCP connection; see [`TcpStream::into_split`](crate::sockets::TcpStream::into_split).
        #[$cfg]
        pub type TcpReceiveHalf = $crate::sockets::StreamReceiveHalf<$runtime, $crate::sockets::Tcp>;
        /// The sending half of a TCP connection; see [`TcpStream::into_split`](crate::sockets::TcpStream::into_split).
        #[$cfg]
        pub type TcpSendHalf = $crate::sockets::StreamSendHalf<$runtime, $crate::sockets::Tcp>;
        /// Accepts TCP connections; see [`anynet_sockets::TcpListener`](crate::sockets::TcpListener). What limits them and ends
        /// them in time is [`Server`](crate::Server).
        ///
        /// ```no_run
        /// use anynet::{TcpListener, TcpStream};
        ///
        /// async fn greet(mut stream: TcpStream) -> anynet::Result<()> {
        ///     stream.send(b"hello\n").await?;
        ///     Ok(stream.close().await?)
        /// }
        ///
        /// async fn serve() -> anynet::Result<()> {
        ///     let listener = TcpListener::bind("localhost:7777").await?;
        ///     listener.serve(greet).on_error(|error| eprintln!("{error:#}")).await
        /// }
        /// ```
        #[$cfg]
        pub type TcpListener = $crate::sockets::StreamListener<$runtime, $crate::sockets::Tcp>;
        /// Several TCP listeners as one; see [`anynet_sockets::TcpListeners`](crate::sockets::TcpListeners).
        #[$cfg]
        pub type TcpListeners = $crate::sockets::TcpListeners<$runtime>;
        /// A UNIX stream connection; see [`anynet_sockets::UnixStream`](crate::sockets::UnixStream).
        #[$cfg]
        pub type UnixStream = $crate::sockets::StreamSocket<$runtime, $crate::sockets::Unix>;
        /// The receiving half of a UNIX stream; see [`UnixStream::into_split`](crate::sockets::UnixStream::into_split).
        #[$cfg]
        pub type UnixReceiveHalf = $crate::sockets::StreamReceiveHalf<$runtime, $crate::sockets::Unix>;
        /// The sending half of a UNIX stream; see [`UnixStream::into_split`](crate::sockets::UnixStream::into_split).
        #[$cfg]
        pub type UnixSendHalf = $crate::sockets::StreamSendHalf<$runtime, $crate::sockets::Unix>;
        /// Accepts UNIX stream connections; see [`anynet_sockets::UnixListener`](crate::sockets::UnixListener).
        #[$cfg]
        pub type UnixListener = $crate::sockets::StreamListener<$runtime, $crate::sockets::Unix>;
        /// A UDP socket; see [`anynet_sockets::UdpSocket`](crate::sockets::UdpSocket).
        #[$cfg]
        pub type UdpSocket =
            $crate::sockets::DatagramSocket<$runtime, $crate::sockets::Udp, $crate::sockets::Unconnected>;
        /// A UDP socket that is connected to one peer; see
        /// [`anynet_sockets::ConnectedUdpSocket`](crate::sockets::ConnectedUdpSocket).
        #[$cfg]
        pub type ConnectedUdpSocket =
            $crate::sockets::DatagramSocket<$runtime, $crate::sockets::Udp, $crate::sockets::Connected>;
        /// A UNIX datagram socket; see [`anynet_sockets::UnixDatagram`](crate::sockets::UnixDatagram).
        #[$cfg]
        pub type UnixDatagram = $crate::sockets::DatagramSocket<
            $runtime,
            $crate::sockets::UnixDgram,
            $crate::sockets::Unconnected,
        >;
        /// A UNIX datagram socket that is connected to one peer; see
        /// [`anynet_sockets::ConnectedUnixDatagram`](crate::sockets::ConnectedUnixDatagram).
        #[$cfg]
        pub type ConnectedUnixDatagram =
            $crate::sockets::DatagramSocket<$runtime, $crate::sockets::UnixDgram, $crate::sockets::Connected>;
        /// A UNIX connection that carries messages; see [`anynet_sockets::UnixSeqpacket`](crate::sockets::UnixSeqpacket).
        #[$cfg]
        pub type UnixSeqpacket =
            $crate::sockets::DatagramSocket<$runtime, $crate::sockets::Seqpacket, $crate::sockets::Connected>;
        /// Accepts UNIX connections that carry messages; see
        /// [`anynet_sockets::UnixSeqpacketListener`](crate::sockets::UnixSeqpacketListener).
        #[$cfg]
        pub type UnixSeqpacketListener = $crate::sockets::UnixSeqpacketListener<$runtime>;
        /// A socket of any kind, with every operation of the system's; see
        /// [`anynet_sockets::Socket`](crate::sockets::Socket).
        #[$cfg]
        pub type Socket = $crate::sockets::Socket<$runtime>;
        /// The operating system's network, as a [`Network`](crate::Network) for generic code; see
        /// [`anynet_sockets::OsNetwork`](crate::sockets::OsNetwork).
        #[$cfg]
        pub type OsNetwork = $crate::sockets::OsNetwork<$runtime>;
        /// A task that [`spawn`] started. Dropping it cancels the task; `detach` lets it run on.
        #[$cfg]
        pub type Spawned<T> = <$runtime as $crate::Executor>::Task<T>;

        /// The operating system's network on the current runtime, for code that is generic over a
        /// [`Network`](crate::Network).
        ///
        /// # Errors
        ///
        /// If there is no current runtime.
        #[$cfg]
        pub fn network() -> ::std::io::Result<OsNetwork> {
            OsNetwork::current()
        }

        /// Runs `future` as a task of its own on the current runtime. Takes what can be awaited:
        /// `spawn(TcpStream::connect(address))?`.
        ///
        /// Awaiting the handle gives the output, and a panic of the task resumes there. **Dropping it cancels the task**, soon;
        /// `detach` lets it run on without the handle: `spawn(background())?.detach()`.
        ///
        /// ```
        /// async fn example() -> anynet::Result<()> {
        ///     let task = anynet::spawn(async { 6 * 7 })?;
        ///     assert_eq!(task.await, 42);
        ///     Ok(())
        /// }
        /// # #[cfg(feature = "smol")]
        /// # return anynet::runtime::smol::run(example()).unwrap().unwrap();
        /// # #[cfg(not(feature = "smol"))]
        /// # anynet::run(example()).unwrap().unwrap();
        /// ```
        ///
        /// # Errors
        ///
        /// If there is no current runtime.
        #[$cfg]
        pub fn spawn<F>(future: F) -> ::std::io::Result<Spawned<F::Output>>
        where
            F: ::std::future::IntoFuture<IntoFuture: Send + 'static, Output: Send + 'static>,
        {
            let runtime = <$runtime as $crate::Runtime>::current()?;
            Ok($crate::Executor::spawn(&runtime, future.into_future()))
        }

        /// Waits for `duration` on the current runtime. Cancel-safe.
        ///
        /// # Errors
        ///
        /// If there is no current runtime.
        #[$cfg]
        pub async fn sleep(duration: ::std::time::Duration) -> ::std::io::Result<()> {
            let runtime = <$runtime as $crate::Runtime>::current()?;
            $crate::Executor::sleep(&runtime, duration).await;
            Ok(())
        }

        /// Waits until a descriptor of any kind can be read, on the current runtime; see
        /// [`anynet_sockets::wait_readable_on`](crate::sockets::wait_readable_on).
        ///
        /// # Errors
        ///
        /// Those, and [`WaitError::NoRuntime`](crate::WaitError::NoRuntime).
        #[$cfg]
        pub fn wait_readable(fd: impl ::std::os::fd::AsFd) -> $crate::Wait {
            $crate::sockets::wait_readable::<$runtime>(fd)
        }

        /// Waits until a descriptor of any kind can be written, on the current runtime; see
        /// [`anynet_sockets::wait_writable_on`](crate::sockets::wait_writable_on).
        ///
        /// # Errors
        ///
        /// Those, and [`WaitError::NoRuntime`](crate::WaitError::NoRuntime).
        #[$cfg]
        pub fn wait_writable(fd: impl ::std::os::fd::AsFd) -> $crate::Wait {
            $crate::sockets::wait_writable::<$runtime>(fd)
        }

        /// Announces that a descriptor is about to be closed, to whoever waits for it on the current runtime; see
        /// [`anynet_sockets::notify_closing_on`](crate::sockets::notify_closing_on).
        ///
        /// # Errors
        ///
        /// If there is no current runtime.
        #[$cfg]
        pub fn notify_closing(fd: impl ::std::os::fd::AsFd) -> ::std::io::Result<()> {
            $crate::sockets::notify_closing::<$runtime>(fd)
        }

        /// Awaits `future` for at most `limit` on the current runtime. When the time is over the future is dropped, which
        /// cancels it. Takes what can be awaited:
        ///
        /// ```no_run
        /// use anynet::{TcpStream, timeout};
        /// use std::time::Duration;
        ///
        /// async fn client() -> anynet::Result<()> {
        ///     let connect = TcpStream::connect("example.org:7");
        ///     let mut stream = timeout(Duration::from_secs(10), connect).await??;
        ///     let mut buf = [0; 64];
        ///     let n = timeout(Duration::from_secs(60), stream.receive(&mut buf)).await??;
        ///     println!("{} bytes", n);
        ///     Ok(())
        /// }
        /// ```
        ///
        /// # Errors
        ///
        /// [`Error::TimedOut`](crate::Error::TimedOut) if the limit passed first; [`Error::Io`](crate::Error::Io) if there
        /// is no current runtime.
        #[$cfg]
        pub async fn timeout<F>(limit: ::std::time::Duration, future: F) -> $crate::Result<F::Output>
        where
            F: ::std::future::IntoFuture,
        {
            let runtime = <$runtime as $crate::Runtime>::current()?;
            Ok($crate::util::timeout(&runtime, limit, future).await?)
        }
    };
}
