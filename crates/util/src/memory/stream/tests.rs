//! Ends, and halves of them.

use std::sync::mpsc;
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use anynet_core::{AttributesExt, Result};
use futures_lite::future::{block_on, poll_once};

use super::*;

#[test]
fn halves_are_used_from_two_tasks_and_put_together_again() -> Result<()> {
    block_on(async {
        let (ours, mut theirs) = MemoryStream::pair(4);
        let (mut receive, mut send) = ours.into_split();
        let mut buf = [0; 8];
        let mut receiving = receive.receive(&mut buf);
        assert!(poll_once(&mut receiving).await.is_none());
        let sending = thread::spawn(move || {
            block_on(send.send(b"more than fits")).unwrap();
            send
        });
        let mut all = [0; 14];
        theirs.receive_exactly(&mut all).await?;
        assert_eq!(&all, b"more than fits");
        let send = sending.join().unwrap();
        theirs.send(b"x").await?;
        assert_eq!(receiving.await?, 1);
        let mut whole = receive.reunite(send).expect("they belong together");
        whole.send(b"one").await?;
        theirs.receive_exactly(&mut all[..3]).await?;
        drop(whole);
        assert!(matches!(
            theirs.receive(&mut all).await,
            Err(ReceiveError::EndOfStream)
        ));
        Ok(())
    })
}

#[test]
fn halves_that_do_not_belong_together_come_back_as_they_were() {
    let halves = || {
        let (ours, theirs) = MemoryStream::pair(4);
        (ours.into_split(), theirs)
    };
    let ((receive, send), mut theirs) = halves();
    let ((_other_receive, other), _other_end) = halves();
    let error = receive.reunite(other).unwrap_err();
    assert_eq!(error.to_string(), "the halves do not belong to one open stream");
    let (receive, mut send) = (error.receive, send);
    block_on(send.close()).unwrap();
    let error = receive.reunite(send).unwrap_err();
    let mut receive = error.receive;
    // The receive half goes on.
    block_on(theirs.send(b"x")).unwrap();
    assert_eq!(block_on(receive.receive(&mut [0; 8])).unwrap(), 1);

    let ((receive, send), _theirs) = halves();
    receive.attribute::<Closer>().unwrap().close();
    receive.reunite(send).expect_err("the stream is closed");
}

#[test]
fn a_send_half_that_goes_sends_the_end_and_a_receive_half_that_goes_does_nothing() {
    for closes in [false, true] {
        let (ours, mut theirs) = MemoryStream::pair(16);
        let (mut receive, mut send) = ours.into_split();
        block_on(send.send(b"x")).unwrap();
        if closes {
            block_on(send.close()).unwrap();
            assert!(matches!(block_on(send.send(b"")), Err(SendError::Closed)));
            assert!(matches!(block_on(send.send_eof()), Err(SendError::Closed)));
        } else {
            drop(send);
        }
        assert_eq!(block_on(theirs.receive(&mut [0; 8])).unwrap(), 1);
        assert!(matches!(
            block_on(theirs.receive(&mut [0; 8])),
            Err(ReceiveError::EndOfStream)
        ));
        block_on(theirs.send(b"late")).unwrap();
        assert_eq!(block_on(receive.receive(&mut [0; 8])).unwrap(), 4);

        let (ours, mut theirs) = MemoryStream::pair(16);
        let (mut receive, mut send) = ours.into_split();
        block_on(theirs.send(b"never received")).unwrap();
        if closes {
            receive.close();
            assert!(matches!(
                block_on(receive.receive(&mut [0; 1])),
                Err(ReceiveError::Closed)
            ));
        } else {
            drop(receive);
        }
        block_on(send.send(b"x")).unwrap();
        block_on(theirs.send(b"!")).unwrap();
        assert_eq!(block_on(theirs.receive(&mut [0; 8])).unwrap(), 1);
    }
}

#[test]
fn the_last_half_leaves_the_connection_as_the_stream_does() {
    for closes in [false, true] {
        let (ours, mut theirs) = MemoryStream::pair(16);
        let (receive, mut send) = ours.into_split();
        block_on(theirs.send(b"never received")).unwrap();
        drop(receive);
        if closes {
            block_on(send.close()).unwrap();
        } else {
            drop(send);
        }
        let end = block_on(theirs.receive(&mut [0; 1]));
        match closes {
            true => assert!(matches!(end, Err(ReceiveError::EndOfStream)), "{end:?}"),
            false => assert!(matches!(end, Err(ReceiveError::Broken(_))), "{end:?}"),
        }
        block_on(theirs.send(b"x")).expect_err("nobody is there");
    }
}

/// The last owner of the other end, as a task that nobody else knows of is of its own.
struct LastOwner(#[expect(dead_code, reason = "it is there to be dropped")] MemoryStream);

impl Wake for LastOwner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_that_is_replaced_may_own_the_other_end() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let (mut ours, theirs) = MemoryStream::lockstep();
        let owner = Waker::from(Arc::new(LastOwner(theirs)));
        let mut buf = [0; 1];
        assert!(
            ours.poll_receive(&mut Context::from_waker(&owner), &mut buf)
                .is_pending()
        );
        drop(owner);
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(ours.poll_receive(&mut nobody, &mut buf).is_pending());
        let end = ours.poll_receive(&mut nobody, &mut buf);
        assert!(
            matches!(end, Poll::Ready(Err(ReceiveError::EndOfStream))),
            "{end:?}"
        );
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(10)).expect("it hangs");
}
