//! Multicast: groups, and which way and how far packets to them go.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket};

use anynet_core::BoxRuntime;
use anynet_sockets::options::{
    MulticastAll, MulticastInterfaceV4, MulticastInterfaceV6, MulticastLoop, MulticastTtl, ReuseAddress,
    SocketOptions,
};
use anynet_sockets::{UdpSocket, interfaces};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};

cases![
    reach_loop_and_interface_have_defaults_and_can_be_set,
    an_address_that_is_no_group_is_refused,
    a_group_is_joined_once_and_left_once,
    what_is_sent_to_a_group_arrives_at_every_member_on_one_port,
    nothing_comes_back_with_the_loop_off,
    nothing_arrives_after_leaving,
    what_another_source_sends_does_not_arrive,
];

type Udp = UdpSocket<BoxRuntime>;

async fn reach_loop_and_interface_have_defaults_and_can_be_set(context: Context) {
    let socket = context.udp().await;
    assert_eq!(socket.option::<MulticastTtl>().unwrap(), MulticastTtl(1));
    assert_eq!(socket.option::<MulticastLoop>().unwrap(), MulticastLoop(true));
    socket.set_option(&MulticastTtl(7)).unwrap();
    socket.set_option(&MulticastLoop(false)).unwrap();
    assert_eq!(socket.option::<MulticastTtl>().unwrap(), MulticastTtl(7));
    assert_eq!(socket.option::<MulticastLoop>().unwrap(), MulticastLoop(false));
    let too_far = socket.set_option(&MulticastTtl(256)).unwrap_err();
    assert_eq!(too_far.kind(), ErrorKind::InvalidInput);
    if context.loopback.is_ipv4() {
        let any = MulticastInterfaceV4(Ipv4Addr::UNSPECIFIED);
        assert_eq!(socket.option::<MulticastInterfaceV4>().unwrap(), any);
        let loopback = MulticastInterfaceV4(Ipv4Addr::LOCALHOST);
        socket.set_option(&loopback).unwrap();
        assert_eq!(socket.option::<MulticastInterfaceV4>().unwrap(), loopback);
    } else {
        let any = MulticastInterfaceV6(0);
        assert_eq!(socket.option::<MulticastInterfaceV6>().unwrap(), any);
        let loopback = MulticastInterfaceV6(loopback_interface());
        socket.set_option(&loopback).unwrap();
        assert_eq!(socket.option::<MulticastInterfaceV6>().unwrap(), loopback);
    }
}

async fn an_address_that_is_no_group_is_refused(context: Context) {
    let socket = context.udp().await;
    let group = group(&context);
    let no_group = context.loopback.ip();
    let other_family: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
    };
    for refused in [
        socket.join_multicast(no_group, 0),
        socket.leave_multicast(no_group, 0),
        socket.join_multicast_source(no_group, no_group, 0),
        socket.join_multicast_source(group, other_family, 0),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let nowhere = socket.join_multicast(group, 0x7fff_fff0);
    assert!(nowhere.is_err(), "there is no such interface");
}

async fn a_group_is_joined_once_and_left_once(context: Context) {
    let socket = context.udp().await;
    let (group, interface) = (group(&context), loopback_interface());
    for _ in 0..2 {
        socket.join_multicast(group, interface).unwrap();
        let again = socket.join_multicast(group, interface).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
        socket.leave_multicast(group, interface).unwrap();
        let again = socket.leave_multicast(group, interface).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrNotAvailable);
    }
}

async fn what_is_sent_to_a_group_arrives_at_every_member_on_one_port(context: Context) -> Outcome {
    let (sender, interface) = sender(&context).await?;
    let members = members(&context, 2).await;
    for member in &members {
        member.join_multicast(group(&context), interface).unwrap();
    }
    let to = SocketAddr::new(group(&context), members[0].local_address().port());
    context.within(sender.send_to(b"to all", to)).await.unwrap();
    for member in &members {
        let mut buf = [0; 16];
        let (received, from) = context.within(member.receive_from(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], b"to all");
        assert_eq!(from.port(), sender.local_address().port());
    }
    Ok(())
}

async fn nothing_comes_back_with_the_loop_off(context: Context) -> Outcome {
    let (sender, mut interface) = sender(&context).await?;
    if context.loopback.is_ipv4() {
        // What goes out by the loopback interface comes in by it, asked for or not.
        let outward = MulticastInterfaceV4(outward_address()?);
        sender.set_option(&outward).unwrap();
        interface = 0;
    }
    let members = members(&context, 1).await;
    members[0].join_multicast(group(&context), interface).unwrap();
    let to = SocketAddr::new(group(&context), members[0].local_address().port());
    sender.set_option(&MulticastLoop(false)).unwrap();
    context.within(sender.send_to(b"off", to)).await.unwrap();
    sender.set_option(&MulticastLoop(true)).unwrap();
    context.within(sender.send_to(b"on", to)).await.unwrap();
    let mut buf = [0; 8];
    let received = context.within(members[0].receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"on");
    Ok(())
}

async fn nothing_arrives_after_leaving(context: Context) -> Outcome {
    let (sender, interface) = sender(&context).await?;
    let members = members(&context, 2).await;
    for member in &members {
        member.join_multicast(group(&context), interface).unwrap();
    }
    let to = SocketAddr::new(group(&context), members[0].local_address().port());
    members[0].leave_multicast(group(&context), interface).unwrap();
    context.within(sender.send_to(b"late", to)).await.unwrap();
    context.within(members[1].receive(&mut [0; 8])).await.unwrap();
    assert!(members[0].try_receive(&mut [0; 8]).unwrap().is_none());
    Ok(())
}

async fn what_another_source_sends_does_not_arrive(context: Context) -> Outcome {
    let (sender, interface) = sender(&context).await?;
    let (members, group) = (members(&context, 1).await, group(&context));
    let to = SocketAddr::new(group, members[0].local_address().port());
    // Whatever the sender's address is on that interface, a member without a choice is told.
    members[0].join_multicast(group, interface).unwrap();
    context.within(sender.send_to(b"who", to)).await.unwrap();
    let (_, from) = context
        .within(members[0].receive_from(&mut [0; 8]))
        .await
        .unwrap();
    members[0].leave_multicast(group, interface).unwrap();

    let other: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    members[0].join_multicast_source(group, other, interface).unwrap();
    context
        .within(sender.send_to(b"not asked for", to))
        .await
        .unwrap();
    members[0]
        .join_multicast_source(group, from.ip(), interface)
        .unwrap();
    context.within(sender.send_to(b"asked for", to)).await.unwrap();
    let mut buf = [0; 16];
    let received = context.within(members[0].receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"asked for");
    members[0]
        .leave_multicast_source(group, from.ip(), interface)
        .unwrap();
    let again = members[0].leave_multicast_source(group, from.ip(), interface);
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
    context.within(sender.send_to(b"no more", to)).await.unwrap();
    context.settle().await;
    assert!(members[0].try_receive(&mut buf).unwrap().is_none());
    Ok(())
}

/// A group that nobody else uses, and that no router passes on.
fn group(context: &Context) -> IpAddr {
    match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::new(232, 77, 77, 77).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0xff32, 0, 0, 0, 0, 0, 0x4d4d, 0x4d4d).into(),
    }
}

fn loopback_interface() -> u32 {
    let found = interfaces().unwrap().into_iter().find(|found| found.name == "lo");
    found.expect("a loopback interface").index
}

/// The address of the interface that packets to other hosts go out by.
fn outward_address() -> Result<Ipv4Addr, NotApplicable> {
    let probe = StdSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let connected = probe.connect((Ipv4Addr::new(232, 77, 77, 77), 9));
    match (connected, probe.local_addr().map(|local| local.ip())) {
        (Ok(()), Ok(IpAddr::V4(address))) if !address.is_loopback() => Ok(address),
        _ => Err(NotApplicable("no interface but loopback has a way for groups")),
    }
}

/// Sockets on one port of every local address, each of which hears its own groups only.
async fn members(context: &Context, count: usize) -> Vec<Udp> {
    let host: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut on = SocketAddr::new(host, 0);
    let options = SocketOptions::new()
        .required(ReuseAddress(true))
        .best_effort(MulticastAll(false));
    let mut members = Vec::new();
    for _ in 0..count {
        let bind = UdpSocket::bind_on(context.runtime(), on).options(options.clone());
        let member = context.within(bind.into_future()).await.unwrap();
        on = member.local_address();
        members.push(member);
    }
    members
}

/// A socket whose packets to groups go out by an interface that has a way for them, though not beyond this host; and
/// that interface.
async fn sender(context: &Context) -> Result<(Udp, u32), NotApplicable> {
    let host: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let bind = UdpSocket::bind_on(context.runtime(), (host, 0)).into_future();
    let socket = context.within(bind).await.unwrap();
    socket.set_option(&MulticastTtl(0)).unwrap();
    if context.loopback.is_ipv4() {
        let loopback = MulticastInterfaceV4(Ipv4Addr::LOCALHOST);
        socket.set_option(&loopback).unwrap();
        return Ok((socket, loopback_interface()));
    }
    for interface in interfaces().unwrap() {
        let index = interface.index;
        let there = socket.set_option(&MulticastInterfaceV6(index));
        let probe = SocketAddr::new(group(context), 9);
        if there.is_ok() && socket.try_send_to(b"", probe).is_ok() {
            return Ok((socket, index));
        }
    }
    Err(NotApplicable("no interface has a way for IPv6 groups"))
}
