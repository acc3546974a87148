//! Why a look-up failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::Cause;

/// Why a text or a name is no address, or an address has no name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is not `host:port`, or the host or the service is no name, so nobody was asked.
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name has no address.
    NoAddress {
        /// The name.
        host: String,
    },
    /// The address has no name, and one was asked for.
    NoName {
        /// The address.
        address: SocketAddr,
    },
    /// Nobody knows a port for the service.
    UnknownService {
        /// The service.
        service: String,
        /// What the resolver said, if it said more.
        cause: Option<Cause>,
    },
    /// The look-up itself failed; or the resolver says with a code that there is no such name or address.
    Failed {
        /// What was looked up: a name, or an address.
        host: String,
        /// What the resolver said.
        cause: Cause,
    },
}

impl ResolveError {
    /// What the failure amounts to. [`NotFound`](io::ErrorKind::NotFound) is an answer; most other failures are the lack of
    /// one.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Malformed { .. } => io::ErrorKind::InvalidInput,
            Self::NoAddress { .. } | Self::NoName { .. } | Self::UnknownService { .. } => {
                io::ErrorKind::NotFound
            }
            Self::Failed { cause, .. } => cause.kind(),
        }
    }

    /// The code and the text that the system's resolver gave, if it was asked and gave one.
    pub fn resolver_error(&self) -> Option<&ResolverError> {
        match self {
            Self::UnknownService { cause, .. } => cause.as_ref()?.get_ref()?.downcast_ref(),
            Self::Failed { cause, .. } => cause.get_ref()?.downcast_ref(),
            Self::Malformed { .. } | Self::NoAddress { .. } | Self::NoName { .. } => None,
        }
    }

    /// Whether the same look-up may succeed later (`EAI_AGAIN`): the name servers could not be reached, or did not know.
    pub fn is_temporary(&self) -> bool {
        self.resolver_error().is_some_and(|error| error.is_temporary)
    }
}

/// What the system's resolver says of a failure: a code of getaddrinfo(3), and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolverError {
    /// The code, such as `libc::EAI_NONAME`. The numbers differ between systems.
    pub code: i32,
    /// What the system has to say of it, as gai_strerror(3); where it was not asked, why not.
    pub text: String,
    /// Whether the same look-up may succeed later.
    pub is_temporary: bool,
}

impl ResolverError {
    /// A failure that lasts.
    pub fn new(code: i32, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            is_temporary: false,
        }
    }

    /// Says whether the same look-up may succeed later.
    pub fn temporary(mut self, is_temporary: bool) -> Self {
        self.is_temporary = is_temporary;
        self
    }
}

super::display::display!(ResolveError);

impl ResolveError {
    pub(super) fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { text, reason } => write!(f, "malformed address {text:?}: {reason}"),
            Self::NoAddress { host } => write!(f, "{host:?} has no address"),
            Self::NoName { address } => write!(f, "{} has no name", address.ip()),
            Self::UnknownService { service, .. } => write!(f, "there is no service {service:?}"),
            Self::Failed { host, .. } => write!(f, "cannot look up {host:?}"),
        }
    }
}

impl fmt::Display for ResolverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for ResolveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::UnknownService { cause, .. } => cause.as_ref().map(|cause| cause as _),
            Self::Failed { cause, .. } => Some(cause),
            Self::Malformed { .. } | Self::NoAddress { .. } | Self::NoName { .. } => None,
        }
    }
}

impl StdError for ResolverError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_systems_resolver_is_kept_with_its_text() {
        let said = ResolverError::new(-3, "try again").temporary(true);
        let error = ResolveError::Failed {
            host: "a".into(),
            cause: io::Error::other(said.clone()).into(),
        };
        assert_eq!(error.resolver_error(), Some(&said));
        assert!(error.is_temporary());
        assert_eq!(error.source().unwrap().to_string(), "try again");
        let lasting = ResolveError::NoAddress { host: "a".into() };
        assert!(lasting.resolver_error().is_none() && !lasting.is_temporary());
    }
}
