//! What neither `socket2` nor `rustix` offers: the only file of this crate that may be unsafe.
#![expect(unsafe_code, reason = "system calls that no safe crate offers")]

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::slice;

use rustix::net::SocketAddrAny;

/// What stands for the descriptor of a socket that was closed: every system call answers it with `EBADF`.
///
/// Not a negative number, as `rustix::fs::ABS` is: `socket2::SockRef` panics on those.
// SAFETY: no process can have it open. Linux keeps descriptors below `fs.nr_open`, which is at most 2^31 - 64, and the
// limits of other systems are lower still. So nothing can be done by it, to nobody's descriptor.
pub(crate) const CLOSED: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(i32::MAX) };

/// The bytes of an address, as the system wrote them, its family first.
///
/// The conversions of `rustix` do not do for UNIX addresses: they panic on a path that fills the whole field, which a peer
/// may have.
pub(crate) fn address_bytes(address: &SocketAddrAny) -> &[u8] {
    // SAFETY: it promises that `addr_len` bytes at `as_ptr` are initialised, and they live as long as the borrow of it.
    unsafe { slice::from_raw_parts(address.as_ptr().cast(), address.addr_len() as usize) }
}

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

/// Options that are an `int`, by level and name.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod option {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};

    use libc::{c_int, socklen_t};

    /// The size of an option that is an `int`, in the system's words.
    const INT: socklen_t = size_of::<c_int>() as socklen_t;

    /// Reads a socket option that is an `int`: getsockopt(2).
    pub(crate) fn get_int(fd: impl AsFd, level: c_int, name: c_int) -> io::Result<c_int> {
        let mut value: c_int = 0;
        let mut size = INT;
        let fd = fd.as_fd().as_raw_fd();
        // SAFETY: `value` has room for `size` bytes and `size` is ours; both outlive the call. Whatever the system writes,
        // it writes no more than `size` bytes, and all of them make an int.
        let result = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut size) };
        succeeded(result)?;
        Ok(value)
    }

    /// Sets a socket option that is an `int`: setsockopt(2).
    pub(crate) fn set_int(fd: impl AsFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
        let fd = fd.as_fd().as_raw_fd();
        // SAFETY: the system reads `INT` bytes of `value`, which outlives the call.
        succeeded(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), INT) })
    }

    fn succeeded(result: c_int) -> io::Result<()> {
        if result == -1 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}
