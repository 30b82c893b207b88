//! One thread, and a task that uses a primitive without a pause: how late does a neighbour's timer come?

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use asyncband::event::ManualResetEvent;
use bowline_benches::{Bench, Contender};
use bowline_sync::{Event, Limiter, Mutex, Rate, RateLimiter};
use tokio::{runtime::Builder, task::JoinHandle};

const LONG: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(1);
const ROUNDS: usize = 3;
const MANY: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("it is not zero");

macro_rules! hammered {
    ($runtime:expr, $name:literal, $make:expr, |$it:ident| $once:expr) => {
        Contender::counted($name, $runtime, || async {
            let shared = $make;
            let $it = &shared;
            let neighbour = Neighbour::spawn().await;
            while neighbour.began.elapsed() < LONG {
                $once;
            }
            neighbour.worst_tick().await
        })
    };
}

pub(crate) fn compare(bench: &mut Bench) {
    let runtime = &Builder::new_current_thread().enable_time().build().expect("a runtime can be built");
    let contenders = vec![
        hammered!(runtime, "bowline Mutex", Mutex::new(0u64), |it| *it.lock().await += 1),
        hammered!(runtime, "bowline Limiter", Limiter::new(1), |it| drop(it.acquire().await)),
        hammered!(runtime, "bowline Event", set(), |it| it.wait().await),
        hammered!(runtime, "bowline RateLimiter", RateLimiter::with_burst(Rate::per_second(MANY), MANY), |it| it
            .acquire()
            .await),
        hammered!(runtime, "tokio Mutex", tokio::sync::Mutex::new(0u64), |it| *it.lock().await += 1),
        hammered!(runtime, "async-lock Mutex", async_lock::Mutex::new(0u64), |it| *it.lock().await += 1),
        hammered!(runtime, "asyncband ManualResetEvent", ManualResetEvent::with_state(true), |it| it.wait().await),
    ];
    bench.compare(
        "current_thread: a neighbour's worst tick of 1 ms, beside a task that never pauses",
        "ms",
        ROUNDS,
        contenders,
    );
}

fn set() -> Event {
    let event = Event::new();
    event.set();
    event
}

/// A task that wants to tick.
struct Neighbour {
    began: Instant,
    stop: Arc<AtomicBool>,
    ticking: JoinHandle<Duration>,
}

impl Neighbour {
    /// It has had its first turn.
    async fn spawn() -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let ticking = tokio::spawn(async move {
            let (mut last, mut worst) = (Instant::now(), Duration::ZERO);
            // Relaxed: one thread.
            while !stopped.load(Ordering::Relaxed) {
                tokio::time::sleep(TICK).await;
                worst = worst.max(last.elapsed());
                last = Instant::now();
            }
            worst
        });
        tokio::task::yield_now().await;
        Neighbour { began: Instant::now(), stop, ticking }
    }

    /// The longest time between two ticks, in milliseconds.
    async fn worst_tick(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.ticking.await.expect("it does not panic").as_secs_f64() * 1e3
    }
}
