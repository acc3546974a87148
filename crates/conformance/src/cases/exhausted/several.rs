//! Several listeners of one process, whose loops run side by side where the runtime has threads.

use std::sync::{Arc, Barrier};
use std::thread;

use anynet_core::BoxListener;
use anynet_util::Server;

use super::{Clients, Filled, Served, address, elsewhere, is_alone, is_answered};
use crate::Context;
use crate::case::cases;

cases![a_listener_does_not_serve_its_client_in_the_place_of_anothers_reserve,];

async fn a_listener_does_not_serve_its_client_in_the_place_of_anothers_reserve(context: Context) {
    const LISTENERS: usize = 8;
    const ROUNDS: usize = 20;
    let case = "a_listener_does_not_serve_its_client_in_the_place_of_anothers_reserve";
    if !is_alone(&context, case).await {
        return;
    }
    let (mut listeners, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..LISTENERS {
        let listener = context.listener().await;
        clients.push(Clients::new(&address(&listener), ROUNDS));
        listeners.push(BoxListener::new(listener));
    }
    let served = Served::start_server(&context, Server::over(listeners));
    let begin = Arc::new(Barrier::new(LISTENERS + 1));
    let knock = |mut clients: Clients| {
        let begin = begin.clone();
        thread::spawn(move || {
            // Before there is no descriptor: with the first allocation of a thread glibc opens a file, and a place that is
            // lent would do for it.
            let mut told = Vec::with_capacity(ROUNDS);
            begin.wait();
            for _ in 0..ROUNDS {
                let client = clients.connect();
                assert!(!is_answered(&client), "nothing is left to serve it with");
                told.push(client); // or there would be descriptors again
            }
            told
        })
    };
    let knocking: Vec<_> = clients.into_iter().map(knock).collect();
    context.settle().await;
    let mut filled = Filled::new(0);
    // An accept that finds nobody has a descriptor as long as it lasts (Linux), and eight of them may be under way.
    for _ in 0..10 {
        context.settle().await;
        filled.fill();
    }
    let told = elsewhere(&context, move || {
        begin.wait();
        let told = knocking.into_iter().map(|told| told.join().expect("none hangs"));
        told.collect::<Vec<_>>()
    })
    .await;
    let statistics = served.handle.statistics();
    assert_eq!(
        statistics.accepted, 0,
        "a place that was lent is no place to stay"
    );
    drop((filled, told));
    served.end(&context).await;
}
