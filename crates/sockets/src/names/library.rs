//! The databases of protocols and services, through the C library, which knows where they are.

use std::ffi::CStr;
use std::io;

use rustix::io::Errno;

use crate::sys;

/// How many bytes an entry gets at first: enough for most, by `getservent_r(3)`.
const FIRST_ROOM: usize = 1024;

/// How many it gets before the database is taken to be broken.
const MOST_ROOM: usize = 1 << 20;

pub(super) fn protocol_number(name: &CStr) -> io::Result<Option<i32>> {
    with_room(|room| sys::protocol_number(name, room))
}

pub(super) fn service_port(name: &CStr, protocol: &CStr) -> io::Result<Option<u16>> {
    with_room(|room| sys::service_port(name, protocol, room))
}

/// Looks up with more and more room until the entry fits.
fn with_room<T>(mut look_up: impl FnMut(&mut [u8]) -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    let mut room = FIRST_ROOM;
    loop {
        match look_up(&mut vec![0; room]) {
            Err(error) if room < MOST_ROOM && Errno::from_io_error(&error) == Some(Errno::RANGE) => room *= 4,
            // A database that is not there has no entries.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_gets_the_room_that_it_needs() {
        let mut rooms = Vec::new();
        let found = with_room(|room| {
            rooms.push(room.len());
            if room.len() < 10_000 {
                Err(Errno::RANGE.into())
            } else {
                Ok(Some(7))
            }
        });
        assert_eq!(found.unwrap(), Some(7));
        assert_eq!(rooms, [1024, 4096, 16384]);
    }

    #[test]
    fn an_entry_that_never_fits_is_an_error() {
        let found = with_room(|_| Err::<Option<()>, _>(Errno::RANGE.into()));
        assert_eq!(
            found.unwrap_err().raw_os_error(),
            Some(Errno::RANGE.raw_os_error())
        );
    }

    #[test]
    fn a_database_that_is_not_there_has_no_entries() {
        assert_eq!(
            with_room(|_| Err::<Option<()>, _>(Errno::NOENT.into())).unwrap(),
            None
        );
        assert!(with_room(|_| Err::<Option<()>, _>(Errno::MFILE.into())).is_err());
    }

    /// With no room at first, as a long entry has none in the usual buffer.
    #[test]
    fn the_library_says_that_an_entry_does_not_fit() {
        let Some(number) = protocol_number(c"tcp").unwrap() else {
            return;
        };
        let error = sys::protocol_number(c"tcp", &mut []).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::RANGE));
        assert_eq!(
            sys::protocol_number(c"tcp", &mut [0; 4096]).unwrap(),
            Some(number)
        );
    }
}
