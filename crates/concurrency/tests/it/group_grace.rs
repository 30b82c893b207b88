//! Cooperative cleanup: what a body and children that ask make of the grace of their scope.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Reason, ScopeError, Spawner, TaskGroup, cancelled, is_cancelled, scope, try_scope};
use bowline_testing::Polled;
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{Census, Owes, finish, on_both, paused, stays_pending};

/// No test waits for it but those on a paused clock.
const GRACE: Duration = Duration::from_secs(3600);

type Outcome<T> = Result<T, ScopeError<&'static str>>;

#[test]
fn tg_15_cancellation_that_the_body_turns_into_an_error_is_that_error() {
    on_both(|| async {
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group| {
                let spawner = group.spawner();
                drop(group.spawn(async move { spawner.cancel("outside") }));
                cancelled().await;
                yield_now().await;
                Err("made of a cancellation")
            })
            .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not only cancelled") };
        assert!(matches!(errors.cancelled_by(), Some(Reason::Explicit(message)) if message == "outside"));
        assert_eq!(errors.into_vec(), ["made of a cancellation"]);
    });
}

#[test]
fn tg_16_failed_cleanup_of_the_body_is_returned_beside_the_failure_of_a_child() {
    on_both(|| async {
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group| {
                drop(group.named("child").try_spawn(async { Err::<(), _>("no route") }));
                let reason = cancelled().await;
                assert!(matches!(reason, Reason::SiblingFailed));
                Err("cannot clean up")
            })
            .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not only cancelled") };
        let named: Vec<_> = errors.named().collect();
        assert_eq!(named, [(Some("child"), &"no route"), (Some("the body"), &"cannot clean up")]);
    });
}

#[test]
fn tg_21_children_that_spawn_without_end_are_all_refused_after_a_failure() {
    type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Where a test that fails stops.
    const MANY: usize = 100_000;
    /// Ends only when it is refused: within the grace nobody else ends it.
    fn breed(spawner: Spawner<&'static str>, born: Arc<AtomicUsize>) -> BoxFuture {
        Box::pin(async move {
            while spawner.spawn(breed(spawner.clone(), born.clone())).is_ok() {
                match born.fetch_add(1, SeqCst) {
                    100 => spawner.try_spawn(async { Err::<(), _>("enough") }).unwrap(),
                    n if n > MANY => return,
                    _ => yield_now().await,
                }
            }
        })
    }
    on_both(|| async {
        let born = Arc::new(AtomicUsize::new(0));
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group| {
                drop(group.spawn(breed(group.spawner(), born.clone())));
                pending().await
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "enough");
        assert!((100..MANY).contains(&born.load(SeqCst)), "they were not refused");
    });
}

#[test]
fn tg_31_failure_and_a_cancellation_from_outside_are_both_seen() {
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |outer| {
                let spawner = outer.spawner();
                drop(outer.spawn(async move {
                    let inner = try_scope(async |inner: &TaskGroup<u32>| {
                        drop(inner.try_spawn(async move {
                            spawner.cancel("outside");
                            Err::<(), _>(1)
                        }));
                        pending::<Result<(), u32>>().await
                    })
                    .await;
                    // The failure is reported, and the cancellation is still there.
                    let _ = tell.send((inner, cancelled().await));
                }));
                pending().await
            })
            .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(Reason::Explicit(message))) if message == "outside"));
        let (inner, reason) = told.await.unwrap();
        assert_eq!(inner.unwrap_err().into_first().unwrap(), 1);
        assert!(matches!(reason, Reason::Explicit(message) if message == "outside"));
    });
}

#[test]
fn tg_67_own_error_of_the_body_wins_over_the_cancellation() {
    on_both(|| async {
        // In the same poll, and after an answer.
        for answers in [false, true] {
            let (give, given) = oneshot::channel::<Spawner<_>>();
            let (fail, gate) = oneshot::channel();
            let mut open =
                Polled::new(TaskGroup::builder().grace(GRACE).try_scope(async |group| -> Result<(), &str> {
                    assert!(is_cancelled().is_none());
                    let _ = give.send(group.spawner());
                    let _ = gate.await;
                    if answers {
                        cancelled().await;
                    }
                    Err("its own")
                }));
            open.assert_pending();
            given.await.unwrap().cancel("outside");
            fail.send(()).unwrap();
            assert!(open.is_woken());
            let ScopeError::Failed(errors) = open.assert_ready().unwrap_err() else { panic!("failed, not cancelled") };
            assert_eq!(errors.into_vec(), ["its own"]);
        }
    });
}

#[test]
fn tg_76_scope_that_waits_for_stragglers_goes_on_waiting_when_it_is_cancelled() {
    on_both(|| async {
        let census = Census::default();
        let (open, gate) = oneshot::channel::<()>();
        let (give, given) = oneshot::channel::<Spawner<&'static str>>();
        let (tell, told) = oneshot::channel();
        let straggler = census.enter();
        let mut outer = Polled::new(TaskGroup::builder().grace(GRACE).try_scope(async |outer| -> Result<(), &str> {
            let _ = give.send(outer.spawner());
            drop(outer.spawn(async move {
                scope(async |inner| {
                    drop(inner.spawn(async move {
                        let _here = straggler;
                        let _ = gate.await;
                    }));
                })
                .await;
                let _ = tell.send(is_cancelled());
            }));
            pending().await
        }));
        stays_pending(&mut outer).await;
        given.await.unwrap().cancel("while it waits");
        stays_pending(&mut outer).await;
        assert_eq!(census.alive(), 1, "the straggler goes on");
        open.send(()).unwrap();
        assert!(matches!(finish(&mut outer).await, Err(ScopeError::Cancelled(_))));
        assert!(told.await.unwrap().is_some(), "the cancellation is seen afterwards");
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_76_stragglers_of_a_scope_that_is_dropped_while_it_waits_are_waited_for_further_up() {
    on_both(|| async {
        let census = Census::default();
        let (open, gate) = oneshot::channel();
        let (up, is_up) = oneshot::channel();
        let owes = Owes::new(census.enter(), gate);
        let mut outer = Polled::new(try_scope(async |outer: &TaskGroup<&'static str>| {
            drop(outer.spawn(scope(async |inner| {
                drop(inner.spawn(async move {
                    let _owes = owes;
                    let _ = up.send(());
                    pending::<()>().await;
                }));
            })));
            is_up.await.unwrap();
            Err::<(), _>("cancels the one inside")
        }));
        stays_pending(&mut outer).await;
        open.send(()).unwrap();
        assert!(finish(&mut outer).await.is_err());
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn body_that_never_asks_is_dropped_at_once_in_spite_of_the_grace() {
    paused(async {
        let started = Instant::now();
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group| {
                group.cancel("enough");
                sleep(Duration::from_secs(1)).await;
                unreachable!("it has not asked");
            })
            .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        assert_eq!(started.elapsed(), Duration::ZERO);
    });
}

#[test]
fn grace_ends_for_the_body_and_for_the_children() {
    paused(async {
        let census = Census::default();
        let started = Instant::now();
        let result: Outcome<()> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group| {
                let (here, inside) = (census.enter(), census.enter());
                drop(group.spawn(async move {
                    let _inside = inside;
                    pending::<()>().await;
                }));
                group.cancel("enough");
                cancelled().await;
                let _here = here;
                pending().await
            })
            .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        assert_eq!((census.alive(), started.elapsed()), (0, GRACE));
    });
}

#[test]
fn children_of_a_dropped_scope_have_their_grace_and_the_scope_around_waits() {
    paused(async {
        let census = Census::default();
        let (tell, told) = oneshot::channel();
        let started = Instant::now();
        scope(async |_| {
            let mut lost = Polled::new(TaskGroup::builder().grace(GRACE).scope(async |group| {
                let inside = census.enter();
                drop(group.spawn(async move {
                    let _inside = inside;
                    let reason = cancelled().await;
                    sleep(Duration::from_secs(1)).await;
                    let _ = tell.send(reason);
                    pending::<()>().await;
                }));
                pending::<()>().await;
            }));
            lost.assert_pending();
            yield_now().await;
        })
        .await;
        assert_eq!((census.alive(), started.elapsed()), (0, GRACE));
        assert!(matches!(told.await.unwrap(), Reason::OwnerDropped), "it has cleaned up");
    });
}
