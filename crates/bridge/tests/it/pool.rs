//! Calls from beginning to end.

use std::{
    error::Error,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Wake},
    thread::{self, Thread},
    time::Duration,
};

use bowline_bridge::{BlockingPool, BuildError};
use bowline_concurrency::{hand_off, scope, timeout};
use bowline_testing::{DropLog, assert_cancel_safe, hold_clock, on_both_runtimes, poll_once};
use tokio::{runtime::Handle, sync::oneshot};

use crate::gate::{begin, gated, run_until_gate, single};

#[test]
fn br_01_values_and_errors_come_back() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        assert_eq!(pool.run(|_| 42).await?, 42);
        let failed: Result<(), io::Error> = pool.run(|_| Err(io::Error::other("full"))).await?;
        assert_eq!(failed.unwrap_err().to_string(), "full");
        Ok::<_, Box<dyn Error>>(())
    });
}

#[test]
fn br_01_a_panic_is_resumed_in_the_caller_and_the_thread_lives_on() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        let call = tokio::spawn(pool.run(|_| -> u8 { std::panic::panic_any("payload") }));
        let payload = call.await.expect_err("the task panicked").into_panic();
        assert_eq!(payload.downcast_ref(), Some(&"payload"));
        assert_eq!(pool.run(|_| thread::current().name().map(str::to_owned)).await.unwrap().as_deref(), Some("db-0"));
    });
}

#[test]
fn br_02_the_closure_runs_in_the_runtime_and_below_the_scope_of_its_caller() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        let released = Arc::new(AtomicUsize::new(0));
        let count = released.clone();
        scope(async |_| {
            let here = Handle::current().id();
            let id = pool.run(move |_| {
                let runtime = Handle::current();
                hand_off(&runtime, "a release", async move {
                    tokio::task::yield_now().await;
                    count.fetch_add(1, Ordering::Relaxed);
                });
                runtime.id()
            });
            assert_eq!(id.await.unwrap(), here);
        })
        .await;
        assert_eq!(released.load(Ordering::Relaxed), 1, "the scope waited for what the closure handed off");
    });
}

#[test]
fn br_07_no_more_calls_run_than_there_are_threads() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = BlockingPool::builder().threads(2).queue(100).build().unwrap();
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        scope(async |group| {
            for _ in 0..50 {
                let (now, peak) = (now.clone(), peak.clone());
                drop(group.spawn(pool.run(move |_| {
                    peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                })));
            }
        })
        .await;
        assert!((1..=2).contains(&peak.load(Ordering::SeqCst)));
    });
}

#[test]
fn br_07_an_abandoned_call_holds_its_thread_and_its_place() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let (mut call, mut gate) = gated(&pool);
        run_until_gate(&mut call, &mut gate).await;
        drop(call);
        assert_eq!((pool.statistics().running, pool.statistics().queued), (1, 0));
        assert!(pool.try_run(|_| ()).unwrap_err().is_full());

        let next = begin(pool.run(|_| "next"));
        gate.open();
        assert_eq!(next.await, Ok("next"));
    });
}

#[test]
fn callers_wait_for_places_in_order_and_a_cancelled_one_loses_only_its_own() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let (mut first, mut gate) = gated(&pool);
        run_until_gate(&mut first, &mut gate).await;

        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting: Vec<_> = (0..5)
            .map(|n| {
                let order = order.clone();
                begin(pool.run(move |_| order.lock().unwrap().push(n)))
            })
            .collect();
        drop(waiting.remove(2));
        assert_eq!(pool.statistics().queued, 0, "they wait without a place");

        gate.open();
        assert_eq!(first.await, Ok(false));
        scope(async |group| {
            for call in waiting {
                drop(group.spawn(call));
            }
        })
        .await;
        assert_eq!(*order.lock().unwrap(), [0, 1, 3, 4]);
    });
}

#[test]
fn queued_calls_run_in_the_order_of_their_acceptance() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(5);
        let (mut first, mut gate) = gated(&pool);
        run_until_gate(&mut first, &mut gate).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let queued: Vec<_> = (0..5)
            .map(|n| {
                let order = order.clone();
                begin(pool.run(move |_| order.lock().unwrap().push(n)))
            })
            .collect();
        gate.open();
        for call in queued {
            call.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_queued_call_whose_caller_has_gone_never_runs_and_leaves_at_once() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        let (mut first, mut gate) = gated(&pool);
        run_until_gate(&mut first, &mut gate).await;

        let log = DropLog::default();
        let probe = log.probe("closure");
        let queued = begin(pool.run(move |_| {
            drop(probe);
            unreachable!("its caller has gone");
        }));
        assert_eq!(pool.statistics().queued, 1);
        drop(queued);
        assert_eq!(log.count("closure"), 1, "dropped with its caller, while the thread is busy");
        assert_eq!(pool.statistics().queued, 0);
        let place = pool.try_run(|_| "in its place").expect("its place is free at once");

        gate.open();
        assert_eq!(first.await, Ok(false));
        assert_eq!(place.await, Ok("in its place"));
    });
}

#[test]
fn cancelled_at_every_await_point_a_call_loses_no_place_and_no_thread() {
    let visited = assert_cancel_safe(
        async || {
            let clock = hold_clock();
            let pool = single(0);
            let ran = Arc::new(AtomicUsize::new(0));
            let (calls, counter) = (pool.clone(), ran.clone());
            let future = async move {
                // The second one waits for the place of the first, and that for the gate.
                let (open, opened) = mpsc::channel::<()>();
                let first = calls.run(move |_| opened.recv().is_err());
                let second = calls.run(move |_| counter.fetch_add(1, Ordering::Relaxed));
                let opener = async {
                    tokio::task::yield_now().await;
                    drop(open);
                };
                assert_eq!(tokio::join!(first, second, opener), (Ok(true), Ok(0), ()));
            };
            (future, (pool, ran, clock))
        },
        async |(pool, ran, _clock)| {
            pool.idle().await;
            assert!(ran.load(Ordering::Relaxed) <= 1);
            assert_eq!(pool.try_run(|_| 1).expect("the place is free").await, Ok(1));
        },
    );
    visited.at_least(2);
}

#[test]
fn br_22_idle_resolves_when_nothing_runs_and_counts_are_readable() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        pool.idle().await;
        let (mut running, mut gate) = gated(&pool);
        run_until_gate(&mut running, &mut gate).await;
        let queued = begin(pool.run(|_| ()));
        let statistics = pool.statistics();
        assert_eq!((statistics.threads, statistics.running, statistics.queued), (1, 1, 1));

        let mut idle = pin!(pool.idle());
        assert!(poll_once(idle.as_mut()).is_pending());
        drop(queued);
        assert!(poll_once(idle.as_mut()).is_pending());
        gate.open();
        assert_eq!(running.await, Ok(false));
        assert_eq!(pool.statistics().running, 0, "a caller that has its answer sees the thread free");
        idle.await;
    });
}

#[test]
fn a_call_that_was_never_polled_never_runs() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        drop(pool.run(|_| unreachable!("never polled")));
        drop(pool.try_run(|_| unreachable!("never polled")).unwrap());
        assert_eq!(pool.run(|_| 1).await, Ok(1));
    });
}

#[test]
fn a_pool_can_live_in_a_static() {
    static POOL: LazyLock<BlockingPool> =
        LazyLock::new(|| BlockingPool::builder().threads(1).build().expect("a thread can be started"));
    on_both_runtimes(async || {
        let _clock = hold_clock();
        assert_eq!(POOL.run(|_| 1).await, Ok(1));
    });
}

#[test]
fn a_pool_that_cannot_be_built_says_why() {
    let no_threads = BlockingPool::builder().threads(0).build().unwrap_err();
    assert!(matches!(no_threads, BuildError::NoThreads));
    assert_eq!(no_threads.to_string(), "a pool of no threads runs nothing: ask for one at least");
    assert!(matches!(BlockingPool::builder().name("a\0b").build().unwrap_err(), BuildError::Name));
    BlockingPool::builder().threads(1).queue(usize::MAX).build().expect("as long as can be counted");
}

#[test]
fn many_callers_on_two_runtimes_of_different_threads_all_get_their_own_answer() {
    let pool = BlockingPool::builder().threads(3).queue(2).build().unwrap();
    let runtimes: Vec<_> = (0..2u64)
        .map(|runtime| {
            let pool = pool.clone();
            thread::spawn(move || {
                let current = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                current.block_on(scope(async |group| {
                    let calls: Vec<_> = (0..200).map(|n| group.spawn(pool.run(move |_| runtime * 1000 + n))).collect();
                    for (n, call) in (0..).zip(calls) {
                        assert_eq!(call.await, Ok(runtime * 1000 + n));
                    }
                }));
            })
        })
        .collect();
    for runtime in runtimes {
        runtime.join().unwrap();
    }
}

#[test]
fn a_deadline_names_the_call_that_it_leaves_behind() {
    on_both_runtimes(async || {
        let clock = hold_clock();
        let pool = single(0);
        let (call, mut gate) = gated(&pool);
        let mut call = call.named("vacuum");
        run_until_gate(&mut call, &mut gate).await;
        drop(clock);
        let elapsed = timeout(Duration::from_millis(10), call).settle_within(Duration::ZERO).await.unwrap_err();
        assert_eq!(elapsed.stragglers(), ["db: vacuum"]);
        gate.open();
    });
}

#[test]
fn dropping_a_runtime_does_not_wait_for_a_running_call() {
    let pool = single(0);
    let (begin, begun) = oneshot::channel();
    let (open, opened) = mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let call = pool.run(move |_| {
            let _ = begin.send(());
            opened.recv().is_err()
        });
        drop(tokio::spawn(call));
        begun.await.unwrap();
    });
    drop(runtime);
    assert_eq!(pool.statistics().running, 1);
    drop(open);
    block_on(pin!(pool.idle()));
}

/// Waits on this thread, without a runtime: the pool needs none.
fn block_on(mut future: Pin<&mut impl Future<Output = ()>>) {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(thread::current())).into();
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}
