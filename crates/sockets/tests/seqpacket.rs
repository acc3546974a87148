//! Sequential packets on several threads at once.

use std::sync::Barrier;
use std::thread;

use anynet_core::ReceiveError;
use anynet_smol::Smol;
use anynet_sockets::UnixSeqpacket;

/// The system tells of a reset once, to whichever call comes first; to the others it looks like a clean end.
#[test]
fn a_reset_that_another_call_is_told_of_is_no_clean_end() {
    let (start, runtime) = (Barrier::new(2), Smol::new());
    let mut told = Vec::new();
    for _ in 0..100 {
        let connections: Vec<_> = (0..100).map(|_| reset(&runtime)).collect(); // few enough for any limit of descriptors
        thread::scope(|scope| {
            scope.spawn(|| {
                for ours in &connections {
                    start.wait();
                    let _ = ours.try_send(b"x");
                }
            });
            for ours in &connections {
                start.wait();
                told.push(ours.try_receive(&mut [0; 8]));
            }
        });
    }
    for received in told {
        assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
    }
}

/// One that was reset, for its peer has left something unread.
fn reset(runtime: &Smol) -> UnixSeqpacket<Smol> {
    let (ours, _theirs) = UnixSeqpacket::pair_on(runtime).unwrap();
    assert!(ours.try_send(b"never read").unwrap());
    ours
}
