//! One direction of any stream.

use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt};

use crate::Context;
use crate::case::cases;

cases![a_byte_sent_is_the_byte_received];

async fn a_byte_sent_is_the_byte_received(context: Context) {
    let (mut send, mut receive) = context.one_way().await;
    context.within(send.send(b"x")).await.unwrap();
    let mut buf = [0; 8];
    assert_eq!(context.within(receive.receive(&mut buf)).await.unwrap(), 1);
    assert_eq!(buf[0], b'x');
}
