//! The cases, one file per contract.

#![deny(dead_code, reason = "a case that is written but not listed must not compile")]

mod accepting;
mod adoption;
mod attributes;
mod awaits;
mod broken;
mod cancellation;
mod closers;
mod closing;
mod connect;
mod descriptors;
mod exhausted;
mod guard;
mod half_close;
mod halves;
mod listener;
mod listening;
mod memory;
mod multicast;
mod names;
mod network;
mod one_way;
mod options;
mod race;
mod raw_socket;
mod readiness;
mod resolve;
mod runtime;
mod seqpacket;
mod serve;
mod serve_odd;
mod server;
mod shutdown;
mod stapled;
mod tcp;
mod two_way;
mod udp;
mod udp_errors;
mod unix;
mod unix_datagram;

use crate::Ground;
use crate::case::Case;

/// Cases about the executor and the reactor, run once per backend.
pub(crate) fn of_runtimes() -> impl Iterator<Item = &'static Case> {
    let files = [
        runtime::CASES,
        raw_socket::family::CASES,
        readiness::CASES,
        readiness::closing::CASES,
        readiness::kinds::CASES,
        descriptors::CASES,
        descriptors::odd::CASES,
        accepting::CASES,
        exhausted::CASES,
        exhausted::several::CASES,
        listening::CASES,
        listening::several::CASES,
    ];
    files.into_iter().flatten()
}

/// Cases about sockets, run for IPv4 and for IPv6.
pub(crate) fn of_sockets() -> impl Iterator<Item = &'static Case> {
    let files = [
        adoption::CASES,
        adoption::datagram::CASES,
        adoption::giving::CASES,
        attributes::CASES,
        awaits::CASES,
        broken::CASES,
        cancellation::CASES,
        closers::CASES,
        closing::CASES,
        connect::CASES,
        guard::sockets::CASES,
        connect::policy::CASES,
        halves::CASES,
        listener::CASES,
        names::CASES,
        names::connector::CASES,
        names::literal::CASES,
        names::odd::CASES,
        options::CASES,
        multicast::CASES,
        raw_socket::CASES,
        raw_socket::closing::CASES,
        raw_socket::connect::CASES,
        raw_socket::linux::CASES,
        raw_socket::message::CASES,
        raw_socket::option::CASES,
        resolve::CASES,
        serve::sockets::CASES,
        serve_odd::CASES,
        server::several::CASES,
        shutdown::CASES,
        tcp::CASES,
        udp::CASES,
        udp::addresses::CASES,
        udp_errors::CASES,
    ];
    files.into_iter().flatten()
}

/// Cases about UNIX sockets, run for paths and for abstract names.
pub(crate) fn of_unix_sockets() -> impl Iterator<Item = &'static Case> {
    let files = [
        descriptors::datagrams::CASES,
        unix::CASES,
        seqpacket::CASES,
        unix::adoption::CASES,
        unix::adoption::datagram::CASES,
        unix::listener::CASES,
        unix::file::CASES,
        unix_datagram::CASES,
        unix_datagram::names::CASES,
        unix_datagram::room::CASES,
    ];
    files.into_iter().flatten()
}

/// Cases about streams of any kind: a send end and the receive end of it.
pub(crate) fn of_streams() -> impl Iterator<Item = &'static Case<Ground>> {
    let files = [one_way::CASES, one_way::ending::CASES, one_way::waiting::CASES];
    files.into_iter().flatten()
}

/// Cases about streams that go both ways.
pub(crate) fn of_two_way_streams() -> impl Iterator<Item = &'static Case<Ground>> {
    [two_way::CASES, half_close::CASES].into_iter().flatten()
}

/// Cases about executors, run once per backend, whatever it is made of.
pub(crate) fn of_executors() -> impl Iterator<Item = &'static Case<Ground>> {
    let files = [runtime::tasks::CASES, race::CASES, memory::CASES, stapled::CASES];
    files.into_iter().flatten()
}

/// Cases about networks of any kind, run for IPv4 and for IPv6.
pub(crate) fn of_networks() -> impl Iterator<Item = &'static Case<Ground>> {
    let files = [
        guard::CASES,
        guard::limits::CASES,
        network::CASES,
        network::datagram::CASES,
        race::addresses::CASES,
        serve::CASES,
        server::CASES,
        server::ending::CASES,
    ];
    files.into_iter().flatten()
}

/// The names of all cases there are.
pub(crate) fn all() -> impl Iterator<Item = String> {
    let given_sockets = of_runtimes().chain(of_sockets()).chain(of_unix_sockets());
    let given_a_network = of_executors()
        .chain(of_networks())
        .chain(of_streams())
        .chain(of_two_way_streams());
    given_sockets.map(Case::id).chain(given_a_network.map(Case::id))
}
