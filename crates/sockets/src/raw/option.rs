//! Options of a raw socket, by level and name.

use std::io;

use anynet_core::Runtime;

use super::{Socket, SocketError};
use crate::options::{self, SocketOption};
use crate::sys;

/// What an option of a level and a name needs at most, unless the caller says more: an `int`.
const INT: usize = size_of::<i32>();

/// More than any option has. The system counts in an `int`, and more could not be allocated.
const LARGEST: usize = 1 << 24;

impl<R: Runtime> Socket<R> {
    /// Reads an option, as `option::<ReceiveBufferSize>()`.
    ///
    /// # Errors
    ///
    /// [`Closed`](SocketError::Closed), or what holds an [`OptionError`](options::OptionError).
    pub fn option<T: SocketOption>(&self) -> Result<T, SocketError> {
        Ok(self.with_fd(|fd| options::get(fd))??)
    }

    /// Sets an option from now on.
    ///
    /// # Errors
    ///
    /// [`Closed`](SocketError::Closed), or what holds an [`OptionError`](options::OptionError).
    pub fn set_option<T: SocketOption>(&self, option: &T) -> Result<(), SocketError> {
        Ok(self.with_fd(|fd| options::set(fd, option))??)
    }

    /// Reads an option that is an `int`, by the numbers of its level and its name, such as `libc::SOL_SOCKET` and
    /// `libc::SO_TYPE` ([getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html)).
    ///
    /// # Errors
    ///
    /// What the system says; [`InvalidData`](io::ErrorKind::InvalidData) if the option is no `int`.
    pub fn raw_option(&self, level: i32, name: i32) -> Result<i32, SocketError> {
        let value = self.raw_option_bytes(level, name, INT)?;
        let int = value.try_into().map(i32::from_ne_bytes);
        int.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the option is no int").into())
    }

    /// Reads an option of any form: at most `limit` bytes, in the form that the system gives it.
    ///
    /// The system is given zeros to write over, so an option that has to be told what is asked of it cannot be read.
    ///
    /// # Errors
    ///
    /// What the system says. [`Unsupported`](io::ErrorKind::Unsupported) for `SO_GET_FILTER`, which Linux writes by another
    /// length than it is given.
    pub fn raw_option_bytes(&self, level: i32, name: i32, limit: usize) -> Result<Vec<u8>, SocketError> {
        refuse_other_units(level, name)?;
        let mut value = vec![0; limit.min(LARGEST)];
        let length = self.with_fd(|fd| sys::option::get(fd, level, name, &mut value))??;
        value.truncate(length);
        Ok(value)
    }

    /// Sets an option that is an `int`, by the numbers of its level and its name
    /// ([setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html)).
    ///
    /// # Errors
    ///
    /// As for [`set_raw_option_bytes`](Self::set_raw_option_bytes).
    pub fn set_raw_option(&self, level: i32, name: i32, value: i32) -> Result<(), SocketError> {
        self.set_raw_option_bytes(level, name, &value.to_ne_bytes())
    }

    /// Sets an option of any form, from the bytes that the system wants.
    ///
    /// # Errors
    ///
    /// What the system says. [`Unsupported`](io::ErrorKind::Unsupported) for the few options that hold addresses in this
    /// process's memory for the system to write to (those of XDP and RDS, and the tables of netfilter on Linux), or that
    /// lend a descriptor by its number (`SO_ATTACH_BPF`, `SO_ATTACH_REUSEPORT_EBPF`): safe code may not set these.
    pub fn set_raw_option_bytes(&self, level: i32, name: i32, value: &[u8]) -> Result<(), SocketError> {
        refuse_what_is_not_safe(level, name)?;
        Ok(self.with_fd(|fd| sys::option::set(fd, level, name, value))??)
    }

    /// Sets an option from a length alone, without a value: `ALG_SET_AEAD_AUTHSIZE` is set so, and `SO_BINDTODEVICE`
    /// undone, with 0.
    ///
    /// # Errors
    ///
    /// As for [`set_raw_option_bytes`](Self::set_raw_option_bytes); `EFAULT` if the option wants a value.
    pub fn set_raw_option_length(&self, level: i32, name: i32, length: usize) -> Result<(), SocketError> {
        refuse_what_is_not_safe(level, name)?;
        Ok(self.with_fd(|fd| sys::option::set_length(fd, level, name, length))??)
    }
}

fn refuse_what_is_not_safe(level: i32, name: i32) -> io::Result<()> {
    let why = if holds_addresses(level, Some(name)) {
        "the option holds addresses in memory"
    } else if holds_descriptors(level, name) {
        "the option lends a descriptor by its number"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

/// Whether an option is the number of a descriptor: whose, nobody could tell.
fn holds_descriptors(level: i32, name: i32) -> bool {
    #[cfg(target_os = "linux")]
    use libc::SO_ATTACH_BPF;
    #[cfg(target_os = "android")]
    const SO_ATTACH_BPF: i32 = 50; // `asm-generic/socket.h`; libc has it for Linux alone

    #[cfg(any(target_os = "linux", target_os = "android"))]
    return level == libc::SOL_SOCKET && [SO_ATTACH_BPF, libc::SO_ATTACH_REUSEPORT_EBPF].contains(&name);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return {
        let _ = (level, name);
        false
    };
}

/// `limit` counts instructions of eight bytes there, not bytes: the system would write beyond the end.
fn refuse_other_units(level: i32, name: i32) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if (level, name) == (libc::SOL_SOCKET, libc::SO_GET_FILTER) {
        let why = "the length of the option is not in bytes";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    let _ = (level, name);
    Ok(())
}

/// Whether the options of a level, or one of them, hold addresses in this process's memory that the system writes to.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn holds_addresses(level: i32, name: Option<i32>) -> bool {
    /// Remote memory: rds(7), `RDS_GET_MR`.
    const RDS: i32 = 276;
    /// Rings in the process's own memory: `XDP_UMEM_REG`.
    const XDP: i32 = 283;
    /// The tables of iptables, arptables and ebtables. A new one says where the counters of the old one go.
    const TABLES: [i32; 6] = [64, 65, 96, 97, 128, 129];
    match level {
        RDS | XDP => true,
        libc::SOL_IP | libc::SOL_IPV6 => name.is_some_and(|name| TABLES.contains(&name)),
        _ => false,
    }
}

/// Elsewhere no such option is known.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn holds_addresses(_level: i32, _name: Option<i32>) -> bool {
    false
}
