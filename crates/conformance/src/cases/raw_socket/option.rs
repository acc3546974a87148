//! The raw socket: its options, and the numbers that protocols have.

use std::time::Duration;

use anynet_sockets::options::{KeepAlive, NoDelay, ReuseAddress};
use anynet_sockets::{NameError, SocketError, protocol_number};
use rustix::io::Errno;
use socket2::{SockRef, Type};

use super::socket;
use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::steps::assert_is;

cases![
    an_option_is_set_as_a_number_as_bytes_and_from_a_length_alone,
    an_option_by_its_type_is_that_of_the_system,
    an_option_with_an_address_in_it_is_refused,
    an_option_whose_length_is_not_in_bytes_is_not_read,
    protocols_have_numbers,
];

async fn an_option_is_set_as_a_number_as_bytes_and_from_a_length_alone(context: Context) -> Outcome {
    let socket = socket(&context, Type::STREAM);
    let (level, keep_alive) = (libc::SOL_SOCKET, libc::SO_KEEPALIVE);
    assert_eq!(socket.raw_option(level, keep_alive).unwrap(), 0);
    socket.set_raw_option(level, keep_alive, 1).unwrap();
    assert_eq!(socket.raw_option(level, keep_alive).unwrap(), 1);
    assert!(
        socket
            .with_fd(|fd| SockRef::from(&fd).keepalive())
            .unwrap()
            .unwrap()
    );
    let linger: Vec<u8> = [1_i32, 7]
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect();
    socket
        .set_raw_option_bytes(level, libc::SO_LINGER, &linger)
        .unwrap();
    assert_eq!(
        socket.raw_option_bytes(level, libc::SO_LINGER, 64).unwrap(),
        linger
    );
    assert_eq!(
        socket.raw_option_bytes(level, libc::SO_LINGER, 4).unwrap(),
        linger[..4]
    );
    let lingering = socket.with_fd(|fd| SockRef::from(&fd).linger()).unwrap().unwrap();
    assert_eq!(lingering, Some(Duration::from_secs(7)));
    let unknown = socket.raw_option(level, 0x7fff).unwrap_err();
    assert_eq!(unknown.raw_os_error(), Some(Errno::NOPROTOOPT.raw_os_error()));
    socket.close();
    assert_is!(socket.raw_option(level, keep_alive), Err(SocketError::Closed));
    assert_is!(
        socket.set_raw_option(level, keep_alive, 1),
        Err(SocketError::Closed)
    );
    from_a_length_alone(&context)
}

#[cfg(target_os = "linux")]
fn from_a_length_alone(context: &Context) -> Outcome {
    let socket = socket(context, Type::DGRAM);
    let (level, device) = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
    match socket.set_raw_option_bytes(level, device, b"lo") {
        Ok(()) => assert_eq!(socket.raw_option_bytes(level, device, 16).unwrap(), b"lo\0"),
        Err(error) => assert_eq!(error.raw_os_error(), Some(Errno::PERM.raw_os_error())),
    }
    // Without the privilege a device is bound once and for all.
    match socket.set_raw_option_length(level, device, 0) {
        Ok(()) => assert_eq!(socket.raw_option_bytes(level, device, 16).unwrap(), b""),
        Err(error) => assert_eq!(error.raw_os_error(), Some(Errno::PERM.raw_os_error())),
    }
    let wants_a_value = socket
        .set_raw_option_length(level, libc::SO_KEEPALIVE, 4)
        .unwrap_err();
    assert_eq!(wants_a_value.raw_os_error(), Some(Errno::FAULT.raw_os_error()));
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn from_a_length_alone(_context: &Context) -> Outcome {
    Err(NotApplicable("no option of this system is set so"))
}

async fn an_option_by_its_type_is_that_of_the_system(context: Context) {
    let socket = socket(&context, Type::STREAM);
    assert_eq!(
        socket.option::<NoDelay>().unwrap(),
        NoDelay(false),
        "nothing is set here"
    );
    assert_eq!(socket.option::<ReuseAddress>().unwrap(), ReuseAddress(false));
    socket.set_option(&KeepAlive(true)).unwrap();
    assert_eq!(
        socket.raw_option(libc::SOL_SOCKET, libc::SO_KEEPALIVE).unwrap(),
        1
    );
    socket.close();
    assert_is!(socket.option::<NoDelay>(), Err(SocketError::Closed));
    assert_is!(socket.set_option(&NoDelay(true)), Err(SocketError::Closed));
}

async fn an_option_with_an_address_in_it_is_refused(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("no such options are known here"));
    }
    let socket = socket(&context, Type::DGRAM);
    // XDP_UMEM_REG, RDS_GET_MR, and IPT_SO_SET_REPLACE for both families.
    for (level, name) in [(283, 4), (276, 2), (0, 64), (41, 64)] {
        let refused = [
            socket.set_raw_option(level, name, 1).unwrap_err(),
            socket.set_raw_option_bytes(level, name, &[0; 64]).unwrap_err(),
            socket.set_raw_option_length(level, name, 64).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{level} {name}");
            assert_eq!(error.raw_os_error(), None, "the system is not asked");
        }
    }
    Ok(())
}

async fn an_option_whose_length_is_not_in_bytes_is_not_read(context: Context) -> Outcome {
    #[cfg(target_os = "linux")]
    {
        let socket = socket(&context, Type::DGRAM);
        let refused = socket.raw_option_bytes(libc::SOL_SOCKET, libc::SO_GET_FILTER, 64);
        let refused = refused.expect_err("Linux would write 64 instructions of 8 bytes each");
        assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported);
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = context;
        Err(NotApplicable("no such option is known here"))
    }
}

async fn protocols_have_numbers(_context: Context) -> Outcome {
    for (name, number) in [("udp", 17), ("tcp", 6), ("icmp", 1)] {
        match protocol_number(name) {
            Ok(found) => assert_eq!(found, number, "{name}"),
            Err(NameError::Unknown { .. } | NameError::Failed { .. }) => {
                return Err(NotApplicable("no database of protocols is installed"));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    Ok(())
}
