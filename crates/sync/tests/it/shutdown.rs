//! A runtime that ends in the middle of waits, and two runtimes that share one primitive.

use std::{
    future::pending,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bowline_sync::{
    Admission, Barrier, Condition, Event, KeyedLock, KeyedRateLimiter, Latch, Lifecycle, Limiter, Mutex,
    PartitionedLimiter, Rate, RateLimiter, SingleFlight,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
};

/// How many tasks wait when the runtime ends.
const WAITERS: usize = 8;

fn one_in(milliseconds: u64) -> Rate {
    let rate = Rate::new(NonZeroU32::MIN, Duration::from_millis(milliseconds));
    rate.expect("the period is neither zero nor too long")
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built")
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime can be built")
}

/// On each runtime: one task holds, the others wait until `waiting` says so; then the runtime ends, and `is_idle` must say that nothing is left. Then `use_it` must
/// work, in another runtime of each kind.
fn survives<T, H, W, U>(
    primitive: T,
    hold: impl Fn(Arc<T>) -> H,
    wait: impl Fn(Arc<T>) -> W,
    waiting: impl Fn(&T) -> usize,
    is_idle: impl Fn(&T) -> bool,
    use_it: impl Fn(Arc<T>) -> U,
) where
    T: Send + Sync + 'static,
    H: Future<Output = ()> + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
    U: Future<Output = ()>,
{
    let primitive = Arc::new(primitive);
    for runtime in [current_thread, multi_thread] {
        let ends = runtime();
        ends.block_on(async {
            let (holds, held) = tokio::sync::oneshot::channel();
            let holder = hold(Arc::clone(&primitive));
            tokio::spawn(async move {
                let mut holder = std::pin::pin!(holder);
                let first = std::future::poll_fn(|cx| std::task::Poll::Ready(holder.as_mut().poll(cx))).await;
                assert!(first.is_pending(), "whoever holds never ends");
                assert_eq!(holds.send(()), Ok(()));
                holder.await;
            });
            held.await.expect("somebody holds it");
            for _ in 0..WAITERS {
                tokio::spawn(wait(Arc::clone(&primitive)));
            }
            while waiting(&primitive) < WAITERS {
                yield_now().await;
            }
        });
        drop(ends);
        assert_eq!(waiting(&primitive), 0, "somebody still waits");
        assert!(is_idle(&primitive), "something is left");
        assert_eq!(Arc::strong_count(&primitive), 1, "a task is left");
        for runtime in [current_thread, multi_thread] {
            runtime().block_on(use_it(Arc::clone(&primitive)));
            assert!(is_idle(&primitive));
        }
    }
}

#[test]
fn an_event() {
    let wait = |event: Arc<Event>| async move { event.wait().await };
    let use_it = |event: Arc<Event>| async move {
        let waits = tokio::spawn({
            let event = Arc::clone(&event);
            async move { event.wait().await }
        });
        event.set();
        assert!(waits.await.is_ok());
        event.clear();
    };
    survives(Event::new(), |_| pending(), wait, |event| event.statistics().waiting, |event| !event.is_set(), use_it);
}

#[test]
fn a_latch() {
    let hold = |latch: Arc<Latch>| async move {
        let _unused = latch.wait();
        pending().await
    };
    let wait = |latch: Arc<Latch>| async move { latch.wait().await };
    let waiting = |latch: &Latch| latch.statistics().waiting;
    survives(Latch::new(1), hold, wait, waiting, |latch| !latch.is_open(), async |_| {});
}

#[test]
fn the_arrivals_of_tasks_that_never_end_open_a_latch() {
    for runtime in [current_thread, multi_thread] {
        let (latch, ends) = (Arc::new(Latch::new(WAITERS)), runtime());
        for _ in 0..WAITERS {
            let arrival = latch.arrival_owned();
            ends.spawn(async move {
                let _arrival = arrival;
                pending::<()>().await;
            });
        }
        drop(ends);
        runtime().block_on(latch.wait());
    }
}

#[test]
fn a_barrier() {
    const PARTIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(WAITERS);
    let wait = |barrier: Arc<Barrier>| async move { _ = barrier.wait().await };
    let waiting = |barrier: &Barrier| barrier.statistics().waiting;
    let use_it = |barrier: Arc<Barrier>| async move {
        let parties: Vec<_> = (0..PARTIES.get())
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                tokio::spawn(async move { barrier.wait().await.is_ok() })
            })
            .collect();
        for party in parties {
            assert!(party.await.expect("a party never panics"));
        }
    };
    let is_idle = |barrier: &Barrier| !barrier.statistics().is_broken;
    survives(Barrier::new(PARTIES), |_| pending(), wait, waiting, is_idle, use_it);
}

#[test]
fn a_limiter() {
    let hold = |limiter: Arc<Limiter>| async move {
        let _permit = limiter.acquire().await;
        pending().await
    };
    let wait = |limiter: Arc<Limiter>| async move { drop(limiter.acquire_owned().await) };
    let waiting = |limiter: &Limiter| limiter.statistics().waiting;
    let is_idle = |limiter: &Limiter| limiter.statistics().in_use == 0;
    survives(Limiter::new(1), hold, wait, waiting, is_idle, wait);
}

#[test]
fn a_partitioned_limiter() {
    let hold = |limiter: Arc<PartitionedLimiter<u8>>| async move {
        let _permit = limiter.acquire(0).await;
        pending().await
    };
    let wait = |limiter: Arc<PartitionedLimiter<u8>>| async move { drop(limiter.acquire_owned(1).await) };
    let waiting = |limiter: &PartitionedLimiter<u8>| limiter.statistics().waiting;
    let is_idle = |limiter: &PartitionedLimiter<u8>| limiter.statistics().in_use == 0;
    survives(PartitionedLimiter::new(1), hold, wait, waiting, is_idle, wait);
}

#[test]
fn a_mutex() {
    let hold = |mutex: Arc<Mutex<u32>>| async move {
        let _guard = mutex.lock().await;
        pending().await
    };
    let wait = |mutex: Arc<Mutex<u32>>| async move { *mutex.lock().await += 1 };
    let waiting = |mutex: &Mutex<u32>| mutex.statistics().waiting;
    survives(Mutex::new(0), hold, wait, waiting, |mutex| !mutex.statistics().locked, wait);
}

#[test]
fn a_condition() {
    type Both = (Mutex<u32>, Condition);
    let wait = |both: Arc<Both>| async move { drop(both.1.wait(both.0.lock().await).await) };
    let use_it = |both: Arc<Both>| async move {
        let waits = tokio::spawn(wait(Arc::clone(&both)));
        while both.1.statistics().waiting == 0 {
            yield_now().await;
        }
        both.1.notify_one();
        assert!(waits.await.is_ok());
    };
    let is_idle = |both: &Both| !both.0.statistics().locked;
    let waiting = |both: &Both| both.1.statistics().waiting;
    survives((Mutex::new(0), Condition::new()), |_| pending(), wait, waiting, is_idle, use_it);
}

#[test]
fn a_keyed_lock() {
    let hold = |locks: Arc<KeyedLock<u8>>| async move {
        let _guard = locks.lock(0).await;
        pending().await
    };
    let wait = |locks: Arc<KeyedLock<u8>>| async move { drop(locks.lock_owned(0).await) };
    let waiting = |locks: &KeyedLock<u8>| locks.statistics().waiting;
    survives(KeyedLock::new(), hold, wait, waiting, |locks| locks.statistics().keys == 0, wait);
}

/// The first in line owns the timer, and goes away with its runtime: whoever comes next brings its own.
#[test]
fn a_rate_limiter() {
    let hold = |limiter: Arc<RateLimiter>| async move {
        assert_eq!(limiter.try_acquire(), Ok(()));
        limiter.set_rate(one_in(3_600_000));
        pending().await
    };
    let wait = |limiter: Arc<RateLimiter>| async move { limiter.acquire().await };
    let use_it = |limiter: Arc<RateLimiter>| async move {
        limiter.set_rate(one_in(1));
        limiter.acquire().await;
        limiter.acquire().await;
        limiter.acquire().await;
        tokio::time::sleep(limiter.peek()).await;
    };
    let waiting = |limiter: &RateLimiter| limiter.statistics().waiting;
    survives(RateLimiter::new(one_in(1)), hold, wait, waiting, |_| true, use_it);
}

#[test]
fn a_keyed_rate_limiter() {
    // A key for each runtime: its next slot is an hour away.
    let key = AtomicUsize::new(0);
    let hold = |limiter: Arc<KeyedRateLimiter<usize>>| {
        let key = key.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            assert_eq!(limiter.try_acquire(&key), Ok(()));
            pending().await
        }
    };
    let wait = |limiter: Arc<KeyedRateLimiter<usize>>| {
        let key = key.load(Ordering::Relaxed);
        async move { _ = limiter.acquire(&key).await }
    };
    let use_it = |limiter: Arc<KeyedRateLimiter<usize>>| {
        let key = key.fetch_add(1, Ordering::Relaxed) + 1;
        async move { assert_eq!(limiter.acquire(&key).await, Ok(())) }
    };
    let waiting = |limiter: &KeyedRateLimiter<usize>| limiter.statistics().waiting;
    let limiter = KeyedRateLimiter::new(NonZeroUsize::MIN.saturating_add(99), one_in(3_600_000));
    survives(limiter, hold, wait, waiting, |_| true, use_it);
}

#[test]
fn an_admission() {
    let hold = |admission: Arc<Admission>| async move {
        let _permit = admission.acquire().await;
        pending().await
    };
    let wait = |admission: Arc<Admission>| async move { drop(admission.acquire_owned().await) };
    let waiting = |admission: &Admission| admission.statistics().waiting;
    let is_idle = |admission: &Admission| admission.statistics().in_use == 0;
    let many = NonZeroU32::MIN.saturating_add(99);
    survives(Admission::with_burst(1, one_in(1), many), hold, wait, waiting, is_idle, wait);
}

#[test]
fn a_flight() {
    let lead = |flights: Arc<SingleFlight<u8, u32>>| async move { _ = flights.run(0, pending).await };
    let follow = |flights: Arc<SingleFlight<u8, u32>>| async move { _ = flights.run(0, pending).await };
    let use_it = |flights: Arc<SingleFlight<u8, u32>>| async move { assert_eq!(flights.run(0, async || 42).await, 42) };
    let waiting = |flights: &SingleFlight<u8, u32>| flights.statistics().waiting;
    survives(SingleFlight::new(), lead, follow, waiting, |flights| flights.statistics().keys == 0, use_it);
}

#[test]
fn a_worker_that_ends_with_its_runtime_is_told_to_those_who_wait_in_another() {
    for runtime in [current_thread, multi_thread] {
        let (lifecycle, ends, lives) = (Arc::new(Lifecycle::new()), runtime(), multi_thread());
        let worker = lifecycle.begin_owned().expect("it has not begun");
        ends.spawn(async move {
            let _worker = worker;
            pending::<()>().await;
        });
        let waits = lives.spawn({
            let lifecycle = Arc::clone(&lifecycle);
            async move { lifecycle.ready().await }
        });
        drop(ends);
        assert!(lives.block_on(waits).expect("it never panics").is_err());
    }
}

/// Tasks of both runtimes stand in one line; each lets the next one in, whichever runtime that is in.
#[test]
fn two_runtimes_share_one_of_each() {
    static LIMITER: Limiter = Limiter::new(1);
    static MUTEX: Mutex<usize> = Mutex::new(0);
    static LOCKS: KeyedLock<u8> = KeyedLock::new();
    static EVENT: Event = Event::new();
    const ROUNDS: usize = 50;
    let runtimes = [multi_thread(), multi_thread()];
    let tasks: Vec<_> = (0..2 * WAITERS)
        .map(|number| {
            runtimes[number % 2].spawn(async move {
                EVENT.wait().await;
                for _ in 0..ROUNDS {
                    let _permit = LIMITER.acquire().await;
                    assert_eq!(LIMITER.statistics().in_use, 1);
                    yield_now().await;
                }
                for _ in 0..ROUNDS {
                    let _key = LOCKS.lock(0).await;
                    let mut guard = MUTEX.lock().await;
                    let before = *guard;
                    yield_now().await;
                    *guard = before + 1;
                }
            })
        })
        .collect();
    while EVENT.statistics().waiting < 2 * WAITERS {
        std::thread::yield_now();
    }
    EVENT.set();
    for task in tasks {
        runtimes[0].block_on(task).expect("no task panics");
    }
    assert_eq!(*MUTEX.try_lock().expect("nobody has it"), 2 * WAITERS * ROUNDS);
    assert_eq!((LIMITER.statistics().in_use, LIMITER.statistics().waiting, LOCKS.statistics().keys), (0, 0, 0));
}

/// One runtime ends while its task is first in the line, or has been granted what it never takes: the line goes on in the other one.
#[test]
fn the_line_goes_on_in_the_other_runtime() {
    for is_granted in [false, true] {
        let (limiter, ends, lives) = (Arc::new(Limiter::new(1)), current_thread(), multi_thread());
        let held = limiter.try_acquire_owned().expect("it is free");
        let first = Arc::clone(&limiter);
        ends.spawn(async move { drop(first.acquire().await) });
        ends.block_on(yield_now());
        let second = Arc::clone(&limiter);
        let second = lives.spawn(async move { drop(second.acquire().await) });
        while limiter.statistics().waiting < 2 {
            std::thread::yield_now();
        }
        if is_granted {
            // To the first, whose runtime does not run: nobody polls it.
            drop(held);
            assert_eq!(limiter.statistics().waiting, 1);
            drop(ends);
        } else {
            drop(ends);
            assert_eq!(limiter.statistics().waiting, 1);
            drop(held);
        }
        assert!(lives.block_on(second).is_ok());
        assert_eq!((limiter.statistics().in_use, limiter.statistics().waiting), (0, 0));
    }
}
