//! What is promised of every public type, checked by the compiler, under every feature set.

#![cfg(any(feature = "tokio", feature = "smol"))]

use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<ConnectedUdpSocket>();
    send_sync_unpin::<ConnectedUnixDatagram>();
    send_sync_unpin::<Current>();
    send_sync_unpin::<CurrentSleep>();
    send_sync_unpin::<CurrentSlot>();
    send_sync_unpin::<CurrentSource>();
    send_sync_unpin::<CurrentTask<()>>();
    send_sync_unpin::<OsNetwork>();
    send_sync_unpin::<TcpListener>();
    send_sync_unpin::<TcpReceiveHalf>();
    send_sync_unpin::<TcpSendHalf>();
    send_sync_unpin::<TcpStream>();
    send_sync_unpin::<UdpSocket>();
    send_sync_unpin::<UnixDatagram>();
};
