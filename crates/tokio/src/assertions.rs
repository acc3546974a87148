//! What is promised of every public type, checked by the compiler.

use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<Tokio>();
    send_sync_unpin::<TokioSleep>();
    send_sync_unpin::<TokioSlot>();
    send_sync_unpin::<TokioSource>();
    send_sync_unpin::<TokioTask<()>>();
};
