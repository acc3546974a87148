//! Behaviours that the compiler refuses.
//!
//! Where another library reports a mistake at run time, here the program does not compile. Each constant stands for one
//! such mistake; its documentation is the program, and a documentation test that the compiler refuses it.

macro_rules! refusals {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// All of them, by the name that the catalogue uses.
        pub const ALL: &[&str] = &[$($constant),*];
    };
}

refusals! {
    /// Two receives at once on one stream: AnyIO's and Trio's "busy".
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteReceiveStream, ByteReceiveStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteReceiveStream) {
    ///     let (mut a, mut b) = ([0; 1], [0; 1]);
    ///     let first = stream.receive(&mut a);
    ///     let second = stream.receive(&mut b);
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    TWO_RECEIVES_AT_ONCE = "two_receives_at_once";
    /// Two sends at once on one stream.
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteSendStream, ByteSendStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteSendStream) {
    ///     let first = stream.send(b"1");
    ///     let second = stream.send(b"2");
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    TWO_SENDS_AT_ONCE = "two_sends_at_once";
    /// Any other operation of the send direction while a `send_ready` waits.
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteSendStream, ByteSendStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteSendStream) {
    ///     let (first, second) = (stream.send_ready(), stream.send_ready());
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteSendStream, ByteSendStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteSendStream) {
    ///     let (first, second) = (stream.send_ready(), stream.send(b"x"));
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteSendStream, ByteSendStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteSendStream) {
    ///     let (first, second) = (stream.send_ready(), stream.send_eof());
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    ANY_SEND_OPERATION_DURING_SEND_READY = "any_send_operation_during_send_ready";
    /// The end of the stream while a send is under way.
    ///
    /// ```compile_fail,E0499
    /// # use anynet_core::{ByteSendStream, ByteSendStreamExt};
    /// async fn two_at_once(stream: &mut impl ByteSendStream) {
    ///     let (first, second) = (stream.send(b"x"), stream.send_eof());
    ///     let _ = (first.await, second.await);
    /// }
    /// ```
    SEND_EOF_DURING_A_SEND = "send_eof_during_a_send";
    /// A receive with a size that is negative, fractional or anything else but the size of a buffer.
    ///
    /// ```compile_fail,E0308
    /// # use anynet_core::{ByteReceiveStream, ByteReceiveStreamExt};
    /// async fn sized(stream: &mut impl ByteReceiveStream) {
    ///     let _ = stream.receive(-1).await;
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use anynet_core::{ByteReceiveStream, ByteReceiveStreamExt};
    /// async fn sized(stream: &mut impl ByteReceiveStream) {
    ///     let _ = stream.receive(1.5).await;
    /// }
    /// ```
    A_RECEIVE_BUFFER_IS_A_BYTE_SLICE = "a_receive_buffer_is_a_byte_slice";
    /// A receive that says "0 bytes", which others use for the end of the stream.
    ///
    /// ```compile_fail,E0308
    /// # use anynet_core::ReceiveError;
    /// # use std::num::NonZeroUsize;
    /// fn poll_receive() -> Result<NonZeroUsize, ReceiveError> {
    ///     Ok(0)
    /// }
    /// ```
    A_RECEIVE_CANNOT_RETURN_NO_BYTES = "a_receive_cannot_return_no_bytes";
    /// A send that reports the end of the stream.
    ///
    /// ```compile_fail,E0599
    /// let error = anynet_core::SendError::EndOfStream;
    /// ```
    A_SEND_ERROR_CANNOT_BE_END_OF_STREAM = "a_send_error_cannot_be_end_of_stream";
    /// A send stream that forgot how to send its end.
    ///
    /// ```compile_fail,E0046
    /// use anynet_core::{Attributes, ByteSendStream, Request, SendError};
    /// use std::io::IoSlice;
    /// use std::task::{Context, Poll};
    ///
    /// struct Forgetful;
    /// impl Attributes for Forgetful {
    ///     fn attributes<'a>(&'a self, _: &mut Request<'_, 'a>) {}
    /// }
    /// impl ByteSendStream for Forgetful {
    ///     fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
    ///         Poll::Pending
    ///     }
    ///     fn poll_send_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
    ///         Poll::Pending
    ///     }
    ///     fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
    ///         Poll::Pending
    ///     }
    ///     fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
    ///         Poll::Pending
    ///     }
    /// }
    /// ```
    A_SEND_STREAM_WITHOUT_SEND_EOF = "a_send_stream_without_send_eof";
    /// Sending on the half that receives.
    ///
    /// ```compile_fail,E0599
    /// # use anynet_core::Runtime;
    /// # use anynet_sockets::TcpReceiveHalf;
    /// async fn send<R: Runtime>(half: &mut TcpReceiveHalf<R>) {
    ///     let _ = half.send(b"x").await;
    /// }
    /// ```
    A_RECEIVE_HALF_CANNOT_SEND = "a_receive_half_cannot_send";
    /// A half where a whole stream is asked for.
    ///
    /// ```compile_fail,E0277
    /// # use anynet_core::{ByteStream, Runtime};
    /// # use anynet_sockets::TcpReceiveHalf;
    /// fn whole(_: impl ByteStream) {}
    /// fn half<R: Runtime>(half: TcpReceiveHalf<R>) {
    ///     whole(half);
    /// }
    /// ```
    A_HALF_IS_NO_WHOLE_STREAM = "a_half_is_no_whole_stream";
    /// Dropping a stream while an operation on it is under way.
    ///
    /// ```compile_fail,E0505
    /// # use anynet_core::{ByteStream, ByteReceiveStreamExt};
    /// async fn dropped(mut stream: impl ByteStream) {
    ///     let mut buf = [0; 1];
    ///     let receive = stream.receive(&mut buf);
    ///     drop(stream);
    ///     let _ = receive.await;
    /// }
    /// ```
    DROPPING_A_STREAM_THAT_AN_OPERATION_USES = "dropping_a_stream_that_an_operation_uses";
    /// A datagram socket where a stream is asked for.
    ///
    /// ```compile_fail,E0277
    /// fn stream(_: impl anynet_core::ByteStream) {}
    /// stream(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    /// ```
    A_DATAGRAM_SOCKET_IS_NO_STREAM = "a_datagram_socket_is_no_stream";
}
