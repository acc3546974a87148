//! Who turns names into addresses.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::{AddressInfo, BoxFuture, Lookup, NameFlags, NameInfo, ResolveError};

/// Turns names into addresses, and addresses into names.
///
/// The system's is `anynet_sockets::SystemResolver`; `anynet_util::TableResolver` knows what it was told. Another one is
/// given to each connector that is to use it (`TcpStream::connect(…).resolver(…)`) or to a network
/// (`OsNetwork::with_resolver`); there is none for the whole process.
///
/// Sockets ask a resolver for names only: a literal address with a port never reaches it, and a name that is not ASCII
/// comes encoded.
///
/// ```
/// use anynet_core::{AddressInfo, BoxFuture, Lookup, NameFlags, NameInfo, ResolveError, Resolver};
/// use std::net::SocketAddr;
///
/// /// Counts on a resolver to know the names of one domain, and no others.
/// #[derive(Debug)]
/// struct Only<R>(&'static str, R);
///
/// impl<R: Resolver> Resolver for Only<R> {
///     fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
///         match &lookup.host {
///             Some(host) if !host.ends_with(self.0) => {
///                 let host = host.clone();
///                 Box::pin(async { Err(ResolveError::NoAddress { host }) })
///             }
///             _ => self.1.look_up(lookup),
///         }
///     }
///
///     fn look_up_name(&self, address: SocketAddr, flags: NameFlags) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
///         self.1.look_up_name(address, flags)
///     }
/// }
/// ```
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses that answer `lookup`, in the order in which they are to be tried. Dropping the future gives the look-up
    /// up. A connector leaves out entries that are for another type of socket than its own.
    ///
    /// # Errors
    ///
    /// If there is none. An empty answer counts as [`ResolveError::NoAddress`].
    fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>>;

    /// The names of `address`. Dropping the future gives the look-up up.
    ///
    /// # Errors
    ///
    /// If there is none and [`NameFlags::NAME_REQUIRED`] asks for one, or if it cannot be looked up.
    fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> BoxFuture<'_, Result<NameInfo, ResolveError>>;
}

impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        (**self).look_up(lookup)
    }

    fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        (**self).look_up_name(address, flags)
    }
}
