//! Several runtimes in one process, and sockets that go from one to another.

use std::io::ErrorKind;
use std::time::Duration;

use anynet::runtime::{smol as on_smol, tokio as on_tokio};
use anynet::sockets::{TcpStream, notify_closing_on, wait_readable_on};
use anynet::{
    AdoptFault, ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, Executor, ReceiveError, Runtime,
    SendError, WaitError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(10);

/// Sends `data` and its end, and receives what comes back until the peer's end.
async fn exchange(stream: &mut impl ByteStream, data: &[u8]) -> anynet::Result<Vec<u8>> {
    stream.send(data).await?;
    stream.send_eof().await?;
    let (mut received, mut buf) = (Vec::new(), [0; 1024]);
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => received.extend_from_slice(&buf[..n]),
            Err(ReceiveError::EndOfStream) => return Ok(received),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Answers one connection with what it sends.
async fn echo(mut stream: impl ByteStream) -> anynet::Result<()> {
    let mut buf = [0; 1024];
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => stream.send(&buf[..n]).await?,
            Err(ReceiveError::EndOfStream) => return Ok(stream.close().await?),
            Err(error) => return Err(error.into()),
        }
    }
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_tokio_socket_and_a_smol_socket_talk_to_each_other() {
    let tokio = multi_thread();
    let listener = tokio
        .block_on(async { on_tokio::TcpListener::bind("127.0.0.1:0").await })
        .unwrap();
    let address = listener.local_address();
    let server = tokio.spawn(async move { echo(listener.accept().await?).await });
    let received = smol::block_on(async {
        let mut stream = on_smol::TcpStream::connect(address).await?;
        exchange(&mut stream, b"from smol").await
    });
    assert_eq!(received.unwrap(), b"from smol");
    tokio.block_on(server).unwrap().unwrap();
}

#[test]
fn two_tokio_runtimes_are_two_runtimes() {
    let (one, other) = (multi_thread(), multi_thread());
    let listener = one
        .block_on(async { on_tokio::TcpListener::bind("127.0.0.1:0").await })
        .unwrap();
    let address = listener.local_address();
    let server = one.spawn(async move { echo(listener.accept().await?).await });
    let mut stream = other
        .block_on(async { on_tokio::TcpStream::connect(address).await })
        .unwrap();
    // Awaited on the first, driven by the second.
    assert_eq!(one.block_on(exchange(&mut stream, b"across")).unwrap(), b"across");
    one.block_on(server).unwrap().unwrap();
}

#[test]
fn a_tokio_socket_works_on_smol_until_its_runtime_is_shut_down() {
    let tokio = multi_thread();
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let mut stream = tokio
        .block_on(async { on_tokio::TcpStream::connect(address).await })
        .unwrap();
    let (mut peer, _) = peer.accept().unwrap();

    std::io::Write::write_all(&mut peer, b"x").unwrap();
    let mut buf = [0; 8];
    assert_eq!(smol::block_on(stream.receive(&mut buf)).unwrap(), 1);

    tokio.shutdown_background();
    let received = smol::block_on(anynet::util::timeout(
        &on_smol::Smol::new(),
        LIMIT,
        stream.receive(&mut buf),
    ));
    match received.expect("an error, not a hang") {
        Err(ReceiveError::Broken(_)) => {}
        other => panic!("the runtime is gone, but the receive says {other:?}"),
    }
    match smol::block_on(stream.send(b"x")) {
        Err(SendError::Broken(_)) => {}
        other => panic!("the runtime is gone, but the send says {other:?}"),
    }
}

/// tokio's cooperative budget holds only in tokio's own tasks.
#[test]
fn a_busy_tokio_socket_does_not_starve_another_executor() {
    let tokio = multi_thread();
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let mut stream = tokio
        .block_on(async { on_tokio::TcpStream::connect(address).await })
        .unwrap();
    let busy = async {
        for _ in 0..5_000_000 {
            stream.send_ready().await.unwrap(); // there is always room
        }
    };
    let limited = anynet::util::timeout(&on_smol::Smol::new(), Duration::from_millis(20), busy);
    assert!(
        smol::block_on(limited).is_err(),
        "the deadline was not even looked at"
    );
}

#[test]
fn the_current_runtime_is_the_one_that_a_socket_is_made_in() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let name = async move {
        let stream = anynet::TcpStream::connect(address).await?;
        anynet::Result::<_>::Ok(stream.runtime().name())
    };
    assert_eq!(multi_thread().block_on(name).unwrap(), "tokio");
    let name = async move {
        let stream = anynet::TcpStream::connect(address).await?;
        anynet::Result::<_>::Ok(stream.runtime().name())
    };
    assert_eq!(smol::block_on(name).unwrap(), "smol");
}

#[test]
fn run_refuses_to_choose_between_two_runtimes() {
    let error = anynet::run(async {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let message = error.to_string();
    assert!(
        message.contains("runtime::tokio::run") && message.contains("runtime::smol::run"),
        "{message}"
    );
}

#[test]
fn run_inside_a_tokio_runtime_is_an_error_not_a_panic() {
    let error = multi_thread()
        .block_on(async { on_tokio::run(async {}) })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn outside_a_tokio_runtime_there_is_none_and_smol_is_everywhere() {
    assert!(on_tokio::Tokio::current().is_err());
    assert!(on_tokio::network().is_err());
    assert!(on_tokio::spawn(async {}).is_err());
    assert!(smol::block_on(on_tokio::sleep(Duration::ZERO)).is_err());
    let connected = smol::block_on(async { on_tokio::TcpStream::connect("127.0.0.1:1").await });
    assert!(
        matches!(connected, Err(anynet::ConnectError::NoRuntime(_))),
        "{connected:?}"
    );
    assert!(on_smol::Smol::current().is_ok());
}

#[test]
fn a_runtime_without_io_panics_with_tokios_own_message() {
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let connect = std::panic::AssertUnwindSafe(|| {
        bare.block_on(async { on_tokio::TcpStream::connect(address).await.map(drop) })
    });
    let panic = std::panic::catch_unwind(connect).unwrap_err();
    let message = panic.downcast_ref::<String>().cloned();
    let message = message
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap();
    assert!(message.contains("enable_io"), "{message}");
}

#[test]
fn a_stream_goes_to_tokio_and_comes_back() {
    multi_thread().block_on(async {
        let listener = on_tokio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = on_tokio::TcpStream::connect(listener.local_address())
            .await
            .unwrap();
        let mut native = on_tokio::into_native(listener.accept().await.unwrap()).unwrap();

        stream.send(b"to tokio, and more").await.unwrap();
        let mut buf = [0; 8];
        native.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"to tokio");
        native.write_all(b"from tokio").await.unwrap();

        let mut ours = on_tokio::from_native(native).unwrap();
        let mut rest = [0; 10];
        ours.receive_exactly(&mut rest).await.unwrap();
        assert_eq!(&rest, b", and more", "no byte was lost on the way");
        ours.close().await.unwrap();
        let mut answer = [0; 64];
        assert_eq!(stream.receive(&mut answer).await.unwrap(), 10);
        assert!(matches!(
            stream.receive(&mut answer).await,
            Err(ReceiveError::EndOfStream)
        ));
    });
}

#[test]
fn a_stream_goes_to_async_net_and_comes_back() {
    smol::block_on(async {
        let listener = on_smol::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = on_smol::TcpStream::connect(listener.local_address())
            .await
            .unwrap();
        let mut native = on_smol::into_native(listener.accept().await.unwrap()).unwrap();

        stream.send(b"to smol, and more").await.unwrap();
        let mut buf = [0; 7];
        smol::io::AsyncReadExt::read_exact(&mut native, &mut buf)
            .await
            .unwrap();
        assert_eq!(&buf, b"to smol");

        let clone = native.clone();
        assert_eq!(
            on_smol::from_native(clone).unwrap_err().kind(),
            ErrorKind::ResourceBusy
        );
        let mut ours = on_smol::from_native(native).unwrap();
        let mut rest = [0; 10];
        ours.receive_exactly(&mut rest).await.unwrap();
        assert_eq!(&rest, b", and more", "no byte was lost on the way");

        let stream: async_net::TcpStream = on_smol::into_native(ours).unwrap();
        let inner: std::sync::Arc<async_io::Async<std::net::TcpStream>> = stream.into();
        let inner = std::sync::Arc::into_inner(inner).unwrap();
        assert!(on_smol::from_native(inner).is_ok());
    });
}

#[test]
fn what_was_closed_cannot_be_handed_over() {
    smol::block_on(async {
        let listener = on_smol::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = on_smol::TcpStream::connect(listener.local_address())
            .await
            .unwrap();
        stream.close().await.unwrap();
        assert_eq!(
            on_smol::into_native(stream).unwrap_err().kind(),
            ErrorKind::NotConnected
        );
    });
}

#[test]
fn a_descriptor_that_is_no_connection_is_refused() {
    let unconnected = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(TcpStream::from_fd(on_smol::Smol::new(), unconnected.into()).is_err());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(TcpStream::from_fd(on_smol::Smol::new(), listener.into()).is_err());
}

#[test]
fn a_socket_from_elsewhere_goes_to_the_current_runtime() {
    let sockets = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener, stream)
    };
    /// Adopts both ends of a connection, by what the standard library calls them and by their descriptors.
    macro_rules! adopt {
        ($runtime:path) => {{
            use $runtime as on;
            let (listener, stream) = sockets();
            let listener = on::TcpListener::try_from(listener).unwrap();
            let accepted = listener.accept().await.unwrap();
            let stream = on::TcpStream::try_from(stream).unwrap();
            let stream = on::TcpStream::try_from(stream.into_fd().unwrap()).unwrap();
            let listener = on::TcpListener::try_from(listener.into_fd().unwrap()).unwrap();
            let name = listener.runtime().name();
            let echo = Executor::spawn(stream.runtime(), echo(accepted));
            assert_eq!(
                exchange(&mut { stream }, b"there and back").await.unwrap(),
                b"there and back"
            );
            echo.await.unwrap();
            name
        }};
    }
    assert_eq!(smol::block_on(async { adopt!(on_smol) }), "smol");
    assert_eq!(smol::block_on(async { adopt!(anynet) }), "smol");
    assert_eq!(multi_thread().block_on(async { adopt!(on_tokio) }), "tokio");
    assert_eq!(multi_thread().block_on(async { adopt!(anynet) }), "tokio");

    let (_listener, stream) = sockets();
    let error = on_tokio::TcpStream::try_from(stream).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::NoRuntime(_)), "{error:?}");
    assert!(on_smol::TcpStream::try_from(error.into_fd()).is_ok());
}

#[test]
fn a_task_on_an_executor_that_is_gone_never_completes() {
    let tokio = multi_thread();
    let task = on_tokio::Tokio::new(tokio.handle().clone()).spawn(std::future::pending::<()>());
    tokio.shutdown_timeout(LIMIT);
    let smol = on_smol::Smol::new();
    let waited = anynet::util::timeout(&smol, Duration::from_millis(50), task);
    assert!(smol::block_on(waited).is_err());

    let executor = std::sync::Arc::new(smol::Executor::new());
    let task = on_smol::Smol::with_executor(&executor).spawn(std::future::pending::<()>());
    drop(executor);
    let waited = anynet::util::timeout(&smol, Duration::from_millis(50), task);
    assert!(smol::block_on(waited).is_err());
}

#[test]
fn who_waits_is_known_to_every_handle_of_a_runtime_and_to_no_other_runtime() {
    let (one, other) = (multi_thread(), multi_thread());
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let handle = || on_tokio::Tokio::new(one.handle().clone());
    let waiting = wait_readable_on(&handle(), &ours);
    let again = smol::block_on(wait_readable_on(&handle(), &ours));
    assert!(matches!(again, Err(WaitError::Busy)), "{again:?}");
    let current = one.block_on(async { on_tokio::wait_readable(&ours).await });
    assert!(matches!(current, Err(WaitError::Busy)), "{current:?}");
    let chosen = one.block_on(async { anynet::wait_readable(&ours).await });
    assert!(matches!(chosen, Err(WaitError::Busy)), "{chosen:?}");

    let elsewhere = wait_readable_on(&on_tokio::Tokio::new(other.handle().clone()), &ours);
    let on_smol = wait_readable_on(&on_smol::Smol::new(), &ours);
    let executor = on_smol::Smol::with_executor(&std::sync::Arc::default());
    let again = smol::block_on(wait_readable_on(&executor, &ours)); // the reactor is the same
    assert!(matches!(again, Err(WaitError::Busy)), "{again:?}");

    notify_closing_on(&handle(), &ours);
    let waited = smol::block_on(waiting);
    assert!(matches!(waited, Err(WaitError::Closed)), "{waited:?}");
    for mut still in [elsewhere, on_smol] {
        assert!(smol::block_on(smol::future::poll_once(&mut still)).is_none());
    }
}

#[test]
fn without_a_runtime_there_is_nothing_to_wait_on() {
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let waited = smol::block_on(on_tokio::wait_writable(&ours));
    assert!(matches!(waited, Err(WaitError::NoRuntime(_))), "{waited:?}");
    assert!(on_tokio::notify_closing(&ours).is_err());
}

#[test]
fn what_can_be_awaited_can_be_spawned() {
    macro_rules! connect {
        ($runtime:ident) => {
            async {
                let listener = $runtime::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let connecting = $runtime::spawn($runtime::TcpStream::connect(listener.local_address()));
                connecting.unwrap().await.unwrap();
            }
        };
    }
    smol::block_on(connect!(on_smol));
    multi_thread().block_on(connect!(on_tokio));
}
