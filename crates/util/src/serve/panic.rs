//! What a handler panicked with, as a value that threads can share.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What a handler panicked with.
///
/// Displayed as its message.
pub struct Panic {
    message: Cow<'static, str>,
    /// A payload is sent and not shared; the lock, which nobody takes, makes it so for the whole.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&'static str>().copied();
        let message = match payload.downcast_ref::<String>() {
            Some(text) => Cow::Owned(text.clone()),
            None => Cow::Borrowed(text.unwrap_or("no message")),
        };
        Self {
            message,
            payload: Mutex::new(payload),
        }
    }

    /// The text that it panicked with, as `panic!` makes one; `no message` if it panicked with anything else.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The payload itself, for [`resume_unwind`](std::panic::resume_unwind) or a downcast.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_text_and_the_payload_stays_what_it_was() {
        let owned = Panic::new(Box::new("made".to_owned()));
        assert_eq!(owned.message(), "made");
        assert_eq!(owned.into_payload().downcast_ref(), Some(&"made".to_owned()));

        let literal = Panic::new(Box::new("written"));
        assert_eq!(literal.to_string(), "written");
        assert_eq!(literal.into_payload().downcast_ref(), Some(&"written"));

        let other = Panic::new(Box::new(7));
        assert_eq!(other.message(), "no message");
        assert_eq!(other.into_payload().downcast_ref(), Some(&7));
    }
}
