//! What is promised of every public type, checked by the compiler.

use anynet_core::{BoxExecutor, BoxListener, BoxSleep, BoxStream};

use crate::*;

const fn send<T: Send>() {}
const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<Counters>();
    send_sync_unpin::<Guard<BoxExecutor>>();
    // Sent, not shared: as their parts.
    send::<Guarded<BoxStream, BoxExecutor, BoxSleep>>();
    send::<GuardedStream<BoxStream, BoxExecutor>>();
    send_sync_unpin::<Listeners<BoxListener>>();
    send_sync_unpin::<Panic>();
    send_sync_unpin::<Serve<'_, BoxListener, fn()>>();
    send_sync_unpin::<ServeError>();
    send::<Server<BoxListener>>();
    send_sync_unpin::<ServerHandle>();
    send_sync_unpin::<Statistics>();
    send_sync_unpin::<Attempt>();
    send_sync_unpin::<Connected<()>>();
    send_sync_unpin::<Faulty<MemoryStream>>();
    send_sync_unpin::<FaultyListener<MemoryNetwork>>();
    send_sync_unpin::<FaultyNetwork<MemoryNetwork>>();
    send_sync_unpin::<HappyEyeballs>();
    send_sync_unpin::<Outcome>();
    send_sync_unpin::<MemoryDatagram>();
    send_sync_unpin::<MemoryListener>();
    send_sync_unpin::<MemoryNetwork>();
    send_sync_unpin::<MemoryReceiveHalf>();
    send_sync_unpin::<MemoryReuniteError>();
    send_sync_unpin::<MemorySendHalf>();
    send_sync_unpin::<MemorySleep>();
    send_sync_unpin::<MemoryStream>();
    send_sync_unpin::<MemoryTask<()>>();
    send_sync_unpin::<Stapled<MemoryStream, MemoryStream>>();
    send_sync_unpin::<TableResolver>();
    send_sync_unpin::<Seat>();
    send_sync_unpin::<Target>();
    send_sync_unpin::<Waiters>();
    send::<Wrapped<BoxSleep, (), BoxSleep>>();
    // Sent, not shared: as its parts.
    send::<Timeout<BoxSleep, BoxSleep>>();
};
