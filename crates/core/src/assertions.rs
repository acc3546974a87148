//! What is promised of every public type, checked by the compiler.

use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}
const fn send_unpin<T: Send + Unpin>() {}

const _: () = {
    send_sync_unpin::<AddressInfo>();
    send_sync_unpin::<AcceptError>();
    send_sync_unpin::<Address>();
    send_sync_unpin::<BindError>();
    send_sync_unpin::<BoxDatagram>();
    send_sync_unpin::<BoxExecutor>();
    send_sync_unpin::<BoxListener>();
    send_sync_unpin::<BoxNetwork>();
    send_sync_unpin::<BoxRuntime>();
    send_sync_unpin::<BoxSlot>();
    send_sync_unpin::<BoxSource>();
    send_sync_unpin::<BoxUnixNetwork>();
    send_sync_unpin::<Cause>();
    send_sync_unpin::<Closer>();
    send_sync_unpin::<ConnectError>();
    send_sync_unpin::<Direction>();
    send_sync_unpin::<Error>();
    send_sync_unpin::<FailedAttempt>();
    send_sync_unpin::<Family>();
    send_sync_unpin::<Latch>();
    send_sync_unpin::<LocalAddress>();
    send_sync_unpin::<Lookup>();
    send_sync_unpin::<LookupFlags>();
    send_sync_unpin::<NameFlags>();
    send_sync_unpin::<NameInfo>();
    send_sync_unpin::<PeerAddress>();
    send_sync_unpin::<PeerCredentials>();
    send_sync_unpin::<ReceiveError>();
    send_sync_unpin::<ReceiveExactlyError>();
    send_sync_unpin::<Received>();
    send_sync_unpin::<ResolveError>();
    send_sync_unpin::<ResolverError>();
    send_sync_unpin::<SendError>();
    send_sync_unpin::<Service>();
    send_sync_unpin::<SocketType>();
    send_sync_unpin::<Step<()>>();
    send_sync_unpin::<TimeLimit>();
    send_sync_unpin::<TimedOut>();
    send_sync_unpin::<UnixAddress>();
    send_sync_unpin::<UnixAddressError>();
    send_sync_unpin::<UnixName>();
    send_sync_unpin::<UnixPath>();
    send_sync_unpin::<WaitError>();
    send_sync_unpin::<WaitPlace>();
    send_sync_unpin::<Waited>();
    send_sync_unpin::<Waits>();
    // Sent, not shared.
    send_unpin::<BoxSleep>();
    send_unpin::<BoxStream>();
    send_unpin::<BoxTask<()>>();
    send_unpin::<Chunks<'_, BoxStream>>();
    // A future is what its stream is.
    send_unpin::<future::Receive<'_, BoxStream>>();
    send_unpin::<future::ReceiveExactly<'_, BoxStream>>();
    send_unpin::<future::Send<'_, BoxStream>>();
    send_unpin::<future::SendSome<'_, BoxStream>>();
    send_unpin::<future::SendVectored<'_, '_, BoxStream>>();
    send_unpin::<future::SendReady<'_, BoxStream>>();
    send_unpin::<future::Flush<'_, BoxStream>>();
    send_unpin::<future::SendEof<'_, BoxStream>>();
    send_unpin::<future::Close<'_, BoxStream>>();
};

/// The end of a stream costs no space: a receive's result is as large as `io::Result<usize>`.
const _: () =
    assert!(size_of::<Result<std::num::NonZeroUsize, ReceiveError>>() == size_of::<std::io::Result<usize>>());
