//! What is told to `tracing`: by whom, at which level, with which fields, and never what is sent.

mod failing;

use std::fmt::{Debug, Write};
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anynet_core::{AcceptError, ConnectError, Network, ReceiveError};
use anynet_util::{HappyEyeballs, MemoryNetwork, connect, serve, timeout};
use failing::Failing;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes as SpanAttributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SILENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const UNREACHABLE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
const PAYLOAD: &[u8] = b"a secret";

/// Keeps every event as a line: its level, its message, its fields in order.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &SpanAttributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level();
        self.0
            .lock()
            .unwrap()
            .push(format!("{level} {}{}", line.message, line.fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => write!(self.fields, "; {name} {value:?}").unwrap(),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// The events of what `main` does on a network in memory.
fn events<F: Future<Output = ()>>(main: impl FnOnce(MemoryNetwork) -> F) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), || MemoryNetwork::run(main));
    Arc::into_inner(recorder.0).unwrap().into_inner().unwrap()
}

#[test]
fn each_attempt_to_connect_is_told_from_its_begin_to_its_end() {
    let told = events(async |network| {
        network.add_name("example.org", [SILENT, UNREACHABLE, SERVER]);
        network.set_delay(SILENT, Duration::MAX);
        network.set_unreachable(UNREACHABLE);
        let _listener = network.listen((SERVER, 80).into()).await.unwrap();
        let mut stream = connect(&network, ("example.org", 80)).await.unwrap();
        stream.send(PAYLOAD).await.unwrap();
    });
    let expected = [
        "DEBUG connecting; address 192.0.2.1:80",
        "DEBUG connecting; address 192.0.2.2:80",
        "INFO an attempt to connect failed; address 192.0.2.2:80; took 0ns; cause network unreachable",
        "DEBUG connecting; address 192.0.2.3:80",
        "DEBUG connected; address 192.0.2.3:80; took 0ns",
        "DEBUG an attempt to connect was given up; address 192.0.2.1:80; took 250ms",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_deadline_tells_of_the_attempts_that_it_ends() {
    let told = events(async |network| {
        network.set_delay(SILENT, Duration::MAX);
        let policy = HappyEyeballs::new().deadline(Duration::from_secs(1));
        let attempt = |to| network.connect(to);
        let failed = policy.connect(&network, (SILENT, 80), attempt).await;
        assert!(matches!(failed, Err(ConnectError::TimedOut { .. })), "{failed:?}");
    });
    let expected = [
        "DEBUG connecting; address 192.0.2.1:80",
        "DEBUG an attempt to connect was given up; address 192.0.2.1:80; took 1s",
    ];
    assert_eq!(told, expected);
}

#[test]
fn errors_of_accepting_and_of_handlers_are_told() {
    let told = events(async |network| {
        let server = SocketAddr::from((SERVER, 80));
        let cause = |kind: ErrorKind| kind.into();
        let errors = [
            AcceptError::Connection(cause(ErrorKind::ConnectionAborted)),
            AcceptError::Exhausted(cause(ErrorKind::OutOfMemory)),
            AcceptError::TurnedAway {
                clients: 3,
                cause: cause(ErrorKind::OutOfMemory),
            },
        ];
        let listener = Failing::new(network.listen(server).await.unwrap(), errors);
        let client = network.clone();
        let clients = async move {
            for _ in 0..2 {
                let mut stream = client.connect(server).await.unwrap();
                stream.send(PAYLOAD).await.unwrap();
                let end = stream.receive(&mut [0; 8]).await;
                assert!(!matches!(end, Ok(_) | Err(ReceiveError::Closed)), "{end:?}");
            }
        };
        let counted = Mutex::new(0);
        let serving = serve(&listener, |mut stream| {
            *counted.lock().unwrap() += 1;
            let first = *counted.lock().unwrap() == 1;
            async move {
                stream.receive(&mut [0; 8]).await?;
                assert!(first, "the second client");
                Err(Error::from(ErrorKind::PermissionDenied).into())
            }
        });
        let both = futures_lite::future::zip(clients, serving.into_future());
        timeout(&network, Duration::from_secs(10), both)
            .await
            .unwrap_err();
    });
    let expected = [
        "INFO a connection could not be accepted; cause a connection failed before it was accepted",
        "WARN no descriptor or memory is left: clients wait; cause out of memory",
        "WARN no descriptor is left: clients were turned away; clients 3; cause out of memory",
        "INFO a connection failed; peer 192.0.2.3:49152; cause permission denied",
        "ERROR a handler panicked; peer 192.0.2.3:49153; panic the second client",
    ];
    assert_eq!(told, expected);
}
