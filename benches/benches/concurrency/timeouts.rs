//! A timeout around one future, whose limit is never reached.

use std::{
    future::{Ready, ready},
    hint::black_box,
    sync::Arc,
    time::Duration,
};

use bowline_benches::{Bench, Contender, ROUNDS, Yields, time};
use bowline_concurrency::timeout;
use tokio::{runtime::Runtime, sync::Notify};

const TIMES: u32 = 100_000;
const WAKES: u32 = 20_000;
const LIMIT: Duration = Duration::from_secs(5);

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline timeout", runtime, TIMES, || time(ours_ready(TIMES))),
        Contender::timed("tokio timeout", runtime, TIMES, || time(tokio_ready(TIMES))),
    ];
    bench.compare(&format!("{flavour}: timeout around a ready future"), "ns per timeout", ROUNDS, contenders);

    let contenders = vec![
        Contender::timed("bowline timeout", runtime, TIMES, || time(repeat(TIMES, || timeout(LIMIT, Yields(1))))),
        Contender::timed("tokio timeout", runtime, TIMES, || {
            time(repeat(TIMES, || tokio::time::timeout(LIMIT, Yields(1))))
        }),
        Contender::timed("no timeout", runtime, TIMES, || time(repeat(TIMES, || Yields(1)))),
    ];
    bench.compare(
        &format!("{flavour}: timeout around a future that yields once"),
        "ns per timeout",
        ROUNDS,
        contenders,
    );

    let contenders = vec![
        Contender::timed("bowline timeout", runtime, WAKES, || answered(|peer| timeout(LIMIT, peer.ask()))),
        Contender::timed("tokio timeout", runtime, WAKES, || answered(|peer| tokio::time::timeout(LIMIT, peer.ask()))),
        Contender::timed("no timeout", runtime, WAKES, || answered(Peer::ask)),
    ];
    let title = format!("{flavour}: timeout around a future that parks and is woken by another task");
    bench.compare(&title, "ns per timeout", ROUNDS, contenders);
}

pub(crate) async fn ours_ready(times: u32) {
    repeat(times, || timeout(LIMIT, black_box_ready())).await;
}

pub(crate) async fn tokio_ready(times: u32) {
    repeat(times, || tokio::time::timeout(LIMIT, black_box_ready())).await;
}

fn black_box_ready() -> Ready<u32> {
    black_box(ready(1))
}

async fn repeat<F: Future>(times: u32, make: impl Fn() -> F) {
    for _ in 0..times {
        black_box(make().await);
    }
}

/// A task that answers each question at once.
#[derive(Default)]
struct Peer {
    question: Notify,
    answer: Notify,
}

impl Peer {
    async fn ask(self: Arc<Self>) {
        self.question.notify_one();
        self.answer.notified().await;
    }

    async fn serve(self: Arc<Self>) {
        loop {
            self.question.notified().await;
            self.answer.notify_one();
        }
    }
}

async fn answered<F: Future>(ask: impl Fn(Arc<Peer>) -> F) -> Duration {
    let peer = Arc::new(Peer::default());
    let serving = tokio::spawn(peer.clone().serve());
    let took = time(repeat(WAKES, || ask(peer.clone()))).await;
    serving.abort();
    took
}
