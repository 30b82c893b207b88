//! Events: asked, set, and set for a thousand.

use std::{hint::black_box, sync::Arc, time::Duration};

use asyncband::event::ManualResetEvent;
use bowline_benches::{Bench, Contender, ROUNDS, clocked, time};
use bowline_sync::Event;
use tokio::{
    runtime::Runtime,
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

const TIMES: u32 = 200_000;
const WAITERS: u32 = 1_000;

async fn repeat(once: impl AsyncFn()) -> Duration {
    time(async {
        for _ in 0..TIMES {
            once().await;
        }
    })
    .await
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline Event", runtime, TIMES, || async {
            let event = Event::new();
            event.set();
            repeat(async || black_box(&event).wait().await).await
        }),
        Contender::timed("asyncband ManualResetEvent", runtime, TIMES, || async {
            let event = ManualResetEvent::with_state(true);
            repeat(async || black_box(&event).wait().await).await
        }),
        Contender::timed("tokio watch, wait_for", runtime, TIMES, || async {
            let (_sender, receiver) = watch::channel(true);
            time(async {
                let mut receiver = receiver;
                for _ in 0..TIMES {
                    drop(black_box(&mut receiver).wait_for(|set| *set).await);
                }
            })
            .await
        }),
        Contender::timed("CancellationToken", runtime, TIMES, || async {
            let token = CancellationToken::new();
            token.cancel();
            repeat(async || black_box(&token).cancelled().await).await
        }),
    ];
    bench.compare(&format!("{flavour}: wait for an event that is set"), "ns per wait", ROUNDS, contenders);

    let contenders = vec![
        Contender::timed("bowline Event", runtime, TIMES, || async {
            let event = Event::new();
            repeat(async || black_box(&event).set()).await
        }),
        Contender::timed("asyncband ManualResetEvent", runtime, TIMES, || async {
            let event = ManualResetEvent::new();
            repeat(async || black_box(&event).set()).await
        }),
        Contender::timed("tokio Notify, notify_waiters", runtime, TIMES, || async {
            let event = Notify::new();
            repeat(async || black_box(&event).notify_waiters()).await
        }),
        Contender::timed("tokio watch, send_replace", runtime, TIMES, || async {
            let (event, _receiver) = watch::channel(false);
            repeat(async || drop(black_box(&event).send_replace(true))).await
        }),
        Contender::timed("event-listener, notify all", runtime, TIMES, || async {
            let event = event_listener::Event::new();
            repeat(async || drop(black_box(&event).notify(usize::MAX))).await
        }),
    ];
    bench.compare(&format!("{flavour}: set an event, nobody waits"), "ns per set", ROUNDS, contenders);

    let contenders = vec![
        Contender::timed("bowline Event", runtime, TIMES, || async {
            let event = Event::new();
            repeat(async || {
                black_box(&event).set();
                black_box(&event).clear();
            })
            .await
        }),
        Contender::timed("asyncband ManualResetEvent", runtime, TIMES, || async {
            let event = ManualResetEvent::new();
            repeat(async || {
                black_box(&event).set();
                black_box(&event).reset();
            })
            .await
        }),
    ];
    bench.compare(&format!("{flavour}: set and clear an event, nobody waits"), "ns for both", ROUNDS, contenders);

    let contenders = vec![
        Contender::timed("bowline Event", runtime, WAITERS, || {
            let event = Arc::new(Event::new());
            let set = event.clone();
            wake_all(move || wait(event.clone(), async |event| event.wait().await), move || set.set())
        }),
        Contender::timed("asyncband ManualResetEvent", runtime, WAITERS, || {
            let event = Arc::new(ManualResetEvent::new());
            let set = event.clone();
            wake_all(move || wait(event.clone(), async |event| event.wait().await), move || set.set())
        }),
        Contender::timed("tokio Notify", runtime, WAITERS, || {
            let event = Arc::new(Notify::new());
            let set = event.clone();
            wake_all(move || wait(event.clone(), async |event| event.notified().await), move || set.notify_waiters())
        }),
        Contender::timed("tokio watch", runtime, WAITERS, || {
            let (event, receiver) = watch::channel(false);
            wake_all(
                move || {
                    let mut receiver = receiver.clone();
                    async move { drop(receiver.wait_for(|set| *set).await) }
                },
                move || drop(event.send_replace(true)),
            )
        }),
        Contender::timed("event-listener", runtime, WAITERS, || {
            let event = Arc::new(event_listener::Event::new());
            let set = event.clone();
            wake_all(move || wait(event.clone(), async |event| event.listen().await), move || {
                set.notify(usize::MAX);
            })
        }),
        Contender::timed("CancellationToken", runtime, WAITERS, || {
            let token = CancellationToken::new();
            let set = token.clone();
            wake_all(move || token.clone().cancelled_owned(), move || set.cancel())
        }),
    ];
    bench.compare(&format!("{flavour}: wake 1,000 tasks"), "ns per task", ROUNDS, contenders);
}

async fn wait<E>(event: Arc<E>, wait: impl AsyncFnOnce(&E)) {
    wait(&event).await;
}

/// From the setting until the last task has ended.
async fn wake_all<F>(wait: impl Fn() -> F, set: impl FnOnce()) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..WAITERS {
        tasks.spawn(wait());
    }
    // Each of them has its turn, and waits.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    clocked(async {
        set();
        tasks.join_all().await;
    })
    .await
    .0
}
