//! UNIX addresses, against what the kernel makes of them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::{env, fs, process};

use anynet_core::UnixAddress;

/// The name of a socket that was bound to `address`, and as a receiver sees it.
fn bound(address: &UnixAddress) -> [UnixAddress; 2] {
    let standard = SocketAddr::try_from(address).unwrap();
    let socket = UnixDatagram::bind_addr(&standard).unwrap();
    let name = socket.local_addr().unwrap();
    socket.send_to_addr(b"x", &name).unwrap();
    let (_, sender) = socket.recv_from(&mut [0; 1]).unwrap();
    [name.into(), sender.into()]
}

/// A folder of the test's own, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("anynet-unix-address-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_path_is_bound_as_it_is_written() {
    let folder = Folder::new();
    for name in ["a", "@a", "(unnamed)", " ", "a\nb", r"\x00", "\u{e4}"] {
        let path = folder.0.join(name);
        let address = UnixAddress::from(&path);
        assert_eq!(bound(&address), [address.clone(), address.clone()]);
        assert!(fs::exists(&path).unwrap(), "{address}");
        // From its text.
        fs::remove_file(&path).unwrap();
        assert_eq!(bound(&address.to_string().parse().unwrap())[0], address);
    }
    // macOS takes names that are UTF-8 only.
    #[cfg(target_os = "linux")]
    {
        let address = UnixAddress::from(folder.0.join(OsStr::from_bytes(b"\xff\xfe")));
        assert_eq!(bound(&address), [address.clone(), address]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_name_is_bound_byte_for_byte() {
    let unique = format!("anynet-{}-", process::id()).into_bytes();
    for end in [&b""[..], b"\0", b"\0\0", b"/a", b"\xff"] {
        let address = UnixAddress::from_abstract_name([&unique, end].concat());
        assert_eq!(bound(&address), [address.clone(), address.clone()]);
        assert_eq!(bound(&address.to_string().parse().unwrap())[0], address);
    }
    // As long as it can be.
    let mut longest = unique.clone();
    longest.resize(107, b'x');
    let address = UnixAddress::from_abstract_name(longest);
    assert_eq!(bound(&address)[0], address);
}

#[test]
fn a_socket_that_was_not_bound_is_unnamed() {
    let (socket, peer) = UnixDatagram::pair().unwrap();
    assert_eq!(
        UnixAddress::from(socket.local_addr().unwrap()),
        UnixAddress::Unnamed
    );
    assert_eq!(UnixAddress::from(peer.peer_addr().unwrap()), UnixAddress::Unnamed);
    socket.send(b"x").unwrap();
    let (_, sender) = peer.recv_from(&mut [0; 1]).unwrap();
    assert_eq!(UnixAddress::from(sender), UnixAddress::Unnamed);
}

/// The system then chooses an abstract name.
#[cfg(target_os = "linux")]
#[test]
fn binding_no_name_is_binding_a_new_one() {
    let unnamed = SocketAddr::try_from(UnixAddress::Unnamed).unwrap();
    let socket = UnixDatagram::bind_addr(&unnamed).unwrap();
    let name = UnixAddress::from(socket.local_addr().unwrap());
    assert_eq!(name.abstract_name().map(<[u8]>::len), Some(5), "{name}");
}
