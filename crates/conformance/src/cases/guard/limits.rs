//! Which limit ran out, and for whom.

use std::future::pending;

use anynet_core::{
    AttributesExt, ByteSendStreamExt, Error, Executor, LocalAddress, SendError, TimeLimit, TimedOut,
};
use anynet_util::wrapped;

use super::{Guarded, LIMIT, Started, greet, greeted};
use crate::Ground;
use crate::case::cases;

cases![given Ground:
    a_limit_for_sends_ends_those_that_wait_and_no_receive,
    an_error_says_whose_connection_it_was_and_what_ran_out,
];

async fn a_limit_for_sends_ends_those_that_wait_and_no_receive(context: Ground) {
    let talk = |mut stream: Guarded| async move {
        stream.receive(&mut [0; 8]).await?;
        loop {
            stream.send(&[0; 64 << 10]).await?;
        }
    };
    let server = Started::guarded(&context, |guard| guard.send_timeout(LIMIT), talk).await;
    let mut client = context.connect(server.address).await;
    context.network().sleep(2 * LIMIT).await;
    assert!(server.reports.lock().unwrap().is_empty(), "a receive may wait");
    context.within(client.send(b"x")).await.unwrap();
    server
        .assert_told(&context, |error| {
            let Error::Send(SendError::Broken(cause)) = error else {
                return false;
            };
            let inside = cause.get_ref().and_then(|error| error.downcast_ref());
            inside == Some(&TimedOut::new(TimeLimit::Send, LIMIT))
        })
        .await;
}

async fn an_error_says_whose_connection_it_was_and_what_ran_out(context: Ground) {
    let hang = |_stream| async { pending().await };
    let idle = Started::guarded(&context, |guard| guard.idle_timeout(LIMIT), hang).await;
    let wait = |mut stream: Guarded| async move { Ok(stream.receive(&mut [0]).await.map(drop)?) };
    let progress = Started::guarded(&context, |guard| guard.progress_timeout(LIMIT), wait).await;
    let handler = wrapped(context.network().clone(), LIMIT, greet, greeted);
    let handshake = Started::new(&context, handler).await;
    let throw = |_stream| async { std::panic::resume_unwind(Box::new("thrown")) };
    let panic = Started::guarded(&context, |guard| guard, throw).await;
    for (server, text) in [
        (idle, "the connection from WHO failed: idle for 600ms"),
        (
            progress,
            "the connection from WHO failed: the connection is broken: no byte moved for 600ms",
        ),
        (
            handshake,
            "the connection from WHO failed: the handshake took longer than 600ms",
        ),
        (panic, "the handler of WHO panicked: thrown"),
    ] {
        let client = context.connect(server.address).await;
        let LocalAddress(who) = client.attribute().unwrap();
        context.until(|| !server.reports.lock().unwrap().is_empty()).await;
        let reports = server.reports.lock().unwrap();
        assert_eq!(reports[0].peer(), Some(&who));
        assert_eq!(format!("{:#}", reports[0]), text.replace("WHO", &who.to_string()));
    }
}
