//! What neither `socket2` nor `rustix` offers: the only file of this crate that may be unsafe.
#![expect(unsafe_code, reason = "system calls that no safe crate offers")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libc::{c_int, socklen_t};

/// The size of an option that is an `int`, in the system's words.
const INT: socklen_t = size_of::<c_int>() as socklen_t;

/// Reads a socket option that is an `int`: getsockopt(2).
pub(crate) fn int_option(fd: impl AsFd, level: c_int, name: c_int) -> io::Result<c_int> {
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
pub(crate) fn set_int_option(fd: impl AsFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
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
