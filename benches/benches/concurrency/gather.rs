//! Many futures in one task, outputs in order: ready at once, after one yield, after a timer.

use std::{hint::black_box, time::Duration};

use bowline_benches::{Bench, Contender, ROUNDS, Yields, time};
use bowline_concurrency::gather;
use futures_concurrency::future::Join;
use futures_util::{StreamExt, stream};
use tokio::{runtime::Runtime, time::sleep};

/// How many futures there are in one sample, in gathers of `size`.
const TOTAL: u32 = 100_000;
const SIZES: [u32; 3] = [10, 1_000, 100_000];

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    for size in SIZES {
        let title = |work: &str| format!("{flavour}: gather of {size} futures, {work}");
        rows(bench, &title("ready"), runtime, size, TOTAL, ready);
        rows(bench, &title("one yield each"), runtime, size, TOTAL, yields);
        // Each gather waits for its timers: a millisecond, whatever the size. Fewer of the small ones.
        rows(bench, &title("a timer each"), runtime, size, size.max(TOTAL / 1_000), sleeps);
    }
}

async fn ready(number: u32) -> u32 {
    black_box(number)
}

async fn yields(number: u32) -> u32 {
    Yields(1).await;
    number
}

async fn sleeps(number: u32) -> u32 {
    sleep(Duration::from_micros(100)).await;
    number
}

fn rows<F>(bench: &mut Bench, title: &str, runtime: &Runtime, size: u32, total: u32, work: fn(u32) -> F)
where
    F: Future<Output = u32> + Send + 'static,
{
    let all = move || (0..size).map(work);
    let contenders = vec![
        Contender::timed("bowline gather", runtime, total, move || repeat(total / size, move || gather(all()))),
        Contender::timed("futures-buffered join_all", runtime, total, move || {
            repeat(total / size, move || futures_buffered::join_all(all()))
        }),
        Contender::timed("futures join_all", runtime, total, move || {
            repeat(total / size, move || futures_util::future::join_all(all()))
        }),
        futures_concurrency(runtime, size, total, work),
        Contender::timed("buffer_unordered, order lost", runtime, total, move || {
            repeat(total / size, move || stream::iter(all()).buffer_unordered(size as usize).collect::<Vec<_>>())
        }),
    ];
    bench.compare(title, "ns per future", ROUNDS, contenders);
}

/// It looks at all keys after every wake: a gather of 100,000 that yield once takes minutes.
fn futures_concurrency<F>(runtime: &Runtime, size: u32, total: u32, work: fn(u32) -> F) -> Contender<'_>
where
    F: Future<Output = u32> + Send + 'static,
{
    let name = "futures-concurrency join";
    if size > 10_000 {
        return Contender::new(name, || Err("quadratic: minutes for 100,000 that are woken one by one".to_owned()));
    }
    Contender::timed(name, runtime, total, move || {
        repeat(total / size, move || (0..size).map(work).collect::<Vec<_>>().join())
    })
}

async fn repeat<F: Future>(times: u32, make: impl Fn() -> F) -> Duration {
    time(async {
        for _ in 0..times {
            black_box(make().await);
        }
    })
    .await
}
