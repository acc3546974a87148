//! The raw socket: what only Linux has. The queue of errors (ip(7)), and packet sockets (packet(7)).

use std::io::IoSliceMut;
use std::sync::Arc;

use anynet_core::ReceiveError;
use anynet_sockets::{MessageFlags, ReceivedMessage, SocketAddress, SocketError, UdpSocket};
use rustix::io::Errno;
use socket2::{Domain, Type};

use super::{NONE, Socket, bound};
use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};

cases![
    a_wait_for_an_error_hides_no_datagram,
    an_error_is_in_its_queue_whoever_waited_before,
    a_wait_for_an_error_ends_when_there_is_one,
    errors_that_nobody_takes_hold_no_datagram_up,
    a_packet_socket_receives_what_passes,
];

/// A datagram socket that queues its errors, and its address.
fn queueing(context: &Context) -> Result<(Socket, SocketAddress), NotApplicable> {
    let (socket, address) = bound(context, Type::DGRAM);
    // `IP_RECVERR`, `IPV6_RECVERR`.
    let (level, name) = if context.loopback.is_ipv4() {
        (0, 11)
    } else {
        (41, 25)
    };
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("only Linux queues errors"));
    }
    socket.set_raw_option(level, name, 1).unwrap();
    Ok((socket, address))
}

/// An address that nobody has: of a socket that is gone.
fn nobody(context: &Context) -> SocketAddress {
    bound(context, Type::DGRAM).1
}

#[cfg(target_os = "linux")]
const QUEUE: MessageFlags = MessageFlags::ERROR_QUEUE;
#[cfg(not(target_os = "linux"))]
const QUEUE: MessageFlags = NONE;

async fn error(socket: &Socket, buf: &mut [u8]) -> Result<ReceivedMessage, SocketError> {
    socket
        .receive_message(&mut [IoSliceMut::new(buf)], 256, QUEUE)
        .await
}

async fn a_wait_for_an_error_hides_no_datagram(context: Context) -> Outcome {
    let (socket, address) = queueing(&context)?;
    let mut buf = [0; 8];
    for data in [&b"one"[..], b"other"] {
        context
            .within(socket.send_to(data, NONE, &address))
            .await
            .unwrap();
        context
            .assert_waits(&mut Box::pin(error(&socket, &mut [0; 8])))
            .await;
        let received = context.within(socket.receive(&mut buf, NONE)).await;
        assert_eq!(received.unwrap(), data.len());
    }
    Ok(())
}

async fn an_error_is_in_its_queue_whoever_waited_before(context: Context) -> Outcome {
    let (socket, _) = queueing(&context)?;
    let (nobody, mut buf) = (nobody(&context), [0; 8]);
    context
        .within(socket.send_to(b"who?", NONE, &nobody))
        .await
        .unwrap();
    let refused = context.within(socket.receive(&mut buf, NONE)).await;
    assert_eq!(
        refused.unwrap_err().raw_os_error(),
        Some(Errno::CONNREFUSED.raw_os_error())
    );
    context
        .assert_waits(&mut Box::pin(socket.receive(&mut [0; 8], NONE)))
        .await;
    let message = context.within(error(&socket, &mut buf)).await.unwrap();
    assert_eq!((message.length, message.sender), (4, Some(nobody)));
    Ok(())
}

async fn a_wait_for_an_error_ends_when_there_is_one(context: Context) -> Outcome {
    let (socket, _) = queueing(&context)?;
    let mut buf = [0; 8];
    let mut waiting = Box::pin(error(&socket, &mut buf));
    context.assert_waits(&mut waiting).await;
    let nobody = nobody(&context);
    context
        .within(socket.send_to(b"who?", NONE, &nobody))
        .await
        .unwrap();
    assert_eq!(context.within(waiting).await.unwrap().length, 4);
    // And with the socket.
    let mut waiting = Box::pin(error(&socket, &mut buf));
    context.assert_waits(&mut waiting).await;
    socket.close();
    assert!(matches!(context.within(waiting).await, Err(SocketError::Closed)));
    Ok(())
}

async fn errors_that_nobody_takes_hold_no_datagram_up(context: Context) -> Outcome {
    let (socket, address) = queueing(&context)?;
    let nobody = nobody(&context);
    context
        .within(socket.send_to(b"who?", NONE, &nobody))
        .await
        .unwrap();
    let fd = socket.detach().unwrap().expect("it was open");
    let socket = Arc::new(UdpSocket::from_fd(context.runtime().clone(), fd).unwrap());
    let mut buf = [0; 8];
    let told = context.within(socket.receive(&mut buf)).await;
    assert!(matches!(told, Err(ReceiveError::Undelivered(_))), "{told:?}");
    let receiving = context.spawn_waiting({
        let socket = socket.clone();
        async move { socket.receive(&mut [0; 8]).await }
    });
    let receiving = receiving.await;
    context.settle().await;
    let own = address.socket_addr().unwrap();
    context.within(socket.send_to(b"mine", own)).await.unwrap();
    assert_eq!(context.within(receiving).await.unwrap().length, 4);
    Ok(())
}

async fn a_packet_socket_receives_what_passes(context: Context) -> Outcome {
    const PACKET: i32 = 17;
    const EVERY_PROTOCOL: u16 = 3;
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("an address family of Linux"));
    }
    let protocol = i32::from(EVERY_PROTOCOL.to_be()).into();
    let packets = match Socket::new_on(
        context.runtime(),
        Domain::from(PACKET),
        Type::DGRAM,
        Some(protocol),
    ) {
        Ok(packets) => packets,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(NotApplicable("packets are for the privileged"));
        }
        Err(error) => panic!("{error:?}"),
    };
    let (socket, address) = bound(&context, Type::DGRAM);
    let text = b"a frame of its own";
    let mut buf = [0; 256];
    let mut bufs = [IoSliceMut::new(&mut buf)];
    // Not only what was sent here passes.
    loop {
        context
            .within(socket.send_to(text, NONE, &address))
            .await
            .unwrap();
        let message = context
            .within(packets.receive_message(&mut bufs, 64, NONE))
            .await
            .unwrap();
        assert_eq!(message.sender.unwrap().family(), Domain::from(PACKET));
        if bufs[0][..message.length].ends_with(text) {
            return Ok(());
        }
    }
}
