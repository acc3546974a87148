//! What is promised of every public type, checked by the compiler.

use anynet_core::BoxRuntime;

use crate::options::*;
use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<AdoptError>();
    send_sync_unpin::<AdoptFault>();
    send_sync_unpin::<Broadcast>();
    send_sync_unpin::<Congestion>();
    send_sync_unpin::<Control<'static>>();
    send_sync_unpin::<ControlMessage>();
    send_sync_unpin::<DeferAccept>();
    send_sync_unpin::<Device>();
    send_sync_unpin::<FastOpen>();
    send_sync_unpin::<FastOpenConnect>();
    send_sync_unpin::<KeepAlive>();
    send_sync_unpin::<KeepAliveInterval>();
    send_sync_unpin::<KeepAliveRetries>();
    send_sync_unpin::<KeepAliveTime>();
    send_sync_unpin::<LingerZero>();
    send_sync_unpin::<Mark>();
    send_sync_unpin::<MessageFlags>();
    send_sync_unpin::<NoDelay>();
    send_sync_unpin::<NotSentLowWaterMark>();
    send_sync_unpin::<OptionError>();
    send_sync_unpin::<IntoFdError<TcpStream<BoxRuntime>>>();
    send_sync_unpin::<Interface>();
    send_sync_unpin::<NameError>();
    send_sync_unpin::<NameQuery>();
    send_sync_unpin::<OsNetwork<BoxRuntime>>();
    send_sync_unpin::<PathInUse>();
    send_sync_unpin::<ReceiveBufferSize>();
    send_sync_unpin::<ReceivedMessage>();
    send_sync_unpin::<ReceivedFds>();
    send_sync_unpin::<ReuniteError<BoxRuntime, Tcp>>();
    send_sync_unpin::<ReuseAddress>();
    send_sync_unpin::<ReusePort>();
    send_sync_unpin::<SendBufferSize>();
    send_sync_unpin::<Socket<BoxRuntime>>();
    send_sync_unpin::<SocketAddress>();
    send_sync_unpin::<SocketError>();
    send_sync_unpin::<SocketOptions>();
    send_sync_unpin::<StreamListener<BoxRuntime, Tcp>>();
    send_sync_unpin::<StreamReceiveHalf<BoxRuntime, Tcp>>();
    send_sync_unpin::<StreamSendHalf<BoxRuntime, Tcp>>();
    send_sync_unpin::<StreamSocket<BoxRuntime, Tcp>>();
    send_sync_unpin::<Tcp>();
    send_sync_unpin::<TcpBind<BoxRuntime>>();
    send_sync_unpin::<TcpConnect<BoxRuntime>>();
    send_sync_unpin::<TcpListener<BoxRuntime>>();
    send_sync_unpin::<TcpReceiveHalf<BoxRuntime>>();
    send_sync_unpin::<TcpSendHalf<BoxRuntime>>();
    send_sync_unpin::<TcpStream<BoxRuntime>>();
    send_sync_unpin::<Tos>();
    send_sync_unpin::<Ttl>();
    send_sync_unpin::<Unix>();
    send_sync_unpin::<UnixBind<BoxRuntime>>();
    send_sync_unpin::<UnixConnect<BoxRuntime>>();
    send_sync_unpin::<UserTimeout>();
    send_sync_unpin::<V6Only>();
    send_sync_unpin::<Wait>();
};
