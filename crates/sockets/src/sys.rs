//! What neither `socket2` nor `rustix` offers: the only file of this crate that may be unsafe.
#![expect(unsafe_code, reason = "system calls that no safe crate offers")]

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

/// What stands for the descriptor of a socket that was closed: every system call answers it with `EBADF`.
///
/// Not a negative number, as `rustix::fs::ABS` is: `socket2::SockRef` panics on those.
// SAFETY: no process can have it open. Linux keeps descriptors below `fs.nr_open`, which is at most 2^31 - 64, and the
// limits of other systems are lower still. So nothing can be done by it, to nobody's descriptor.
pub(crate) const CLOSED: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(i32::MAX) };

/// `if_nametoindex(3)`.
pub(crate) fn interface_index(name: &CStr) -> io::Result<u32> {
    // SAFETY: `name` ends with NUL, and the call keeps no pointer to it.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// `if_indextoname(3)`.
pub(crate) fn interface_name(index: u32) -> io::Result<OsString> {
    let mut name = [0_u8; libc::IF_NAMESIZE];
    // SAFETY: the call writes at most `IF_NAMESIZE` bytes, NUL among them, and keeps no pointer to them.
    let written = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if written.is_null() {
        return Err(io::Error::last_os_error());
    }
    let name = CStr::from_bytes_until_nul(&name).map_err(io::Error::other)?;
    Ok(os_string(name))
}

/// The index and the name of each interface: `if_nameindex(3)`.
pub(crate) fn interfaces() -> io::Result<Vec<(u32, OsString)>> {
    // SAFETY: there is nothing to pass; what comes is ours until it is freed.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut interfaces = Vec::new();
    let mut at = list;
    // SAFETY: the list ends with an entry of index 0 and no name, beyond which `at` does not go. Every entry before it has
    // a name that ends with NUL, and all of them live until they are freed below.
    unsafe {
        while (*at).if_index != 0 && !(*at).if_name.is_null() {
            interfaces.push(((*at).if_index, os_string(CStr::from_ptr((*at).if_name))));
            at = at.add(1);
        }
    }
    // SAFETY: the list came from `if_nameindex`, is freed once, and what was taken from it are copies.
    unsafe { libc::if_freenameindex(list) };
    Ok(interfaces)
}

fn os_string(text: &CStr) -> OsString {
    OsStr::from_bytes(text.to_bytes()).to_owned()
}

#[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
pub(crate) use databases::{protocol_number, service_port};

/// The system's databases, by the calls that any number of threads may make at once. Other systems lack them, or have
/// others by the same names.
#[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
mod databases {
    use std::ffi::{CStr, c_char, c_int};
    use std::io;
    use std::mem::MaybeUninit;
    use std::ptr;

    use libc::{protoent, servent, size_t};

    unsafe extern "C" {
        fn getprotobyname_r(
            name: *const c_char,
            entry: *mut protoent,
            buf: *mut c_char,
            length: size_t,
            found: *mut *mut protoent,
        ) -> c_int;

        fn getservbyname_r(
            name: *const c_char,
            protocol: *const c_char,
            entry: *mut servent,
            buf: *mut c_char,
            length: size_t,
            found: *mut *mut servent,
        ) -> c_int;
    }

    /// `getprotobyname_r(3)`. `ERANGE` if `buf` has no room for all the names of the protocol.
    pub(crate) fn protocol_number(name: &CStr, buf: &mut [u8]) -> io::Result<Option<c_int>> {
        let (mut entry, mut found) = (MaybeUninit::uninit(), ptr::null_mut());
        let (room, length) = (buf.as_mut_ptr().cast(), buf.len());
        // SAFETY: `name` ends with NUL, `room` has `length` bytes, and all that is pointed to outlives the call.
        let errno = unsafe { getprotobyname_r(name.as_ptr(), entry.as_mut_ptr(), room, length, &mut found) };
        succeeded(errno)?;
        // SAFETY: a call that succeeds has set `found` to null, or to `entry`, which it has filled.
        Ok(unsafe { found.as_ref() }.map(|entry| entry.p_proto))
    }

    /// `getservbyname_r(3)`. `ERANGE` if `buf` has no room for all the names of the service.
    pub(crate) fn service_port(name: &CStr, protocol: &CStr, buf: &mut [u8]) -> io::Result<Option<u16>> {
        let (mut entry, mut found) = (MaybeUninit::uninit(), ptr::null_mut());
        let (name, protocol) = (name.as_ptr(), protocol.as_ptr());
        let (room, length) = (buf.as_mut_ptr().cast(), buf.len());
        // SAFETY: both names end with NUL, `room` has `length` bytes, and all that is pointed to outlives the call.
        let errno = unsafe { getservbyname_r(name, protocol, entry.as_mut_ptr(), room, length, &mut found) };
        succeeded(errno)?;
        // SAFETY: a call that succeeds has set `found` to null, or to `entry`, which it has filled.
        let port = unsafe { found.as_ref() }.map(|entry| entry.s_port);
        // The lower 16 bits, in the network's order.
        Ok(port.map(|port| u16::from_be(port as u16)))
    }

    fn succeeded(errno: c_int) -> io::Result<()> {
        match errno {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Addresses by name, and names by address.
pub(crate) mod names {
    use std::ffi::{CStr, CString, c_int};
    use std::mem::MaybeUninit;
    use std::{io, ptr, slice};

    use libc::addrinfo;
    use socket2::SockAddr;

    /// An entry as the library gives it: type, protocol, the bytes of the address, and the canonical name.
    pub(crate) type Entry = (c_int, c_int, Vec<u8>, Option<CString>);

    /// Why the library gave none.
    pub(crate) struct Failure {
        pub(crate) code: c_int,
        pub(crate) text: String,
        /// What `errno` was, for `EAI_SYSTEM`.
        pub(crate) errno: io::Error,
    }

    /// getaddrinfo(3), with the hints family, type, protocol and flags.
    pub(crate) fn addresses(
        host: Option<&CStr>,
        service: Option<&CStr>,
        [family, kind, protocol, flags]: [c_int; 4],
    ) -> Result<Vec<Entry>, Failure> {
        // SAFETY: all zeros are hints that ask for anything, and point nowhere.
        let mut hints: addrinfo = unsafe { MaybeUninit::zeroed().assume_init() };
        (hints.ai_family, hints.ai_socktype) = (family, kind);
        (hints.ai_protocol, hints.ai_flags) = (protocol, flags);
        let [host, service] = [host, service].map(|text| text.map_or(ptr::null(), CStr::as_ptr));
        let mut list = ptr::null_mut();
        // SAFETY: host and service are null or end with NUL, and all that is pointed to outlives the call.
        succeeded(unsafe { libc::getaddrinfo(host, service, &raw const hints, &raw mut list) })?;
        let mut entries = Vec::new();
        let mut next = list;
        // SAFETY: a call that succeeds has set `list` to entries that are chained, the last to null. They live until they are
        // freed below, once; what was taken from them are copies. An address has as many bytes as its length says, and a
        // name ends with NUL.
        unsafe {
            while let Some(entry) = next.as_ref() {
                let address = match entry.ai_addr.is_null() {
                    true => Vec::new(),
                    false => slice::from_raw_parts(entry.ai_addr.cast(), entry.ai_addrlen as usize).to_vec(),
                };
                let name =
                    (!entry.ai_canonname.is_null()).then(|| CStr::from_ptr(entry.ai_canonname).to_owned());
                entries.push((entry.ai_socktype, entry.ai_protocol, address, name));
                next = entry.ai_next;
            }
            if !list.is_null() {
                libc::freeaddrinfo(list);
            }
        }
        Ok(entries)
    }

    /// getnameinfo(3): the names of the host and of the service.
    pub(crate) fn of_address(address: &SockAddr, flags: c_int) -> Result<(String, String), Failure> {
        // `NI_MAXHOST` and `NI_MAXSERV` of glibc; no system's are larger.
        let (mut host, mut service) = ([0_u8; 1025], [0_u8; 32]);
        let (host_at, service_at) = (host.as_mut_ptr().cast(), service.as_mut_ptr().cast());
        let (host_room, service_room) = (host.len() as _, service.len() as _);
        let (at, length) = (address.as_ptr().cast(), address.len());
        // SAFETY: each pointer is to as many bytes as are said, which outlive the call; it writes to the two buffers alone.
        succeeded(unsafe {
            libc::getnameinfo(at, length, host_at, host_room, service_at, service_room, flags)
        })?;
        let text = |buf: &[u8]| {
            let name = CStr::from_bytes_until_nul(buf).unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        Ok((text(&host), text(&service)))
    }

    /// gai_strerror(3).
    pub(crate) fn text(code: c_int) -> String {
        // SAFETY: there is nothing to pass but a number; what comes is null, or a text that nobody changes, with NUL.
        let text = unsafe {
            let text = libc::gai_strerror(code);
            (!text.is_null()).then(|| CStr::from_ptr(text))
        };
        text.unwrap_or_default().to_string_lossy().into_owned()
    }

    fn succeeded(code: c_int) -> Result<(), Failure> {
        let errno = io::Error::last_os_error();
        match code {
            0 => Ok(()),
            code => Err(Failure {
                code,
                text: text(code),
                errno,
            }),
        }
    }
}

/// Options by level and name. Callers see to it that no value holds an address for the system to write to.
pub(crate) mod option {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};
    use std::ptr;

    use libc::{c_int, socklen_t};

    use super::succeeded;

    /// getsockopt(2) into `value`; says how many bytes of it were filled.
    pub(crate) fn get(fd: impl AsFd, level: c_int, name: c_int, value: &mut [u8]) -> io::Result<usize> {
        let mut size = socklen_t::try_from(value.len()).map_err(io::Error::other)?;
        let (fd, room) = (fd.as_fd().as_raw_fd(), value.as_mut_ptr().cast());
        // SAFETY: `room` has `size` bytes, beyond which the system does not write, and any bytes make a `[u8]`.
        succeeded(unsafe { libc::getsockopt(fd, level, name, room, &raw mut size) })?;
        Ok(value.len().min(size as usize))
    }

    /// setsockopt(2) from `value`.
    pub(crate) fn set(fd: impl AsFd, level: c_int, name: c_int, value: &[u8]) -> io::Result<()> {
        let size = socklen_t::try_from(value.len()).map_err(io::Error::other)?;
        let (fd, value) = (fd.as_fd().as_raw_fd(), value.as_ptr().cast());
        // SAFETY: there are `size` bytes at `value`, which outlives the call.
        succeeded(unsafe { libc::setsockopt(fd, level, name, value, size) }).map(drop)
    }

    /// setsockopt(2) from a length alone.
    pub(crate) fn set_length(fd: impl AsFd, level: c_int, name: c_int, length: usize) -> io::Result<()> {
        let size = socklen_t::try_from(length).map_err(io::Error::other)?;
        let fd = fd.as_fd().as_raw_fd();
        // SAFETY: the system says `EFAULT` where it wants a value, since there is none.
        succeeded(unsafe { libc::setsockopt(fd, level, name, ptr::null(), size) }).map(drop)
    }
}

/// Addresses as bytes.
pub(crate) mod address {
    use std::slice;

    use rustix::net::SocketAddrAny;
    use socket2::{SockAddr, SockAddrStorage, socklen_t};

    /// The whole of an address, its family included.
    pub(crate) fn bytes(address: &SockAddr) -> &[u8] {
        let length = (address.len() as usize).min(size_of::<SockAddrStorage>());
        // SAFETY: so many bytes are in the address, borrowed for as long, and all were set: the storage starts as zeros.
        unsafe { slice::from_raw_parts(address.as_ptr().cast(), length) }
    }

    /// The whole of an address that rustix has. Its own conversions do not do for UNIX addresses: they panic on a path that
    /// fills the whole field, which a peer may have.
    pub(crate) fn any_bytes(address: &SocketAddrAny) -> &[u8] {
        // SAFETY: the system has set so many bytes at the pointer, which are borrowed for as long.
        unsafe { slice::from_raw_parts(address.as_ptr().cast(), address.addr_len() as usize) }
    }

    /// The address of these bytes, its family included, if they fit.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<SockAddr> {
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: the type is as large as the storage, and any bytes are valid for both.
        let room = unsafe { storage.view_as::<[u8; size_of::<SockAddrStorage>()]>() };
        room.get_mut(..bytes.len())?.copy_from_slice(bytes);
        // SAFETY: so many bytes of it are set, and the others zeros.
        Some(unsafe { SockAddr::new(storage, bytes.len() as socklen_t) })
    }
}

/// Messages with control data.
pub(crate) mod message {
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
    use std::{mem, ptr};

    use libc::{c_int, cmsghdr, msghdr};
    use socket2::{SockAddr, SockAddrStorage};

    use super::succeeded;
    use crate::raw::{ControlMessage, SCM_PIDFD};

    /// The length of the header of a control message.
    // SAFETY: it only calculates.
    pub(crate) const HEADER: usize = unsafe { libc::CMSG_LEN(0) } as usize;

    /// How much room a control message with `data` bytes takes.
    pub(crate) fn control_space(data: u32) -> usize {
        // SAFETY: it only calculates.
        unsafe { libc::CMSG_SPACE(data) as usize }
    }

    /// recvmsg(2): the length, the flags, the name of the sender, if there was one, and the control messages.
    pub(crate) fn receive(
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
        control: &mut [u8],
        flags: c_int,
    ) -> io::Result<(usize, c_int, Option<SockAddr>, Vec<ControlMessage>)> {
        let mut name = SockAddrStorage::zeroed();
        // SAFETY: all zeros are a header that points nowhere.
        let mut header: msghdr = unsafe { mem::zeroed() };
        (header.msg_name, header.msg_namelen) = ((&raw mut name).cast(), name.size_of());
        (header.msg_iov, header.msg_iovlen) = (bufs.as_mut_ptr().cast(), bufs.len() as _);
        (header.msg_control, header.msg_controllen) = (control.as_mut_ptr().cast(), control.len() as _);
        // SAFETY: each pointer in `header` is to as much memory as its length says, ours to write for the call;
        // `IoSliceMut` has the form of `iovec`.
        let length = succeeded(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) })?;
        let named = header.msg_namelen.min(name.size_of());
        // SAFETY: the system wrote an address of this length, no longer than the storage.
        let sender = (named > 0).then(|| unsafe { SockAddr::new(name, named) });
        let control = control.get(..header.msg_controllen as usize).unwrap_or_default();
        Ok((length as usize, header.msg_flags, sender, controls(control)))
    }

    /// The control messages that the system wrote, the descriptors among them owned. The last may have been cut off.
    fn controls(mut bytes: &[u8]) -> Vec<ControlMessage> {
        let mut controls = Vec::new();
        while bytes.len() >= size_of::<cmsghdr>() {
            // SAFETY: there are as many bytes as a header has, and any bytes are one.
            let header: cmsghdr = unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) };
            let end = bytes.len().min(header.cmsg_len as usize);
            let Some(data) = bytes.get(HEADER..end) else { break };
            let numbers = data.as_chunks().0.iter().copied().map(c_int::from_ne_bytes);
            let opened = numbers.filter(|number| *number >= 0); // else Linux had none for a process, and says why
            // SAFETY: run only where these are numbers of descriptors. The system has just opened them for us.
            let mut owned = opened.map(|number| unsafe { OwnedFd::from_raw_fd(number) });
            let (level, kind) = (header.cmsg_level, header.cmsg_type);
            let other = || ControlMessage::other(level, kind, data);
            controls.push(match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => ControlMessage::Descriptors(owned.collect()),
                (libc::SOL_SOCKET, SCM_PIDFD) => owned.next().map_or_else(other, ControlMessage::Process),
                _ => other(),
            });
            bytes = bytes.get(control_space(data.len() as u32)..).unwrap_or_default();
        }
        controls
    }

    /// Writes the header of a control message with `data` bytes to the front of `bytes`, if there is room.
    pub(crate) fn write_header(bytes: &mut [u8], level: c_int, kind: c_int, data: usize) {
        // SAFETY: all zeros are a header.
        let mut header: cmsghdr = unsafe { mem::zeroed() };
        (header.cmsg_level, header.cmsg_type, header.cmsg_len) = (level, kind, (HEADER + data) as _);
        if let Some(room) = bytes.get_mut(..size_of::<cmsghdr>()) {
            // SAFETY: there is room for a header.
            unsafe { ptr::write_unaligned(room.as_mut_ptr().cast(), header) };
        }
    }

    #[test]
    fn a_process_without_a_descriptor_is_no_descriptor() {
        let (level, kind, data) = (libc::SOL_SOCKET, SCM_PIDFD, &(-libc::EMFILE).to_ne_bytes());
        let bytes = crate::raw::encode(&[crate::raw::Control::Other { level, kind, data }]).unwrap();
        assert!(matches!(&controls(&bytes)[..], [ControlMessage::Other { data: told, .. }] if told == data));
    }
}

/// What a system call that tells of failure by -1 gave.
fn succeeded<T: PartialEq + From<i8>>(result: T) -> io::Result<T> {
    if result == T::from(-1) {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
