//! A whole server: TCP of both families and a UNIX path, a greeting that comes first, limits, an end in order on Ctrl-C
//! or SIGTERM, and its numbers.
//!
//! ```text
//! cargo run --example server --features tokio            # until Ctrl-C
//! cargo run --example server --features smol -- --once   # until three clients of its own are done
//! ```
//!
//! `(echo "echo/1"; cat) | socat - TCP:localhost:PORT` is a client.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anynet::{
    BoxListener, BoxStream, ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, Error, Guard, ReceiveError,
    Result, Server, ServerHandle, TcpListener, TcpStream, UnixListener, UnixStream, network, spawn, wrapped,
};
use signal_hook::consts::{SIGINT, SIGTERM};

/// What a client says first.
const GREETING: &[u8; 7] = b"echo/1\n";

async fn run(is_once: bool) -> Result<()> {
    let path = std::env::temp_dir().join(format!("anynet-server-{}", std::process::id()));
    let tcp = TcpListener::bind_port(0).await?; // a socket for each family, on any free port
    let unix = UnixListener::bind(&path).mode(0o600).await?;
    let port = tcp.iter().next().map_or(0, |first| first.local_address().port());
    println!("listening on port {port} and {}", path.display());

    // Listeners of several kinds are boxed. Their streams are of one type then, too.
    let listeners = tcp.into_iter().map(BoxListener::new);
    let server = Server::over(listeners.chain([BoxListener::new(unix)]))
        .limit(10_000)
        .limit_per_peer(100)
        .grace(Duration::from_secs(10))
        .on_refused(|mut stream| async move { Ok(stream.send(b"too many\n").await?) })
        .on_error(|error| eprintln!("{error:#}"));
    let handle = server.handle();

    // The guard is outside: the greeting counts as time without a byte, and a greeting that fails aborts the connection.
    // `wrapped(…, greet, guard.around(echo))` would guard what comes after the greeting alone.
    let runtime = network()?.runtime().clone();
    let guard = Guard::new(runtime.clone())
        .idle_timeout(Duration::from_secs(60))
        .abort_on_failure();
    let leaving = handle.clone();
    let echo = move |stream| echo(stream, leaving.clone());
    let serving = server.serve(guard.around(wrapped(runtime, Duration::from_secs(5), greet, echo)));

    let stop = handle.clone();
    let stopping = spawn(async move {
        let end = if is_once {
            clients(port, path, &stop).await
        } else {
            signal().await
        };
        stop.shut_down();
        end
    })?;
    serving.await?; // until the shutdown, and then for the grace
    println!("{:?}", handle.statistics());
    stopping.await
}

/// The greeting, in the connection's own task: a client who dawdles keeps nobody waiting.
async fn greet<S: ByteStream>(mut stream: S) -> Result<S> {
    let mut greeting = [0; GREETING.len()];
    stream.receive_exactly(&mut greeting).await?;
    if &greeting == GREETING {
        Ok(stream)
    } else {
        Err(Error::other("a greeting that nobody speaks"))
    }
}

/// The service, over a stream of any kind. It does not wait for a client's next words when the server is to end.
async fn echo<S: ByteStream>(mut stream: S, server: ServerHandle) -> Result<()> {
    let mut buf = vec![0; 16 << 10];
    loop {
        // A receive that is dropped has lost nothing: it is cancel-safe.
        match server.unless_shutting_down(stream.receive(&mut buf)).await {
            Some(Ok(n)) => stream.send(&buf[..n]).await?,
            // The peer's end is no failure; with `?` it would be counted as one, and the connection be aborted.
            Some(Err(ReceiveError::EndOfStream)) | None => return Ok(stream.close().await?),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

/// Waits for Ctrl-C or SIGTERM. A signal handler may do next to nothing (signal-safety(7)): this one writes a byte, and the
/// rest happens here, where the byte arrives.
async fn signal() -> Result<()> {
    let (receiver, sender) = StdUnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
    }
    let mut receiver = UnixStream::try_from(receiver).map_err(Error::other)?;
    receiver.receive(&mut [0]).await?;
    Ok(())
}

/// Two clients who end by themselves, and one who is still there when the server goes.
async fn clients(port: u16, path: PathBuf, server: &ServerHandle) -> Result<()> {
    let stays = greeted(UnixStream::connect(&path).await?).await?;
    let unix = greeted(UnixStream::connect(&path).await?).await?;
    let tcp = greeted(TcpStream::connect(("127.0.0.1", port)).await?).await?;
    let both: [BoxStream; 2] = [Box::new(unix), Box::new(tcp)];
    for mut stream in both {
        stream.send_eof().await?;
        expect_end(stream).await?;
    }
    server.shut_down();
    expect_end(stays).await
}

/// Says what comes first, and a word that comes back.
async fn greeted<S: ByteStream>(mut stream: S) -> Result<S> {
    stream.send(GREETING).await?;
    stream.send(b"hi").await?;
    stream.receive_exactly(&mut [0; 2]).await?;
    Ok(stream)
}

async fn expect_end(mut stream: impl ByteStream) -> Result<()> {
    match stream.receive(&mut [0]).await {
        Err(ReceiveError::EndOfStream) => Ok(stream.close().await?),
        other => Err(Error::other(format!("the end was due, not {other:?}"))),
    }
}

fn main() -> Result<()> {
    let is_once = std::env::args().nth(1).as_deref() == Some("--once");
    anynet::run(run(is_once))?
}
