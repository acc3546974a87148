//! Networks whose streams misbehave by a script.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anynet_core::{
    AcceptError, Attributes, BindError, ConnectError, Executor, Listener, Network, Request, ResolveError,
};

use crate::Faulty;

/// A network whose streams, connected and accepted, are [`Faulty`] by a script; for the rest it is the network inside.
///
/// What is to be tested is given this network; the test itself stays at the other end, on the network inside, where nothing
/// is out of order.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Error, Executor, Listener, Network, Result};
/// use anynet_util::{FaultyNetwork, MemoryNetwork, connect};
///
/// /// What is to be tested: an answer is five bytes, however they come, and a part of one is an error.
/// async fn ask<N: Network>(network: &N) -> Result<[u8; 5]> {
///     let mut stream = connect(network, "192.0.2.1:7").await?;
///     let mut answer = [0; 5];
///     stream.receive_exactly(&mut answer).await?;
///     Ok(answer)
/// }
///
/// MemoryNetwork::run(async |network| {
///     let listener = network.listen("192.0.2.1:7".parse().unwrap()).await?;
///     for reset_at in 0..=5 {
///         let faulty = FaultyNetwork::new(network.clone(), move |stream| {
///             stream.waits().pieces(1, 3).reset_after_receiving(reset_at)
///         });
///         let asking = network.spawn(async move { ask(&faulty).await });
///         listener.accept().await?.send(b"hello").await?;
///         assert_eq!(asking.await.is_ok(), reset_at == 5);
///     }
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
pub struct FaultyNetwork<N: Network> {
    network: N,
    script: Script<N>,
}

type Script<N> = Arc<dyn Fn(Stream<N>) -> Stream<N> + Send + Sync>;
type Stream<N> = Faulty<<N as Network>::Stream>;

impl<N: Network> FaultyNetwork<N> {
    /// `network`, where `script` is called with every new stream and says how that one misbehaves.
    pub fn new(
        network: N,
        script: impl Fn(Faulty<N::Stream>) -> Faulty<N::Stream> + Send + Sync + 'static,
    ) -> Self {
        Self {
            network,
            script: Arc::new(script),
        }
    }

    /// The network inside.
    pub fn get_ref(&self) -> &N {
        &self.network
    }
}

impl<N: Network> Executor for FaultyNetwork<N> {
    type Task<T: Send + 'static> = N::Task<T>;
    type Sleep = N::Sleep;

    fn now(&self) -> Instant {
        self.network.now()
    }

    fn sleep(&self, duration: Duration) -> N::Sleep {
        self.network.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> N::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.network.spawn(future)
    }
}

impl<N: Network> Network for FaultyNetwork<N> {
    type Stream = Faulty<N::Stream>;
    type Listener = FaultyListener<N>;
    type Datagram = N::Datagram;

    async fn connect(&self, to: SocketAddr) -> Result<Self::Stream, ConnectError> {
        let stream = self.network.connect(to).await?;
        Ok((self.script)(Faulty::new(stream)))
    }

    async fn listen(&self, on: SocketAddr) -> Result<Self::Listener, BindError> {
        Ok(FaultyListener {
            listener: self.network.listen(on).await?,
            script: self.script.clone(),
        })
    }

    async fn bind(&self, on: SocketAddr) -> Result<N::Datagram, BindError> {
        self.network.bind(on).await
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        self.network.resolve(host, port).await
    }

    async fn resolve_service(&self, host: &str, service: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        self.network.resolve_service(host, service).await
    }
}

impl<N: Network> Clone for FaultyNetwork<N> {
    fn clone(&self) -> Self {
        Self {
            network: self.network.clone(),
            script: self.script.clone(),
        }
    }
}

impl<N: Network> fmt::Debug for FaultyNetwork<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultyNetwork").field(&self.network).finish()
    }
}

/// A listener of a [`FaultyNetwork`].
pub struct FaultyListener<N: Network> {
    listener: N::Listener,
    script: Script<N>,
}

impl<N: Network> FaultyListener<N> {
    /// The listener inside.
    pub fn get_ref(&self) -> &N::Listener {
        &self.listener
    }
}

impl<N: Network> Listener for FaultyListener<N> {
    type Stream = Faulty<N::Stream>;
    type Executor = <N::Listener as Listener>::Executor;

    fn executor(&self) -> &Self::Executor {
        self.listener.executor()
    }

    async fn accept(&self) -> Result<Self::Stream, AcceptError> {
        let stream = self.listener.accept().await?;
        Ok((self.script)(Faulty::new(stream)))
    }
}

impl<N: Network> Attributes for FaultyListener<N> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.listener.attributes(request);
    }
}

impl<N: Network> fmt::Debug for FaultyListener<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyListener").finish_non_exhaustive()
    }
}
