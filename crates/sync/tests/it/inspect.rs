//! The feature `inspect`: the tree shows who waits and who holds. The switch is the process's, and only ever switched on here; every test looks for its own.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use bowline_concurrency::{
    Tree, inspect,
    inspect::{Hint, HintKind, ResourceInfo, TreeHold, TreeWait, WaitsFor},
    scope, tree,
};
use bowline_sync::{
    Admission, Barrier, Borrower, Condition, Event, KeyedLock, Limiter, Mutex, PartitionedLimiter, Rate, RateLimiter,
};
use bowline_testing::all_blocked;
use tokio::{
    runtime::Builder,
    time::{advance, sleep},
};

use crate::support::ByHand;

const HERE: &str = "tests/it/inspect.rs";

/// With a clock that stands still until everybody waits.
fn paused(case: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(case);
}

fn task(tree: &Tree, name: &str) -> u64 {
    let found = tree.tasks().iter().find(|task| task.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no task {name} in {tree:#}")).id
}

fn is_ours(resource: &ResourceInfo, kind: &str, line: u32) -> bool {
    resource.kind == kind && resource.location.file().ends_with(HERE) && resource.location.line() == line
}

/// Waits for the thing of this kind that was made in this line.
fn waits(tree: &Tree, kind: &str, line: u32) -> Vec<TreeWait> {
    let meant = |wait: &&TreeWait| matches!(&wait.on, WaitsFor::Resource(resource) if is_ours(resource, kind, line));
    tree.waits().iter().filter(meant).cloned().collect()
}

fn holds(tree: &Tree, kind: &str, line: u32) -> Vec<TreeHold> {
    tree.holds().iter().filter(|hold| is_ours(&hold.resource, kind, line)).cloned().collect()
}

#[test]
fn the_tree_shows_who_holds_a_limiter_and_who_waits_since_when() {
    paused(async {
        inspect(true);
        let (limiter, line) = (Arc::new(Limiter::new(1)), line!());
        scope(async |group| {
            let (held, waits_too) = (Arc::clone(&limiter), Arc::clone(&limiter));
            let holder = group.named("limiter holder").spawn(async move {
                let permit = held.acquire().await;
                tokio::time::sleep(Duration::from_secs(5)).await;
                drop(permit);
            });
            all_blocked().await;
            let waiter = group.named("limiter waiter").spawn(async move { drop(waits_too.acquire_owned().await) });
            all_blocked().await;
            advance(Duration::from_secs(3)).await;
            let seen = tree();
            let (holds_now, waits_now) = (holds(&seen, "limiter", line), waits(&seen, "limiter", line));
            assert_eq!(holds_now.len(), 1, "{seen:#}");
            assert_eq!(holds_now[0].holder, Some(task(&seen, "limiter holder")));
            assert_eq!(waits_now.len(), 1, "{seen:#}");
            assert_eq!(waits_now[0].waiter, Some(task(&seen, "limiter waiter")));
            assert!(waits_now[0].granted.is_none());
            for since in [holds_now[0].since, waits_now[0].since] {
                assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&since), "{since:?}");
            }
            holder.await;
            waiter.await;
        })
        .await;
        let after = tree();
        assert!(holds(&after, "limiter", line).is_empty() && waits(&after, "limiter", line).is_empty(), "{after:#}");
    });
}

#[test]
fn every_way_to_a_permit_shows_while_it_waits_and_while_it_holds() {
    paused(async {
        inspect(true);
        let (limiter, line) = (Arc::new(Limiter::new(0)), line!());
        let (many, worker) = (NonZeroUsize::MIN, Borrower::new());
        let one = ByHand::new(limiter.acquire()).waits();
        let owned = ByHand::new(limiter.acquire_owned()).waits();
        let large = ByHand::new(limiter.acquire_many(many)).waits();
        let large_owned = ByHand::new(limiter.acquire_many_owned(many)).waits();
        let named = ByHand::new(limiter.acquire_as(&worker)).waits();
        let cancelled = ByHand::new(limiter.acquire()).waits();
        assert_eq!(waits(&tree(), "limiter", line).len(), 6);
        drop(cancelled);
        assert_eq!(waits(&tree(), "limiter", line).len(), 5);
        limiter.set_capacity(6);
        assert!(waits(&tree(), "limiter", line).iter().all(|wait| wait.granted.is_some()));
        let permits = (one.finish(), owned.finish(), large.finish(), large_owned.finish(), named.finish());
        let tried = limiter.try_acquire().unwrap();
        let seen = tree();
        assert_eq!((waits(&seen, "limiter", line).len(), holds(&seen, "limiter", line).len()), (0, 6));
        drop((permits, tried));
        assert!(holds(&tree(), "limiter", line).is_empty());
    });
}

#[test]
fn a_permit_granted_to_a_future_that_is_kept_is_a_futurelock() {
    paused(async {
        inspect(true);
        let (limiter, line) = (Arc::new(Limiter::new(1)), line!());
        let held = limiter.try_acquire().unwrap();
        scope(async |group| {
            let (keeps, behind) = (Arc::clone(&limiter), Arc::clone(&limiter));
            let keeper = group.named("keeps a permit unpolled").spawn(async move {
                let mut kept = std::pin::pin!(keeps.acquire());
                // One branch of a `select!` that is left half-way, and not dropped.
                std::future::poll_fn(|cx| {
                    assert!(kept.as_mut().poll(cx).is_pending());
                    std::task::Poll::Ready(())
                })
                .await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
            all_blocked().await;
            let behind = group.named("behind it").spawn(async move { drop(behind.acquire().await) });
            all_blocked().await;
            drop(held);
            all_blocked().await;
            let hint = |tree: &Tree| -> Option<Hint> {
                let culprit = task(tree, "keeps a permit unpolled");
                let hints = tree.hints(Duration::from_secs(1)).into_iter();
                hints.filter(|hint| hint.kind == HintKind::Futurelock).find(|hint| hint.about.first() == Some(&culprit))
            };
            assert!(hint(&tree()).is_none(), "not yet");
            advance(Duration::from_secs(2)).await;
            let seen = tree();
            let said = hint(&seen).unwrap_or_else(|| panic!("{seen:#}"));
            assert!(said.text.contains("was granted the limiter #") && said.text.contains("behind it"), "{said}");
            assert!(said.text.contains(&format!("{HERE}:{line}")), "{said}");
            assert!(said.about.contains(&task(&seen, "behind it")));
            keeper.await;
            behind.await;
        })
        .await;
    });
}

#[test]
fn the_tree_shows_who_waits_for_an_event_since_when() {
    paused(async {
        inspect(true);
        let (event, line) = (Arc::new(Event::new()), line!());
        scope(async |group| {
            let waits_for = Arc::clone(&event);
            let waiter = group.named("event waiter").spawn(async move { waits_for.wait().await });
            all_blocked().await;
            advance(Duration::from_secs(2)).await;
            let seen = tree();
            let waits_now = waits(&seen, "event", line);
            assert_eq!(waits_now.len(), 1, "{seen:#}");
            assert_eq!(waits_now[0].waiter, Some(task(&seen, "event waiter")));
            assert!(waits_now[0].since >= Duration::from_secs(2));
            event.set();
            waiter.await;
            assert!(waits(&tree(), "event", line).is_empty());
        })
        .await;
    });
}

#[test]
fn the_tree_shows_who_is_inside_a_mutex_and_who_waits_for_it() {
    paused(async {
        inspect(true);
        let (mutex, line) = (Mutex::new(()), line!());
        let (condition, condition_line) = (Condition::new(), line!());
        let seen = || {
            let tree = tree();
            let waits_for = |kind, line| waits(&tree, kind, line).len();
            (waits_for("condition", condition_line), waits_for("mutex", line), holds(&tree, "mutex", line).len())
        };
        let back = ByHand::new(condition.wait(mutex.try_lock().unwrap())).waits();
        assert_eq!(seen(), (1, 0, 0));
        let held = mutex.try_lock().unwrap();
        let waiter = ByHand::new(mutex.lock()).waits();
        condition.notify_one();
        let back = back.waits();
        assert_eq!(seen(), (0, 2, 1));
        drop(held);
        assert!(waits(&tree(), "mutex", line).iter().any(|wait| wait.granted.is_some()));
        drop(waiter.finish());
        let guard = back.finish();
        assert_eq!(seen(), (0, 0, 1));
        drop(guard);
        assert_eq!(seen(), (0, 0, 0));
    });
}

/// One task does `first`, for five seconds, and another one does `then`, which waits for that. The tree shows since when, and in the end nothing.
async fn shows<T: Send + Sync + 'static, F, G>(
    (kind, line, is_held): (&'static str, u32, bool),
    thing: T,
    first: impl FnOnce(Arc<T>) -> F,
    then: impl FnOnce(Arc<T>) -> G,
) where
    F: Future<Output = ()> + Send + 'static,
    G: Future<Output = ()> + Send + 'static,
{
    let thing = Arc::new(thing);
    let names = [format!("first at line {line}"), format!("then at line {line}")];
    let about = || {
        let seen = tree();
        let (holds, waits) = (holds(&seen, kind, line), waits(&seen, kind, line));
        (seen, holds, waits)
    };
    scope(async |group| {
        let first = group.named(names[0].clone()).spawn(first(Arc::clone(&thing)));
        all_blocked().await;
        advance(Duration::from_secs(1)).await;
        let then = group.named(names[1].clone()).spawn(then(Arc::clone(&thing)));
        all_blocked().await;
        advance(Duration::from_secs(2)).await;
        let (seen, holds_now, waits_now) = about();
        let waits_since: Vec<_> = waits_now.iter().map(|wait| (wait.waiter, wait.since.as_secs())).collect();
        assert_eq!(waits_since, [(Some(task(&seen, &names[1])), 2)], "{seen:#}");
        assert!(waits_now[0].granted.is_none(), "{seen:#}");
        let holds_since: Vec<_> = holds_now.iter().map(|hold| (hold.holder, hold.since.as_secs())).collect();
        let expected = if is_held { vec![(Some(task(&seen, &names[0])), 3)] } else { Vec::new() };
        assert_eq!(holds_since, expected, "{seen:#}");
        first.await;
        then.await;
    })
    .await;
    let (seen, holds, waits) = about();
    assert!(holds.is_empty() && waits.is_empty(), "{seen:#}");
}

const FIVE: Duration = Duration::from_secs(5);

#[test]
fn the_tree_shows_who_holds_a_mutex_and_who_waits() {
    paused(async {
        inspect(true);
        let (mutex, line) = (Mutex::new(0), line!());
        let first = |mutex: Arc<Mutex<i32>>| async move {
            let _guard = mutex.lock().await;
            sleep(FIVE).await;
        };
        let then = |mutex: Arc<Mutex<i32>>| async move { *mutex.lock().await += 1 };
        shows(("mutex", line, true), mutex, first, then).await;
    });
}

#[test]
fn a_task_that_waits_for_a_mutex_which_it_holds_is_a_circle() {
    paused(async {
        inspect(true);
        let (mutex, line) = (Arc::new(Mutex::new(0)), line!());
        scope(async |group| {
            let own = Arc::clone(&mutex);
            let stuck = group.named("waits for its own mutex").spawn(async move {
                let _guard = own.lock().await;
                _ = tokio::time::timeout(FIVE, own.lock()).await;
            });
            all_blocked().await;
            advance(Duration::from_secs(2)).await;
            let seen = tree();
            let culprit = task(&seen, "waits for its own mutex");
            let hints = seen.hints(Duration::from_secs(1));
            let circle = hints.iter().find(|hint| hint.kind == HintKind::Circle && hint.about.contains(&culprit));
            let circle = circle.unwrap_or_else(|| panic!("{seen:#}"));
            assert!(circle.text.contains("mutex #") && circle.text.contains(&format!("{HERE}:{line}")), "{circle}");
            stuck.await;
        })
        .await;
        let after = tree();
        assert!(holds(&after, "mutex", line).is_empty() && waits(&after, "mutex", line).is_empty(), "{after:#}");
    });
}

#[test]
fn the_tree_shows_who_waits_for_a_condition() {
    paused(async {
        inspect(true);
        let (both, line) = ((Mutex::new(0), Condition::new()), line!());
        let first = |both: Arc<(Mutex<i32>, Condition)>| async move {
            sleep(FIVE).await;
            both.1.notify_one();
        };
        let then = |both: Arc<(Mutex<i32>, Condition)>| async move { drop(both.1.wait(both.0.lock().await).await) };
        shows(("condition", line, false), both, first, then).await;
        let after = tree();
        assert!(holds(&after, "mutex", line).is_empty(), "the guard went with the wait: {after:#}");
    });
}

#[test]
fn the_tree_shows_who_holds_the_lock_of_a_key_and_who_waits() {
    paused(async {
        inspect(true);
        let (locks, line) = (KeyedLock::new(), line!());
        let first = |locks: Arc<KeyedLock<u8>>| async move {
            let _guard = locks.lock(0).await;
            sleep(FIVE).await;
        };
        let then = |locks: Arc<KeyedLock<u8>>| async move { drop(locks.lock_owned(0).await) };
        shows(("keyed lock", line, true), locks, first, then).await;
    });
}

#[test]
fn the_tree_shows_who_waits_for_a_rate() {
    paused(async {
        inspect(true);
        let (limiter, line) = (RateLimiter::new(Rate::per_minute(NonZeroU32::MIN)), line!());
        let first = |limiter: Arc<RateLimiter>| async move { limiter.acquire().await };
        let then = |limiter: Arc<RateLimiter>| async move { limiter.acquire().await };
        shows(("rate limiter", line, false), limiter, first, then).await;
    });
}

#[test]
fn the_tree_shows_who_is_admitted_and_who_waits() {
    paused(async {
        inspect(true);
        let (admission, line) = (Admission::new(1, Rate::per_second(NonZeroU32::MIN)), line!());
        let first = |admission: Arc<Admission>| async move {
            let _permit = admission.acquire().await;
            sleep(FIVE).await;
        };
        let then = |admission: Arc<Admission>| async move { drop(admission.acquire_owned().await) };
        shows(("admission", line, true), admission, first, then).await;
    });
}

#[test]
fn the_tree_shows_who_holds_a_permit_of_a_partitioned_limiter_and_who_waits() {
    paused(async {
        inspect(true);
        let (limiter, line) = (PartitionedLimiter::new(1), line!());
        let first = |limiter: Arc<PartitionedLimiter<u8>>| async move {
            let _permit = limiter.acquire(0).await;
            sleep(FIVE).await;
        };
        let then = |limiter: Arc<PartitionedLimiter<u8>>| async move { drop(limiter.acquire_owned(1).await) };
        shows(("partitioned limiter", line, true), limiter, first, then).await;
    });
}

#[test]
fn the_tree_shows_who_waits_at_a_barrier() {
    paused(async {
        inspect(true);
        let (barrier, line) = (Barrier::new(NonZeroUsize::MIN.saturating_add(1)), line!());
        let first = |barrier: Arc<Barrier>| async move {
            sleep(FIVE).await;
            assert!(barrier.wait().await.is_ok());
        };
        let then = |barrier: Arc<Barrier>| async move { assert!(barrier.wait().await.is_ok()) };
        shows(("barrier", line, false), barrier, first, then).await;
    });
}
