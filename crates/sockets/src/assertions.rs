//! What is promised of every public type, checked by the compiler.

use anynet_core::BoxRuntime;

use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<Bind<BoxRuntime>>();
    send_sync_unpin::<Connect<BoxRuntime>>();
    send_sync_unpin::<Interface>();
    send_sync_unpin::<NameError>();
    send_sync_unpin::<NameQuery>();
    send_sync_unpin::<OsNetwork<BoxRuntime>>();
    send_sync_unpin::<ReuniteError<BoxRuntime>>();
    send_sync_unpin::<TcpListener<BoxRuntime>>();
    send_sync_unpin::<TcpReceiveHalf<BoxRuntime>>();
    send_sync_unpin::<TcpSendHalf<BoxRuntime>>();
    send_sync_unpin::<TcpStream<BoxRuntime>>();
};
