#![doc = include_str!("../README.md")]

mod adopt;
mod assertions;
mod bell;
mod credentials;
mod current;
mod datagram;
mod descriptors;
mod identity;
mod interfaces;
mod kind;
mod link;
mod names;
mod network;
pub mod options;
mod owned;
mod raw;
mod readiness;
mod receive;
mod resolve;
mod send;
mod shared;
mod socket;
mod stream;
mod sys;
mod tcp;
mod udp;
mod unix;

pub use adopt::{AdoptError, AdoptFault, IntoFdError};
pub use datagram::{Connected, Connection, DatagramSocket, Datagrams, Unconnected};
pub use descriptors::ReceivedFds;
pub use interfaces::{Interface, interface_index, interface_name, interfaces};
pub use kind::Kind;
pub use names::{NameError, NameQuery, host_name, protocol_number, service_port};
pub use network::OsNetwork;
pub use raw::{Control, ControlMessage, MessageFlags, ReceivedMessage, Socket, SocketAddress, SocketError};
pub use readiness::{
    Wait, notify_closing, notify_closing_on, wait_readable, wait_readable_on, wait_writable, wait_writable_on,
};
pub use resolve::{SystemResolver, look_up, look_up_name};
pub use stream::{ReuniteError, StreamListener, StreamReceiveHalf, StreamSendHalf, StreamSocket};
pub use tcp::{
    Tcp, TcpBind, TcpBindAll, TcpConnect, TcpListener, TcpListeners, TcpReceiveHalf, TcpSendHalf, TcpStream,
};
pub use udp::{ConnectedUdpSocket, Udp, UdpBind, UdpConnect, UdpSocket};
pub use unix::{
    ConnectedUnixDatagram, PathInUse, Seqpacket, Unix, UnixBind, UnixConnect, UnixDatagram, UnixDatagramBind,
    UnixDatagramConnect, UnixDgram, UnixListener, UnixReceiveHalf, UnixSendHalf, UnixSeqpacket,
    UnixSeqpacketListener, UnixStream,
};
