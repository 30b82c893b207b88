//! Mutexes and semaphores, alone and fought for.

use std::{hint::black_box, sync::Arc, time::Duration};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_sync::{Limiter, Mutex};
use tokio::{runtime::Runtime, task::JoinSet};

const TIMES: u32 = 200_000;
const TASKS: u32 = 8;
const TIMES_EACH: u32 = 20_000;

/// Runs `$once` again and again in one task: the code is the same for everybody, the types are not.
macro_rules! alone {
    ($name:literal, $runtime:expr, $make:expr, $once:expr) => {
        Contender::timed($name, $runtime, TIMES, || async {
            let it = $make;
            time(async {
                for _ in 0..TIMES {
                    $once(black_box(&it)).await;
                }
            })
            .await
        })
    };
}

/// The same by eight tasks at once.
macro_rules! together {
    ($name:literal, $runtime:expr, $make:expr, $once:expr) => {
        Contender::timed($name, $runtime, TASKS * TIMES_EACH, || async {
            let it = Arc::new($make);
            together(|| {
                let it = it.clone();
                async move {
                    for _ in 0..TIMES_EACH {
                        $once(&it).await;
                    }
                }
            })
            .await
        })
    };
}

async fn together<F: Future<Output = ()> + Send + 'static>(work: impl Fn() -> F) -> Duration {
    time(async {
        let mut tasks = JoinSet::new();
        (0..TASKS).for_each(|_| drop(tasks.spawn(work())));
        tasks.join_all().await;
    })
    .await
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        alone!("bowline Mutex", runtime, Mutex::new(0u64), async |it: &Mutex<u64>| *it.lock().await += 1),
        alone!("tokio Mutex", runtime, tokio::sync::Mutex::new(0u64), async |it: &tokio::sync::Mutex<u64>| *it
            .lock()
            .await +=
            1),
        alone!("async-lock Mutex", runtime, async_lock::Mutex::new(0u64), async |it: &async_lock::Mutex<u64>| *it
            .lock()
            .await +=
            1),
        alone!(
            "asyncband Mutex",
            runtime,
            asyncband::mutex::Mutex::new(0u64),
            async |it: &asyncband::mutex::Mutex<u64>| *it.lock().await += 1
        ),
        alone!(
            "parking_lot Mutex (blocks)",
            runtime,
            parking_lot::Mutex::new(0u64),
            async |it: &parking_lot::Mutex<u64>| *it.lock() += 1
        ),
    ];
    bench.compare(&format!("{flavour}: a mutex that nobody else wants"), "ns per lock", ROUNDS, contenders);

    let contenders = vec![
        together!("bowline Mutex", runtime, Mutex::new(0u64), async |it: &Mutex<u64>| *it.lock().await += 1),
        together!("tokio Mutex", runtime, tokio::sync::Mutex::new(0u64), async |it: &tokio::sync::Mutex<u64>| *it
            .lock()
            .await +=
            1),
        together!("async-lock Mutex", runtime, async_lock::Mutex::new(0u64), async |it: &async_lock::Mutex<u64>| *it
            .lock()
            .await +=
            1),
        together!(
            "asyncband Mutex",
            runtime,
            asyncband::mutex::Mutex::new(0u64),
            async |it: &asyncband::mutex::Mutex<u64>| *it.lock().await += 1
        ),
        together!(
            "parking_lot Mutex (blocks)",
            runtime,
            parking_lot::Mutex::new(0u64),
            async |it: &parking_lot::Mutex<u64>| *it.lock() += 1
        ),
    ];
    bench.compare(&format!("{flavour}: 8 tasks, a short section each"), "ns per lock", ROUNDS, contenders);

    let contenders = vec![
        alone!("bowline Limiter", runtime, Limiter::new(1), async |it: &Limiter| drop(it.acquire().await)),
        alone!("tokio Semaphore", runtime, tokio::sync::Semaphore::new(1), async |it: &tokio::sync::Semaphore| drop(
            it.acquire().await
        )),
        alone!(
            "async-lock Semaphore",
            runtime,
            async_lock::Semaphore::new(1),
            async |it: &async_lock::Semaphore| drop(it.acquire().await)
        ),
        alone!(
            "asyncband Semaphore",
            runtime,
            asyncband::semaphore::Semaphore::new(1),
            async |it: &asyncband::semaphore::Semaphore| drop(it.acquire(1).await)
        ),
    ];
    bench.compare(&format!("{flavour}: a permit that nobody else wants"), "ns per permit", ROUNDS, contenders);

    let contenders = vec![
        together!("bowline Limiter", runtime, Limiter::new(2), async |it: &Limiter| {
            let _permit = it.acquire().await;
            tokio::task::yield_now().await;
        }),
        together!("tokio Semaphore", runtime, tokio::sync::Semaphore::new(2), async |it: &tokio::sync::Semaphore| {
            let _permit = it.acquire().await;
            tokio::task::yield_now().await;
        }),
        together!(
            "async-lock Semaphore",
            runtime,
            async_lock::Semaphore::new(2),
            async |it: &async_lock::Semaphore| {
                let _permit = it.acquire().await;
                tokio::task::yield_now().await;
            }
        ),
        together!(
            "asyncband Semaphore",
            runtime,
            asyncband::semaphore::Semaphore::new(2),
            async |it: &asyncband::semaphore::Semaphore| {
                let _permit = it.acquire(1).await;
                tokio::task::yield_now().await;
            }
        ),
    ];
    let title = format!("{flavour}: 8 tasks, 2 permits, held across a yield");
    bench.compare(&title, "ns per permit", ROUNDS, contenders);
}
