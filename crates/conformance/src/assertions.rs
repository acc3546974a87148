//! What is promised of every public type, checked by the compiler.

use crate::*;

const fn send<T: Send>() {}
const fn send_sync_unpin<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync_unpin::<Backend>();
    send_sync_unpin::<Catalogue>();
    send_sync_unpin::<Context>();
    send_sync_unpin::<Deviation>();
    send_sync_unpin::<Entry>();
    send_sync_unpin::<Ground>();
    send_sync_unpin::<Named>();
    send_sync_unpin::<NetworkBackend>();
    send_sync_unpin::<Standing>();
    send_sync_unpin::<StreamKind>();
    send_sync_unpin::<StreamKind<Ground>>();
    send_sync_unpin::<Suite>();
    send_sync_unpin::<Table>();
    // Sent, not shared: as the streams in them.
    send::<Body>();
    send::<NetworkBody>();
    send::<ReceiveEnd>();
    send::<Second>();
    send::<SendEnd>();
};
