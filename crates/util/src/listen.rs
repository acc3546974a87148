//! Listening on several addresses, on one port.

use std::io;
use std::net::SocketAddr;

use anynet_core::{Address, AttributesExt, BindError, Cause, FailedAttempt, Listener, LocalAddress};

/// Listens on every one of `addresses`, by `attempt`, and gives the listeners in that order. Those with port 0 get one
/// port, the same for all.
///
/// **The port** is chosen by the first of them to be bound. If another cannot have it, all are closed and the next address
/// chooses, once for each address: AnyIO's rule. Addresses that are there twice are bound once. An attempt that fails with
/// what `is_lacking` knows as "there is no such family here" is passed over, unless all do.
///
/// ```
/// use anynet_core::{AttributesExt, Error, LocalAddress, Network};
/// use anynet_util::{Listeners, MemoryNetwork, listen_all};
///
/// MemoryNetwork::run(async |network| {
///     let addresses = ["192.0.2.1:0", "[2001:db8::1]:0"].map(|address| address.parse().unwrap());
///     let every_family_is_here = |_: &_| false;
///     let listen = |address| network.listen(address);
///     let bound = listen_all(addresses, every_family_is_here, listen).await?;
///     let port = |of: usize| bound[of].attribute().and_then(|LocalAddress(address)| address.port());
///     assert_eq!(port(0), port(1));
///     let listener = Listeners::of(bound); // several as one
/// #     drop(listener);
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// [`BindError::Failed`] with the attempts that failed; no listener is left then. [`BindError::Resolve`] if there is no
/// address.
pub async fn listen_all<L, F>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    is_lacking: impl Fn(&Cause) -> bool,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<Vec<L>, BindError>
where
    L: Listener,
    F: Future<Output = Result<L, BindError>>,
{
    let mut wanted: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !wanted.contains(&address) {
            wanted.push(address);
        }
    }
    let mut taken = Vec::new();
    'port: for first in 0..wanted.len() {
        let mut listeners = Vec::new();
        let mut lacking = Vec::new();
        let mut port = 0;
        for place in (first..wanted.len()).chain(0..first) {
            let mut address = wanted[place];
            let chooses = address.port() == 0 && port == 0;
            let follows = address.port() == 0 && port != 0;
            if follows {
                address.set_port(port);
            }
            match attempt(address).await {
                Ok(listener) => {
                    if chooses {
                        port = port_of(&listener);
                    }
                    listeners.push((place, listener));
                }
                Err(BindError::Failed { mut attempts, .. }) => {
                    if attempts.iter().all(|attempt| is_lacking(&attempt.cause)) {
                        lacking.append(&mut attempts);
                        continue;
                    }
                    let is_taken = attempts
                        .iter()
                        .all(|attempt| attempt.cause.kind() == io::ErrorKind::AddrInUse);
                    taken.append(&mut attempts);
                    if follows && is_taken {
                        continue 'port;
                    }
                    return Err(failed(taken));
                }
                Err(error) => return Err(error),
            }
        }
        if listeners.is_empty() {
            return Err(failed(lacking));
        }
        listeners.sort_by_key(|(place, _)| *place);
        return Ok(listeners.into_iter().map(|(_, listener)| listener).collect());
    }
    if taken.is_empty() {
        let host = String::new();
        return Err(BindError::Resolve(anynet_core::ResolveError::NoAddress { host }));
    }
    Err(failed(taken))
}

fn failed(attempts: Vec<FailedAttempt>) -> BindError {
    BindError::Failed {
        target: None,
        attempts,
    }
}

fn port_of(listener: &impl Listener) -> u16 {
    match listener.attribute() {
        Some(LocalAddress(Address::Ip(address))) => address.port(),
        _ => 0,
    }
}
