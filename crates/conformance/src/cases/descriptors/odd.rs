//! Descriptors that are refused, that nobody asked for, or that nobody can have.

use std::os::fd::OwnedFd;

use anynet_core::{ReceiveError, SendError};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;

use super::{Probe, assert_same, pair};
use crate::Context;
use crate::case::cases;
use crate::steps::assert_is;

cases![
    what_is_sent_without_bytes_or_descriptors_is_refused,
    asking_for_no_descriptor_is_refused,
    more_than_a_message_can_carry_are_refused_before_anything_is_sent,
    descriptors_on_a_plain_receive_are_closed_and_the_bytes_intact,
    more_than_were_asked_for_are_closed_and_it_is_told,
    those_that_nobody_receives_are_closed_with_the_stream,
    a_message_with_descriptors_between_plain_bytes_hides_nothing_behind_it,
    what_else_comes_with_a_message_is_passed_over,
    a_descriptor_that_cannot_be_sent_leaves_the_stream_well,
];

async fn what_is_sent_without_bytes_or_descriptors_is_refused(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    let refused = context.within(theirs.send_fds(b"", &sent)).await;
    assert_is!(refused, Err(SendError::NoData));
    let refused = context.within(theirs.send_fds::<OwnedFd>(b"x", &[])).await;
    assert_is!(refused, Err(SendError::NoDescriptors));
    context.within(theirs.send_fds(b"y", &sent)).await.unwrap();
    drop(theirs);
    let received = context.within(ours.receive_fds(&mut [0; 8], 9)).await.unwrap();
    assert_eq!((received.length, received.fds.len()), (1, 1));
    assert_is!(
        context.within(ours.receive_fds(&mut [0; 8], 9)).await,
        Err(ReceiveError::EndOfStream)
    );
}

async fn asking_for_no_descriptor_is_refused(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    context.within(theirs.send_fds(b"x", &sent)).await.unwrap();
    drop(theirs);
    for buf in [&mut [0; 8][..], &mut []] {
        let refused = context.within(ours.receive_fds(buf, 0)).await;
        assert_is!(refused, Err(ReceiveError::NoDescriptors));
    }
    let received = context.within(ours.receive_fds(&mut [0; 8], 1)).await.unwrap();
    assert_same(&received.fds, &sent);
}

async fn more_than_a_message_can_carry_are_refused_before_anything_is_sent(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let probe = Probe::new();
    let refused = context.within(theirs.send_fds(b"x", &[&probe.fd; 254])).await;
    assert_is!(refused, Err(SendError::TooManyDescriptors));
    let most = [&probe.fd; 253];
    context.within(theirs.send_fds(b"most", &most)).await.unwrap();
    let mut buf = [0; 8];
    let received = context
        .within(ours.receive_fds(&mut buf, usize::MAX))
        .await
        .unwrap();
    assert_eq!(&buf[..received.length], b"most");
    assert_eq!((received.fds.len(), received.fds_truncated), (253, false));
}

async fn descriptors_on_a_plain_receive_are_closed_and_the_bytes_intact(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    for way in 0..3 {
        let (sent, mut copies) = Probe::many(10);
        context.within(theirs.send_fds(b"message", &sent)).await.unwrap();
        drop(sent);
        let mut buf = [0; 16];
        let length = match way {
            0 => context.within(ours.receive(&mut buf)).await.unwrap(),
            1 => ours.try_receive(&mut buf).unwrap().unwrap(),
            _ => {
                assert_eq!(context.within(ours.peek(&mut buf)).await.unwrap(), 7);
                context.within(ours.receive(&mut buf)).await.unwrap()
            }
        };
        assert_eq!(&buf[..length], b"message");
        for copies in &mut copies {
            context.until(|| copies.are_closed()).await;
        }
    }
    context.assert_talks(&mut ours, &mut theirs).await;
}

async fn more_than_were_asked_for_are_closed_and_it_is_told(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    for max_fds in [1, 2, 3, 9, 10, 11] {
        for room in [0, 16] {
            let (mut sent, mut copies) = Probe::many(10);
            context.within(theirs.send_fds(b"message", &sent)).await.unwrap();
            let mut buf = [0; 16];
            let received = context.within(ours.receive_fds(&mut buf[..room], max_fds)).await;
            let received = received.unwrap();
            assert_eq!(received.fds_truncated, max_fds < 10, "{max_fds} of 10");
            let surplus: Vec<OwnedFd> = sent.drain(max_fds.min(10)..).collect();
            assert_same(&received.fds, &sent);
            drop(surplus);
            for copies in copies.iter_mut().skip(max_fds) {
                context.until(|| copies.are_closed()).await;
            }
            if room == 0 {
                assert_eq!(context.receive_bytes(&mut ours, 7).await, b"message");
            } else {
                assert_eq!(&buf[..received.length], b"message");
            }
        }
    }
}

async fn those_that_nobody_receives_are_closed_with_the_stream(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, mut copies) = Probe::many(10);
    context.within(theirs.send_fds(b"message", &sent)).await.unwrap();
    drop(sent);
    context.settle().await;
    assert!(!copies[0].are_closed(), "they are on their way");
    ours.close().await.unwrap();
    for copies in &mut copies {
        context.until(|| copies.are_closed()).await;
    }
}

/// A receive stops behind a message with descriptors, although there is more: it has not seen the buffer empty.
async fn a_message_with_descriptors_between_plain_bytes_hides_nothing_behind_it(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    // What was just connected is tried before it is waited for. From here on the reactor's word counts.
    context.assert_talks(&mut ours, &mut theirs).await;
    let (sent, _copies) = Probe::many(1);
    for with_fds in [false, true] {
        context.within(theirs.send(b"before ")).await.unwrap();
        context.within(theirs.send_fds(b"with ", &sent)).await.unwrap();
        context.within(theirs.send(b"behind")).await.unwrap();
        context.settle().await;
        let (mut received, mut buf) = (Vec::new(), [0; 64]);
        while received.len() < 18 {
            let length = if with_fds {
                context
                    .within(ours.receive_fds(&mut buf, 1))
                    .await
                    .unwrap()
                    .length
            } else {
                context.within(ours.receive(&mut buf)).await.unwrap()
            };
            received.extend_from_slice(&buf[..length]);
        }
        assert_eq!(received, b"before with behind");
    }
}

async fn what_else_comes_with_a_message_is_passed_over(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    set_socket_passcred(&ours, true).unwrap();
    let (sent, _copies) = Probe::many(2);
    context.within(theirs.send_fds(b"message", &sent)).await.unwrap();
    let mut buf = [0; 16];
    let received = context.within(ours.receive_fds(&mut buf, 2)).await.unwrap();
    assert_eq!(&buf[..received.length], b"message");
    assert_same(&received.fds, &sent);
    assert!(!received.fds_truncated);
}

async fn a_descriptor_that_cannot_be_sent_leaves_the_stream_well(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (mut closed, _peer) = pair(&context);
    closed.close().await.unwrap();
    let error = context
        .within(theirs.send_fds(b"x", &[closed]))
        .await
        .unwrap_err();
    let SendError::NotSent(cause) = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause.raw_os_error(), Some(Errno::BADF.raw_os_error()));
    context.assert_talks(&mut ours, &mut theirs).await;
}
