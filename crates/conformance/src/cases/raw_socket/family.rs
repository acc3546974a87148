//! The raw socket: address families that nothing else here knows, and what travels beside the bytes.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read};
use std::os::fd::AsFd;

use anynet_sockets::{
    Control, ControlMessage, MessageFlags, ReceivedMessage, SocketAddress, SocketError, interfaces,
};
use rustix::io::{Errno, FdFlags};
use socket2::{Domain, Type};

use super::{NONE, Socket, unix_pair};
use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::Descriptor;
use crate::steps::assert_is;

cases![
    an_address_of_an_unknown_family_passes_through,
    a_dump_of_the_links_is_read_over_netlink,
    a_vsock_is_made_bound_and_named,
    descriptors_travel_with_a_message,
    descriptors_nobody_takes_are_closed,
    descriptors_without_room_are_closed_and_reported,
    descriptors_as_numbers_are_refused,
    credentials_are_control_data,
    a_descriptor_of_the_peers_process_is_owned,
    a_record_without_bytes_is_not_the_end,
];

async fn an_address_of_an_unknown_family_passes_through(context: Context) {
    let address = SocketAddress::from_parts(Domain::from(250), b"somewhere else").unwrap();
    let socket = Socket::new_on(context.runtime(), Domain::IPV4, Type::DGRAM, None).unwrap();
    let unknown = Some(Errno::AFNOSUPPORT.raw_os_error());
    assert_eq!(socket.bind(&address).unwrap_err().raw_os_error(), unknown);
    let sent = context.within(socket.send_to(b"x", NONE, &address)).await;
    assert_eq!(sent.unwrap_err().raw_os_error(), unknown);
    let error = context.within(socket.connect(&address)).await.unwrap_err();
    assert_eq!(error.raw_os_error(), unknown);
    match error {
        SocketError::Connect { address: named, .. } => assert_eq!(*named, address),
        other => panic!("{other:?}"),
    }
}

/// `AF_NETLINK` and `AF_VSOCK`.
const NETLINK: i32 = 16;
const VSOCK: i32 = 40;

fn of_linux(context: &Context, family: i32, kind: Type) -> Result<Socket, NotApplicable> {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("an address family of Linux"));
    }
    match Socket::new_on(context.runtime(), family.into(), kind, None) {
        Ok(socket) => Ok(socket),
        Err(error) if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
            Err(NotApplicable("the kernel lacks the address family"))
        }
        Err(error) => panic!("{error:?}"),
    }
}

async fn a_dump_of_the_links_is_read_over_netlink(context: Context) -> Outcome {
    const NEW_LINK: u16 = 16;
    const GET_LINK: u16 = 18;
    const REQUEST_DUMP: u16 = 0x301;
    const DONE: u16 = 3;
    let socket = of_linux(&context, NETLINK, Type::RAW)?;
    let kernel = SocketAddress::from_parts(NETLINK.into(), &[0; 10]).unwrap();
    socket.bind(&kernel).unwrap(); // as 0: the system chooses
    let ours = socket.local_address().unwrap();
    assert_eq!(ours.family(), Domain::from(NETLINK));
    assert_ne!(ours, kernel);
    // A header and an empty `struct ifinfomsg`.
    let mut request = [0; 32];
    request[..4].copy_from_slice(&32_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&GET_LINK.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    assert_eq!(
        context
            .within(socket.send_to(&request, NONE, &kernel))
            .await
            .unwrap(),
        32
    );
    let mut found = Vec::new();
    let mut buf = vec![0; 64 << 10];
    'dump: loop {
        let (length, sender) = context.within(socket.receive_from(&mut buf, NONE)).await.unwrap();
        assert_eq!(sender.as_ref(), Some(&kernel));
        let mut messages = &buf[..length];
        while messages.len() >= 16 {
            let word = |at: usize| u32::from_ne_bytes(messages[at..at + 4].try_into().unwrap());
            let length = word(0) as usize;
            match u16::from_ne_bytes(messages[4..6].try_into().unwrap()) {
                DONE => break 'dump,
                NEW_LINK => found.push(word(20)),
                other => panic!("a message of type {other}"),
            }
            messages = messages.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
    found.sort_unstable();
    let mut expected: Vec<u32> = interfaces()
        .unwrap()
        .iter()
        .map(|interface| interface.index)
        .collect();
    expected.sort_unstable();
    assert!(!found.is_empty());
    assert_eq!(found, expected);
    Ok(())
}

async fn a_vsock_is_made_bound_and_named(context: Context) -> Outcome {
    let socket = of_linux(&context, VSOCK, Type::STREAM)?;
    assert_eq!(
        (socket.family(), socket.kind()),
        (Domain::from(VSOCK), Type::STREAM)
    );
    // Two reserved bytes, any port, any context, and nothing more.
    let any = [&[0; 2], &[0xff; 8][..], &[0; 4]].concat();
    socket
        .bind(&SocketAddress::from_parts(VSOCK.into(), &any).unwrap())
        .unwrap();
    let name = socket.local_address().unwrap();
    assert_eq!(name.family(), Domain::from(VSOCK));
    assert_ne!(name.data()[2..6], [0xff; 4], "the system chose a port");
    socket.listen(1).unwrap();
    context.assert_waits(&mut Box::pin(socket.accept())).await;
    Ok(())
}

/// Sends descriptors along with one byte.
async fn send(context: &Context, socket: &Socket, files: &[&File]) {
    let descriptors: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
    let control = [Control::Descriptors(&descriptors)];
    let bufs = [IoSlice::new(b"x")];
    let sent = socket.send_message(&bufs, &control, NONE, None);
    assert_eq!(context.within(sent).await.unwrap(), 1);
}

async fn receive(context: &Context, socket: &Socket, room: usize) -> ReceivedMessage {
    let mut buf = [0; 4];
    let mut bufs = [IoSliceMut::new(&mut buf)];
    let message = context
        .within(socket.receive_message(&mut bufs, room, NONE))
        .await
        .unwrap();
    assert_eq!(message.length, 1);
    message
}

fn file() -> File {
    File::open("/proc/self/cmdline")
        .or_else(|_| File::open("/etc/hosts"))
        .expect("a file to read")
}

async fn descriptors_travel_with_a_message(context: Context) {
    for kind in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
        let Ok((ours, theirs)) = Socket::pair_on(context.runtime(), Domain::UNIX, kind, None) else {
            continue; // macOS has no SEQPACKET
        };
        // More than fit where control data has room without memory of its own, too.
        for count in [1, 3, 100] {
            let files: Vec<File> = (0..count).map(|_| file()).collect();
            send(&context, &theirs, &files.iter().collect::<Vec<_>>()).await;
            let room = ControlMessage::space_for_descriptors(count);
            let mut message = receive(&context, &ours, room).await;
            assert!(!message.flags.contains(MessageFlags::CONTROL_TRUNCATED));
            let descriptors = match message.control.pop() {
                Some(ControlMessage::Descriptors(descriptors)) => descriptors,
                other => panic!("{other:?}"),
            };
            assert!(message.control.is_empty());
            assert_eq!(descriptors.len(), usize::from(count));
            for descriptor in descriptors {
                assert_eq!(rustix::io::fcntl_getfd(&descriptor).unwrap(), FdFlags::CLOEXEC);
                assert!(File::from(descriptor).metadata().unwrap().is_file());
            }
            // It shares its place in the file with the one that was sent.
            drop(files);
        }
        let sent = file();
        send(&context, &theirs, &[&sent]).await;
        let control = receive(&context, &ours, ControlMessage::space_for_descriptors(1))
            .await
            .control;
        let Some(ControlMessage::Descriptors(descriptors)) = control.into_iter().next() else {
            panic!("no descriptor came");
        };
        let mut text = Vec::new();
        for descriptor in descriptors {
            File::from(descriptor).read_to_end(&mut text).unwrap();
        }
        assert!(!text.is_empty());
    }
}

async fn descriptors_nobody_takes_are_closed(context: Context) -> Outcome {
    let (ours, theirs) = unix_pair(&context, Type::STREAM);
    // Both ends of a socket, since a socket can be told from others of the process.
    let (sent, _other) = unix_pair(&context, Type::STREAM);
    let sent = File::from(sent.detach().unwrap().expect("it was open"));
    let room = ControlMessage::space_for_descriptors(2);
    send(&context, &theirs, &[&sent, &sent]).await;
    let message = receive(&context, &ours, room).await;
    let Some(ControlMessage::Descriptors(descriptors)) = message.control.first() else {
        panic!("no descriptor came");
    };
    let descriptors: Vec<Descriptor> = descriptors.iter().map(Descriptor::of).collect::<Result<_, _>>()?;
    assert!(descriptors.iter().all(Descriptor::is_open));
    drop(message);
    assert!(
        !descriptors.iter().any(Descriptor::is_open),
        "dropped with their message"
    );
    // A receive that does not ask for them.
    send(&context, &theirs, &[&sent]).await;
    let before = Descriptor::of(&sent)?.count();
    assert_eq!(context.within(ours.receive(&mut [0; 4], NONE)).await.unwrap(), 1);
    assert_eq!(Descriptor::of(&sent)?.count(), before);
    Ok(())
}

async fn descriptors_without_room_are_closed_and_reported(context: Context) -> Outcome {
    let (sent, _other) = unix_pair(&context, Type::STREAM);
    let sent = File::from(sent.detach().unwrap().expect("it was open"));
    let before = Descriptor::of(&sent)?.count();
    for (room, come) in [
        (0, 0),
        (1, 0),
        (ControlMessage::space_for_descriptors(2), 2),
        (ControlMessage::space_for_descriptors(4), 4),
    ] {
        let (ours, theirs) = unix_pair(&context, Type::STREAM);
        send(&context, &theirs, &[&sent; 7]).await;
        let message = receive(&context, &ours, room).await;
        assert!(
            message.flags.contains(MessageFlags::CONTROL_TRUNCATED),
            "room {room}"
        );
        let descriptors = message.control.iter().map(|control| match control {
            ControlMessage::Descriptors(descriptors) => descriptors.len(),
            other => panic!("{other:?}"),
        });
        assert_eq!(descriptors.sum::<usize>(), come, "room {room}");
        assert_eq!(
            Descriptor::of(&sent)?.count(),
            before + come,
            "none is open but those"
        );
        drop(message);
        assert_eq!(Descriptor::of(&sent)?.count(), before);
    }
    Ok(())
}

async fn descriptors_as_numbers_are_refused(context: Context) {
    let (_ours, theirs) = unix_pair(&context, Type::STREAM);
    let (level, kind) = (libc::SOL_SOCKET, libc::SCM_RIGHTS);
    let data = 0_i32.to_ne_bytes();
    let control = [Control::Other {
        level,
        kind,
        data: &data,
    }];
    let bufs = [IoSlice::new(b"x")];
    let sent = theirs.send_message(&bufs, &control, NONE, None);
    let error = context.within(sent).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(error.raw_os_error(), None, "the system is not asked");
}

#[cfg(target_os = "linux")]
async fn credentials_are_control_data(context: Context) {
    let (ours, theirs) = unix_pair(&context, Type::DGRAM);
    ours.set_raw_option(libc::SOL_SOCKET, libc::SO_PASSCRED, 1)
        .unwrap();
    let file = file();
    let own = theirs
        .with_fd(|fd| rustix::net::sockopt::socket_peercred(fd))
        .unwrap()
        .unwrap();
    let own = [
        own.pid.as_raw_nonzero().get(),
        own.uid.as_raw() as i32,
        own.gid.as_raw() as i32,
    ];
    let data: Vec<u8> = own.iter().flat_map(|number| number.to_ne_bytes()).collect();
    let (level, kind) = (libc::SOL_SOCKET, libc::SCM_CREDENTIALS);
    // With a descriptor, so that there are two control messages each way.
    let descriptors = [file.as_fd()];
    let control = [
        Control::Other {
            level,
            kind,
            data: &data,
        },
        Control::Descriptors(&descriptors),
    ];
    let bufs = [IoSlice::new(b"x")];
    let sent = theirs.send_message(&bufs, &control, NONE, None);
    context.within(sent).await.unwrap();
    let message = receive(&context, &ours, 256).await;
    let (mut credentials, mut files) = (0, 0);
    for control in message.control {
        match control {
            ControlMessage::Descriptors(descriptors) => files += descriptors.len(),
            ControlMessage::Other {
                level: of,
                kind: which,
                data: came,
            } => {
                assert_eq!((of, which, &came), (level, kind, &data));
                credentials += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((credentials, files), (1, 1));
}

#[cfg(not(target_os = "linux"))]
async fn credentials_are_control_data(_context: Context) -> Outcome {
    Err(NotApplicable("other systems have them in other forms"))
}

async fn a_descriptor_of_the_peers_process_is_owned(context: Context) -> Outcome {
    /// `SO_PASSPIDFD`, of Linux 6.5.
    const PASS_PIDFD: i32 = 76;
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("only Linux has them"));
    }
    let (ours, theirs) = unix_pair(&context, Type::STREAM);
    if ours.set_raw_option(libc::SOL_SOCKET, PASS_PIDFD, 1).is_err() {
        return Err(NotApplicable("the kernel has none yet"));
    }
    context.within(theirs.send(b"x", NONE)).await.unwrap();
    let message = receive(&context, &ours, 64).await;
    match &message.control[..] {
        [ControlMessage::Process(process)] => {
            assert_eq!(rustix::io::fcntl_getfd(process).unwrap(), FdFlags::CLOEXEC);
        }
        other => panic!("{other:?}"),
    }
    // Room for a part of the number is no room.
    context.within(theirs.send(b"x", NONE)).await.unwrap();
    let message = receive(&context, &ours, 15).await;
    assert!(message.control.is_empty());
    assert!(message.flags.contains(MessageFlags::CONTROL_TRUNCATED));
    Ok(())
}

async fn a_record_without_bytes_is_not_the_end(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("the system does not tell the two apart"));
    }
    let (ours, theirs) = unix_pair(&context, Type::SEQPACKET);
    let mut buf = [0; 8];
    for data in [&b"one"[..], b"", b"two"] {
        context.within(theirs.send(data, NONE)).await.unwrap();
    }
    for length in [3, 0, 3] {
        assert_eq!(
            context.within(ours.receive(&mut buf, NONE)).await.unwrap(),
            length
        );
    }
    theirs.close();
    for _ in 0..2 {
        assert_is!(
            context.within(ours.receive(&mut buf, NONE)).await,
            Err(SocketError::EndOfStream)
        );
    }
    Ok(())
}
