//! Serving the listeners of sockets.

use anynet_core::Executor;

use super::{assert_echo, echo};
use crate::Context;
use crate::case::cases;

cases![a_listener_of_sockets_serves_itself];

async fn a_listener_of_sockets_serves_itself(context: Context) {
    let listener = context.listener().await;
    let (address, closer) = (listener.local_address(), listener.closer());
    let serving = context.runtime().spawn(async move { listener.serve(echo).await });
    let mut client = context.connect(address).await;
    assert_echo(&context, &mut client).await;
    drop(client);
    closer.close();
    context.within(serving).await.unwrap();
}
