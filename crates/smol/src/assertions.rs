//! What is promised of every public type, checked by the compiler.

use crate::*;

const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<Smol>();
    send_sync_unpin::<SmolSleep>();
    send_sync_unpin::<SmolSlot>();
    send_sync_unpin::<SmolSource>();
    send_sync_unpin::<SmolTask<()>>();
};
