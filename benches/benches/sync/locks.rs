//! Mutexes and semaphores, alone and fought for.

use std::{hint::black_box, sync::Arc};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_sync::{Limiter, Mutex};
use tokio::{
    runtime::Runtime,
    task::{JoinSet, yield_now},
};

const TIMES: u32 = 20_000;

/// Uses a lock again and again, in so many tasks: the code is the same for everybody, the types are not.
macro_rules! ways {
    ($tasks:expr, $runtime:expr, $($name:literal: $make:expr, |$it:ident| $once:expr;)*) => {
        vec![$(Contender::timed($name, $runtime, TIMES * $tasks, move || async move {
            let shared = Arc::new($make);
            time(async {
                let mut tasks = JoinSet::new();
                for _ in 0..$tasks {
                    let shared = shared.clone();
                    tasks.spawn(async move {
                        for _ in 0..TIMES {
                            let $it = black_box(&*shared);
                            $once;
                        }
                    });
                }
                tasks.join_all().await;
            })
            .await
        })),*]
    };
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    for (tasks, title) in [(1, "a mutex that nobody else wants"), (8, "8 tasks, a short section each")] {
        let contenders = ways! { tasks, runtime,
            "bowline Mutex": Mutex::new(0u64), |it| *it.lock().await += 1;
            "tokio Mutex": tokio::sync::Mutex::new(0u64), |it| *it.lock().await += 1;
            "async-lock Mutex": async_lock::Mutex::new(0u64), |it| *it.lock().await += 1;
            "asyncband Mutex": asyncband::mutex::Mutex::new(0u64), |it| *it.lock().await += 1;
            "parking_lot Mutex (blocks)": parking_lot::Mutex::new(0u64), |it| *it.lock() += 1;
        };
        bench.compare(&format!("{flavour}: {title}"), "ns per lock", ROUNDS, contenders);
    }

    let contenders = ways! { 1, runtime,
        "bowline Limiter": Limiter::new(1), |it| drop(it.acquire().await);
        "tokio Semaphore": tokio::sync::Semaphore::new(1), |it| drop(it.acquire().await);
        "async-lock Semaphore": async_lock::Semaphore::new(1), |it| drop(it.acquire().await);
        "asyncband Semaphore": asyncband::semaphore::Semaphore::new(1), |it| drop(it.acquire(1).await);
    };
    bench.compare(&format!("{flavour}: a permit that nobody else wants"), "ns per permit", ROUNDS, contenders);

    let contenders = ways! { 8, runtime,
        "bowline Limiter": Limiter::new(2), |it| { let _permit = it.acquire().await; yield_now().await; };
        "tokio Semaphore": tokio::sync::Semaphore::new(2), |it| { let _permit = it.acquire().await; yield_now().await; };
        "async-lock Semaphore": async_lock::Semaphore::new(2), |it| { let _permit = it.acquire().await; yield_now().await; };
        "asyncband Semaphore": asyncband::semaphore::Semaphore::new(2), |it| { let _permit = it.acquire(1).await; yield_now().await; };
    };
    let title = format!("{flavour}: 8 tasks, 2 permits, held across a yield");
    bench.compare(&title, "ns per permit", ROUNDS, contenders);
}
