//! UNIX datagrams: names and files.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::task::Poll;
use std::thread;

use anynet_core::{
    AttributesExt, BindError, ConnectError, LocalAddress, PeerAddress, SendError, UnixAddress,
    UnixAddressError,
};
use anynet_sockets::{ConnectedUnixDatagram, PathInUse, UnixDatagram, UnixListener, UnixStream};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::Uid;
use rustix::thread::set_thread_res_uid;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::cases::unix::file::Directory;
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    it_reports_its_own_address_and_no_peer,
    a_connected_socket_reports_both_its_addresses,
    a_name_may_have_any_bytes,
    a_name_that_nobody_has_is_an_error_that_says_so,
    an_address_that_no_system_takes_is_a_typed_error,
    a_name_in_use_is_refused,
    a_stale_file_is_replaced_and_ours_goes_with_the_socket,
    a_file_has_the_mode_asked_for_and_is_kept_if_asked,
    a_file_that_may_not_be_written_is_permission_denied,
    a_name_that_the_system_chose_can_be_answered,
];

async fn it_reports_its_own_address_and_no_peer(context: Context) {
    let address = context.unix_address();
    let bind = UnixDatagram::bind_on(context.runtime(), address.clone());
    let mut socket = context.within(bind.into_future()).await.unwrap();
    assert!(fcntl_getfl(&socket).unwrap().contains(OFlags::NONBLOCK));
    assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
    for closed in [false, true] {
        assert_eq!(socket.local_address(), address, "closed: {closed}");
        let attribute = socket.attribute::<LocalAddress>();
        assert_eq!(
            attribute,
            Some(LocalAddress(address.clone().into())),
            "closed: {closed}"
        );
        assert_eq!(socket.attribute::<PeerAddress>(), None, "closed: {closed}");
        socket.close();
    }
}

async fn a_connected_socket_reports_both_its_addresses(context: Context) {
    let server = context.unix_datagram().await;
    let (own, peer) = (context.unix_address(), server.local_address());
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), peer.clone());
    let connect = connect.local_address(own.clone()).into_future();
    let mut client = context.within(connect).await.unwrap();
    for closed in [false, true] {
        assert_eq!(
            (client.local_address(), client.peer_address()),
            (own.clone(), peer.clone())
        );
        let attribute = client.attribute::<PeerAddress>();
        assert_eq!(
            attribute,
            Some(PeerAddress(peer.clone().into())),
            "closed: {closed}"
        );
        client.close();
    }
}

async fn a_name_may_have_any_bytes(context: Context) {
    for suffix in [&b"text"[..], b" \xff\xfe\n", "grün".as_bytes()] {
        let address = match context.unix_address() {
            UnixAddress::Path(path) => {
                let bytes = [path.as_os_str().as_bytes(), suffix].concat();
                UnixAddress::from(OsString::from_vec(bytes))
            }
            UnixAddress::Abstract(name) => UnixAddress::from_abstract_name([&*name, b"\0", suffix].concat()),
            UnixAddress::Unnamed => unreachable!("the context gives names"),
        };
        let bind = UnixDatagram::bind_on(context.runtime(), address.clone());
        let socket = context.within(bind.into_future()).await.unwrap();
        assert_eq!(socket.local_address(), address);
        context.within(socket.send_to(b"x", &address)).await.unwrap();
        let (_, sender) = context.within(socket.receive_from(&mut [0; 8])).await.unwrap();
        assert_eq!(sender, address);
    }
}

async fn a_name_that_nobody_has_is_an_error_that_says_so(context: Context) {
    let nobody = context.unix_address();
    let kind = match nobody {
        UnixAddress::Path(_) => io::ErrorKind::NotFound,
        _ => io::ErrorKind::ConnectionRefused,
    };
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), nobody.clone());
    match context.within(connect.into_future()).await {
        Err(ConnectError::Failed { attempts, .. }) => {
            assert_eq!(attempts[0].address, nobody);
            assert_eq!(attempts[0].cause.kind(), kind);
        }
        connected => panic!("{connected:?}"),
    }
    let socket = UnixDatagram::unbound_on(context.runtime()).unwrap();
    match context.within(socket.send_to(b"x", &nobody)).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), kind),
        sent => panic!("{sent:?}"),
    }
}

async fn an_address_that_no_system_takes_is_a_typed_error(context: Context) {
    let addresses = if context.abstract_names {
        vec![UnixAddress::from_abstract_name([b'x'; 200])]
    } else {
        vec!["x".repeat(200).into(), "a\0b".into(), "".into()]
    };
    let socket = UnixDatagram::unbound_on(context.runtime()).unwrap();
    for address in addresses {
        let connect = ConnectedUnixDatagram::connect_on(context.runtime(), address.clone());
        let connected: io::Error = context.within(connect.into_future()).await.unwrap_err().into();
        assert_eq!(connected.kind(), io::ErrorKind::InvalidInput);
        match context.within(socket.send_to(b"x", &address)).await {
            Err(SendError::NotSent(cause)) => {
                let inside = cause.get_ref().and_then(|inside| inside.downcast_ref());
                assert_is!(
                    inside,
                    Some(
                        UnixAddressError::TooLong { .. }
                            | UnixAddressError::Nul { .. }
                            | UnixAddressError::EmptyPath
                    )
                );
            }
            sent => panic!("{sent:?}"),
        }
        let bind = UnixDatagram::bind_on(context.runtime(), address);
        let bound = context.within(bind.into_future()).await.unwrap_err();
        assert_eq!(bound.kind(), io::ErrorKind::InvalidInput);
    }
}

async fn a_name_in_use_is_refused(context: Context) {
    let socket = context.unix_datagram().await;
    let bind = UnixDatagram::bind_on(context.runtime(), socket.local_address());
    let refused = context.within(bind.into_future()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    if !context.abstract_names {
        let BindError::Failed { attempts, .. } = refused else {
            panic!("{refused:?}");
        };
        let inside = attempts[0]
            .cause
            .get_ref()
            .and_then(|inside| inside.downcast_ref());
        assert_eq!(inside, Some(&PathInUse::Live));
    }
    // It is in the way of nobody who sends.
    let own = socket.local_address();
    context.within(socket.send_to(b"x", &own)).await.unwrap();
    context.within(socket.receive(&mut [0; 8])).await.unwrap();
}

async fn a_stale_file_is_replaced_and_ours_goes_with_the_socket(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    drop(StdDatagram::bind(&path).unwrap());
    assert!(path.exists(), "the standard library leaves it");
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    let mut socket = context.within(bind.into_future()).await.unwrap();
    assert!(path.exists());
    socket.close();
    assert_eq!(dir.files(), 0, "nothing is left behind");
    let server = context.unix_datagram().await;
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), server.local_address());
    let connect = connect.local_address(path.clone()).into_future();
    let connected = context.within(connect).await.unwrap();
    assert!(path.exists());
    drop(connected);
    assert_eq!(dir.files(), 0, "nothing is left behind");
    fs::write(&path, b"precious").unwrap();
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    context.within(bind.into_future()).await.unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    Ok(())
}

async fn a_file_has_the_mode_asked_for_and_is_kept_if_asked(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    let bind = bind.mode(0o640).keep_file().into_future();
    let socket = context.within(bind).await.unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let local = dir.file();
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), path.clone());
    let connect = connect
        .local_address(local.clone())
        .local_mode(0o604)
        .into_future();
    let _client = context.within(connect).await.unwrap();
    let mode = fs::metadata(&local).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o604);
    drop(socket);
    assert!(path.exists());
    Ok(())
}

async fn a_file_that_may_not_be_written_is_permission_denied(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    let server = context.within(bind.mode(0o600).into_future()).await.unwrap();
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), path);
    let mut connect = Box::pin(connect.into_future());
    let (client, to) = (
        UnixDatagram::unbound_on(context.runtime()).unwrap(),
        server.local_address(),
    );
    // Both are decided by the first call, and so by the thread that makes it.
    let (connected, sent) = thread::spawn(move || {
        let nobody = Uid::from_raw(65534);
        let _ = set_thread_res_uid(nobody, nobody, nobody); // fails where we are nobody special already
        (
            poll_once(&mut connect).map_ok(drop),
            client.try_send_to(b"x", &to),
        )
    })
    .join()
    .unwrap();
    let Poll::Ready(Err(connected)) = connected else {
        panic!("not decided")
    };
    assert_eq!(connected.kind(), io::ErrorKind::PermissionDenied);
    match sent {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), io::ErrorKind::PermissionDenied),
        sent => panic!("{sent:?}"),
    }
    assert!(server.try_receive(&mut [0; 8]).unwrap().is_none());
    Ok(())
}

async fn a_name_that_the_system_chose_can_be_answered(context: Context) -> Outcome {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err(NotApplicable("only Linux chooses names"));
    }
    let bind = UnixDatagram::bind_on(context.runtime(), UnixAddress::Unnamed);
    let server = context.within(bind.into_future()).await.unwrap();
    let address = server.local_address();
    assert!(address.abstract_name().is_some_and(|name| !name.is_empty()));
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), address.clone());
    let connect = connect.local_address(UnixAddress::Unnamed);
    let client = context.within(connect.into_future()).await.unwrap();
    assert!(client.local_address().abstract_name().is_some());
    assert_ne!(client.local_address(), address);
    context.within(client.send(b"ask")).await.unwrap();
    let (_, sender) = context.within(server.receive_from(&mut [0; 8])).await.unwrap();
    assert_eq!(sender, client.local_address());
    context.within(server.send_to(b"answer", &sender)).await.unwrap();
    assert_eq!(
        context.within(client.receive(&mut [0; 8])).await.unwrap().length,
        6
    );

    let bind = UnixListener::bind_on(context.runtime(), UnixAddress::Unnamed);
    let listener = context.within(bind.into_future()).await.unwrap();
    let connect = UnixStream::connect_on(context.runtime(), listener.local_address());
    let connect = connect.local_address(UnixAddress::Unnamed);
    let client = context.within(connect.into_future()).await.unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    assert!(client.local_address().abstract_name().is_some());
    assert_eq!(accepted.peer_address(), client.local_address());
    assert_eq!(client.peer_address(), listener.local_address());
    Ok(())
}
