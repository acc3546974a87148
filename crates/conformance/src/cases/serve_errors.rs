//! Serving a listener that fails.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use anynet_core::{
    AcceptError, Attributes, BoxRuntime, Cause, Error, Executor, Listener, ReceiveError, Request,
};
use anynet_sockets::{TcpListener, TcpStream};
use anynet_util::{ServeError, serve};

use crate::Context;
use crate::case::cases;

cases![
    an_accept_error_that_spares_the_listener_is_told_and_serving_goes_on,
    a_broken_listener_is_an_error_once_the_open_connections_have_ended,
];

async fn an_accept_error_that_spares_the_listener_is_told_and_serving_goes_on(context: Context) {
    let (report, reports) = channel();
    let listener = Faulty::new(
        context.listener().await,
        [
            AcceptError::Connection(errno(103)),
            AcceptError::Exhausted(errno(24)),
            AcceptError::Exhausted(errno(24)),
        ],
    );
    let (address, closer) = (listener.inner.local_address(), listener.inner.closer());
    let serving = context.runtime().spawn(async move {
        let hook = move |error| report.send(error).expect("the case waits for it");
        serve(&listener, say_hello).on_error(hook).await
    });
    for _ in 0..2 {
        let mut client = context.connect(address).await;
        assert_eq!(context.within(client.receive(&mut [0; 8])).await.unwrap(), 5);
    }
    closer.close();
    context.within(serving).await.expect("a close is no error");
    let told: Vec<ServeError> = reports.iter().collect();
    assert!(
        matches!(
            &told[..],
            [
                ServeError::Accept(AcceptError::Connection(_)),
                ServeError::Accept(AcceptError::Exhausted(_)),
                ServeError::Accept(AcceptError::Exhausted(_)),
            ]
        ),
        "{told:?}"
    );
}

async fn a_broken_listener_is_an_error_once_the_open_connections_have_ended(context: Context) {
    let listener = Faulty::new(context.listener().await, []);
    let (address, closer, faults) = (
        listener.inner.local_address(),
        listener.inner.closer(),
        listener.faults.clone(),
    );
    let mut serving = context
        .runtime()
        .spawn(async move { serve(&listener, until_the_end).await });
    let mut client = context.connect(address).await;
    context.within(client.send(b"x")).await.unwrap();
    context.settle().await;
    faults.lock().unwrap().push_back(AcceptError::Broken(errno(22)));
    // It is told by the accept after this client's.
    drop(context.connect(address).await);
    context.assert_waits(&mut serving).await;
    drop((client, closer));
    match context.within(serving).await {
        Err(Error::Accept(AcceptError::Broken(cause))) => assert_eq!(cause.raw_os_error(), Some(22)),
        other => panic!("{other:?}"),
    }
}

type Stream = TcpStream<BoxRuntime>;

async fn say_hello(mut stream: Stream) -> anynet_core::Result<()> {
    Ok(stream.send(b"hello").await?)
}

async fn until_the_end(mut stream: Stream) -> anynet_core::Result<()> {
    loop {
        match stream.receive(&mut [0; 8]).await {
            Ok(_) => {}
            Err(ReceiveError::EndOfStream) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn errno(number: i32) -> Cause {
    io::Error::from_raw_os_error(number).into()
}

/// A listener whose accepts fail first, once for each fault.
struct Faulty {
    inner: TcpListener<BoxRuntime>,
    faults: Arc<Mutex<VecDeque<AcceptError>>>,
}

impl Faulty {
    fn new(inner: TcpListener<BoxRuntime>, faults: impl IntoIterator<Item = AcceptError>) -> Self {
        Self {
            inner,
            faults: Arc::new(Mutex::new(faults.into_iter().collect())),
        }
    }
}

impl Listener for Faulty {
    type Stream = Stream;
    type Executor = BoxRuntime;

    fn executor(&self) -> &BoxRuntime {
        self.inner.executor()
    }

    async fn accept(&self) -> Result<Stream, AcceptError> {
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(fault) => Err(fault),
            None => self.inner.accept().await,
        }
    }
}

impl Attributes for Faulty {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.inner.attributes(request);
    }
}
