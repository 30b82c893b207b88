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

/// Does `$once` again and again in one task. A macro, so that a future may borrow what it waits for.
macro_rules! repeated {
    ($name:literal, $runtime:expr, $make:expr, |$it:ident| $once:expr) => {
        Contender::timed($name, $runtime, TIMES, || async {
            #[allow(unused_mut, reason = "some are used by themselves, some by a reference")]
            let mut it = $make;
            time(async {
                for _ in 0..TIMES {
                    let $it = black_box(&mut it);
                    $once;
                }
            })
            .await
        })
    };
}

/// A future that owns what it waits for.
macro_rules! waiting {
    ($event:ident, $wait:expr) => {
        move || {
            let $event = $event.clone();
            async move { $wait.await }
        }
    };
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        repeated!("bowline Event", runtime, set(Event::new(), Event::set), |it| it.wait().await),
        repeated!("asyncband ManualResetEvent", runtime, ManualResetEvent::with_state(true), |it| it.wait().await),
        repeated!("tokio watch, wait_for", runtime, watch::channel(true), |it| drop(it.1.wait_for(|set| *set).await)),
        repeated!("CancellationToken", runtime, set(CancellationToken::new(), CancellationToken::cancel), |it| it
            .cancelled()
            .await),
    ];
    bench.compare(&format!("{flavour}: wait for an event that is set"), "ns per wait", ROUNDS, contenders);

    let contenders = vec![
        repeated!("bowline Event", runtime, Event::new(), |it| it.set()),
        repeated!("asyncband ManualResetEvent", runtime, ManualResetEvent::new(), |it| it.set()),
        repeated!("tokio Notify, notify_waiters", runtime, Notify::new(), |it| it.notify_waiters()),
        repeated!("tokio watch, send_replace", runtime, watch::channel(true), |it| {
            it.0.send_replace(true);
        }),
        repeated!("event-listener, notify all", runtime, event_listener::Event::<()>::new(), |it| {
            it.notify(usize::MAX);
        }),
    ];
    bench.compare(&format!("{flavour}: set an event, nobody waits"), "ns per set", ROUNDS, contenders);

    let contenders = vec![
        repeated!("bowline Event", runtime, Event::new(), |it| {
            it.set();
            it.clear();
        }),
        repeated!("asyncband ManualResetEvent", runtime, ManualResetEvent::new(), |it| {
            it.set();
            it.reset();
        }),
    ];
    bench.compare(&format!("{flavour}: set and clear an event, nobody waits"), "ns for both", ROUNDS, contenders);

    let contenders = vec![
        Contender::timed("bowline Event", runtime, WAITERS, || {
            let event = Arc::new(Event::new());
            let set = event.clone();
            wake_all(waiting!(event, event.wait()), move || set.set())
        }),
        Contender::timed("asyncband ManualResetEvent", runtime, WAITERS, || {
            let event = Arc::new(ManualResetEvent::new());
            let set = event.clone();
            wake_all(waiting!(event, event.wait()), move || set.set())
        }),
        Contender::timed("tokio Notify", runtime, WAITERS, || {
            let event = Arc::new(Notify::new());
            let set = event.clone();
            wake_all(waiting!(event, event.notified()), move || set.notify_waiters())
        }),
        Contender::timed("tokio watch", runtime, WAITERS, || {
            let (event, receiver) = watch::channel(false);
            wake_all(
                move || {
                    let mut receiver = receiver.clone();
                    async move { drop(receiver.wait_for(|set| *set).await) }
                },
                move || {
                    event.send_replace(true);
                },
            )
        }),
        Contender::timed("event-listener", runtime, WAITERS, || {
            let event = Arc::new(event_listener::Event::<()>::new());
            let set = event.clone();
            wake_all(waiting!(event, event.listen()), move || {
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

fn set<E>(event: E, set: impl Fn(&E)) -> E {
    set(&event);
    event
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
