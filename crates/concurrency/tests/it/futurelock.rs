//! Futurelock: a future that is kept and not polled holds a lock, or the next place in its line, and nobody comes to take it.
//!
//! The name is from Oxide's RFD 609. No type of this crate can prevent it: whoever borrows a future decides whether it is polled.
//! What the crate gives: a deadline around that is kept, and tasks, which go on without anybody polling them.

use std::{future::pending, pin::pin, sync::Arc, time::Duration};

use bowline_concurrency::{Elapsed, Scope, hand_off, scope, timeout};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, oneshot},
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{on_both, paused};

type Lock = Arc<Mutex<u32>>;

/// Somebody else's task that holds the lock until the sender is dropped.
async fn held(lock: &Lock) -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel::<()>();
    let (up, locked) = oneshot::channel();
    let lock = lock.clone();
    tokio::spawn(async move {
        let _guard = lock.lock().await;
        up.send(()).unwrap();
        let _ = released.await;
    });
    locked.await.unwrap();
    release
}

/// The case of the RFD: the borrowed future has its place in the line when the other branch wins and locks the same mutex.
async fn futurelock(lock: &Lock, release: oneshot::Sender<()>) -> u32 {
    let mut waiting = pin!(async { *lock.lock().await });
    tokio::select! {
        biased;
        _ = &mut waiting => unreachable!("somebody holds the lock"),
        () = async { drop(release) } => {
            // The lock goes to `waiting`, which nobody polls any more.
            *lock.lock().await
        }
    }
}

#[test]
fn borrowed_future_in_the_line_for_a_lock_deadlocks_and_the_timeout_around_is_on_time() {
    paused(async {
        let lock = Lock::default();
        let release = held(&lock).await;
        let began = Instant::now();
        let elapsed = timeout(Duration::from_secs(60), futurelock(&lock, release)).await.unwrap_err();
        assert_eq!(began.elapsed(), Duration::from_secs(60));
        assert!(elapsed.stragglers().is_empty(), "the borrowed future went with the body: {elapsed}");
        assert_eq!(*lock.lock().await, 0, "and so did its place in the line");
    });
    on_both(|| async {
        let lock = Lock::default();
        let release = held(&lock).await;
        assert!(timeout(Duration::from_millis(20), futurelock(&lock, release)).await.is_err());
        assert_eq!(*lock.lock().await, 0);
    });
}

#[test]
fn release_that_needs_a_lock_of_an_unpolled_future_is_named_when_its_budget_is_over() {
    paused(async {
        let lock = Lock::default();
        // It has the lock, and is kept outside of the timeout by a caller who does not poll it meanwhile.
        let mut keeps = Box::pin(async {
            let _guard = lock.lock().await;
            pending::<()>().await;
        });
        tokio::select! { biased; () = &mut keeps => unreachable!(), () = async {} => {} }
        let began = Instant::now();
        let work = timeout(Duration::from_secs(1), async {
            let lock = lock.clone();
            hand_off(&Handle::current(), "write the footer", async move { *lock.lock().await += 1 });
            pending::<()>().await;
        });
        let elapsed: Elapsed = work.settle_within(Duration::from_secs(3)).await.unwrap_err();
        assert_eq!(began.elapsed(), Duration::from_secs(4));
        assert_eq!(elapsed.stragglers(), ["write the footer"]);
        drop(keeps);
        assert_eq!(*lock.lock().await, 1, "what was left has gone on");
    });
}

#[test]
fn child_in_the_line_for_a_lock_takes_it_and_gives_it_on() {
    on_both(|| async {
        let lock = Lock::default();
        let release = held(&lock).await;
        let sum = scope(async |group| {
            let (queued, in_line) = oneshot::channel();
            let copy = lock.clone();
            let mut waiting = group.spawn(async move {
                let mut line = pin!(copy.lock());
                tokio::select! { biased; _ = &mut line => unreachable!(), () = async {} => {} }
                queued.send(()).unwrap();
                let mut guard = line.await;
                *guard += 1;
                *guard
            });
            in_line.await.unwrap();
            tokio::select! {
                biased;
                _ = &mut waiting => unreachable!("somebody holds the lock"),
                () = async { drop(release) } => {
                    let before = { *lock.lock().await };
                    before + waiting.await
                }
            }
        });
        let sum = timeout(Duration::from_secs(15), sum).await.expect("no deadlock");
        assert_eq!(sum, 2);
    });
}

/// Takes the lock, and works for five minutes with it.
async fn works(lock: Lock) -> OwnedMutexGuard<u32> {
    let mut guard = lock.lock_owned().await;
    sleep(Duration::from_secs(300)).await;
    *guard += 1;
    guard
}

#[test]
fn timeout_in_a_loop_around_a_borrowed_future_that_has_the_lock_deadlocks_the_caller_who_wants_it() {
    paused(async {
        let lock = Lock::default();
        let mut future = pin!(works(lock.clone()));
        let caller = async {
            while timeout(Duration::from_secs(60), &mut future).await.is_err() {
                // "Still waiting", and a look at what there is: the future that has the lock is not polled here.
                drop(lock.lock().await);
            }
        };
        let began = Instant::now();
        assert!(timeout(Duration::from_secs(3600), caller).await.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(3600));
        // It holds the lock as long as it is kept. Polled again, it goes on.
        assert!(lock.try_lock().is_err());
        drop(future.await);
        assert_eq!(*lock.lock().await, 1);
    });
}

#[test]
fn timeout_in_a_loop_around_a_child_that_has_the_lock_lets_the_caller_have_it() {
    paused(async {
        let lock = Lock::default();
        let began = Instant::now();
        let looks = scope(async |group| {
            let mut task = group.spawn({
                let lock = lock.clone();
                async move { drop(works(lock).await) }
            });
            let mut looks = 0;
            while timeout(Duration::from_secs(60), &mut task).await.is_err() {
                drop(lock.lock().await); // The child goes on meanwhile, and gives it back.
                looks += 1;
            }
            looks
        });
        assert_eq!(looks.await, 1);
        assert_eq!(began.elapsed(), Duration::from_secs(300));
        assert_eq!(*lock.lock().await, 1);
    });
}

#[test]
fn background_task_that_has_the_lock_goes_on_when_its_handle_is_not_polled() {
    on_both(|| async {
        let lock = Lock::default();
        scope(async |_| {
            let tasks = bowline_concurrency::BackgroundTasks::new();
            let (up, locked) = oneshot::channel();
            let copy = lock.clone();
            let work = async move {
                let mut guard = copy.lock().await;
                up.send(Scope::try_current().is_some()).unwrap();
                yield_now().await;
                *guard += 1;
            };
            let mut handle = tasks.spawn("works", work).unwrap();
            tokio::select! {
                biased;
                _ = &mut handle => {}
                inside = locked => assert!(inside.unwrap()),
            }
            assert_eq!(*lock.lock().await, 1);
        })
        .await;
    });
}
