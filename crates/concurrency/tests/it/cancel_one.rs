//! Cancelling one task, or somebody else's group, and waiting until it is gone.

use std::time::Duration;

use bowline_concurrency::{
    BackgroundTasks, Reason, Scope, ScopeError, Spawner, TaskGroup, cancelled, hand_off, scope, timeout,
};
use bowline_testing::DropLog;
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::support::{Census, LONG, SlowDrop, forever, on_both, on_drop, timed};

type Group = TaskGroup<&'static str>;

#[test]
fn cs_17_cancel_and_wait_returns_when_the_target_has_settled() {
    on_both(|| async {
        let census = Census::default();
        let (tell, told) = oneshot::channel();
        scope(async |outer| {
            let (give, given) = oneshot::channel::<Spawner<&str>>();
            let inside = SlowDrop::new(census.enter());
            let target = outer.spawn(TaskGroup::builder().name("target").grace(LONG).try_scope(
                async move |group: &Group| -> Result<(), _> {
                    drop(group.spawn(async move {
                        let _inside = inside;
                        tell.send(cancelled().await).unwrap();
                        yield_now().await; // A long cancellation: it cleans up with awaits.
                    }));
                    let _ = give.send(group.spawner());
                    forever().await
                },
            ));
            given.await.unwrap().cancel_and_wait("enough").await;
            assert_eq!(census.alive(), 0, "the target is not gone");
            // Its cancellation is not ours: we go on, and read it as a value.
            let Err(ScopeError::Cancelled(Reason::Explicit(why))) = target.await else { panic!("it was cancelled") };
            assert_eq!(why, "enough");
        })
        .await;
        assert!(matches!(told.await.unwrap(), Reason::Explicit(_)));
    });
}

#[test]
fn cs_17_own_cancellation_of_the_one_who_waits_passes() {
    timed(|scale| async move {
        let (release, released) = oneshot::channel::<()>();
        scope(async move |outer| {
            let (give, given) = oneshot::channel::<Spawner<&str>>();
            let target = outer.spawn(TaskGroup::builder().grace(LONG).try_scope(async move |group: &Group| {
                drop(group.spawn(async move {
                    cancelled().await;
                    let _ = released.await; // Resists until it is told.
                }));
                let _ = give.send(group.spawner());
                forever::<Result<(), _>>().await
            }));
            let spawner = given.await.unwrap();
            let waiting = timeout(scale.units(1), spawner.cancel_and_wait("enough")).named("ours");
            assert_eq!(waiting.await.unwrap_err().deadline().name(), Some("ours"));
            assert!(!target.is_finished());
            release.send(()).unwrap();
            assert!(target.await.is_err());
        })
        .await;
    });
}

#[test]
fn cs_19_cancelled_task_of_somebody_else_is_a_value() {
    // Our rule: `cancel` consumes the handle, so that no cancelled task is left to be awaited. It gives `None`: a value, not a cancellation
    // of the one who awaits it.
    on_both(|| async {
        let census = Census::default();
        let sum = scope(async |group| {
            let inside = SlowDrop::new(census.enter());
            let endless = group.spawn(async move {
                let _inside = inside;
                forever::<u32>().await
            });
            let sibling = group.spawn(async {
                yield_now().await;
                7
            });
            yield_now().await;
            assert_eq!(endless.cancel().await, None);
            assert_eq!(census.alive(), 0, "it is still there");
            sibling.await + 1 // Nobody else was cancelled.
        });
        assert_eq!(sum.await, 8);

        let tasks = BackgroundTasks::new();
        let endless = tasks.spawn("endless", forever::<u32>()).unwrap();
        assert_eq!(endless.cancel().await, None);
        assert_eq!(tasks.spawn("sibling", async { 7 }).unwrap().await, Some(7));
    });
}

#[test]
fn cs_19_cancel_waits_for_what_the_task_leaves_behind() {
    struct Lease(Option<oneshot::Sender<()>>);
    impl Drop for Lease {
        fn drop(&mut self) {
            let released = self.0.take().unwrap();
            hand_off(&Handle::current(), "release", async move {
                yield_now().await;
                released.send(()).unwrap();
            });
        }
    }
    on_both(|| async {
        scope(async |group| {
            let ((released, mut seen), (up, ready)) = (oneshot::channel(), oneshot::channel());
            let holder = group.spawn(async move {
                let _lease = Lease(Some(released));
                up.send(()).unwrap();
                forever::<()>().await;
            });
            ready.await.unwrap();
            assert_eq!(holder.cancel().await, None);
            assert!(seen.try_recv().is_ok(), "the release has not ended");
        })
        .await;
    });
}

#[test]
fn cs_20_cancel_of_a_finished_task_has_no_effect() {
    on_both(|| async {
        let value = scope(async |group| {
            let finished = group.spawn(async { 7 });
            while !finished.is_finished() {
                yield_now().await;
            }
            finished.cancel().await
        });
        assert_eq!(value.await, Some(7));

        let tasks = BackgroundTasks::new();
        let finished = tasks.spawn("finished", async { 7 }).unwrap();
        while !finished.is_finished() {
            yield_now().await;
        }
        assert_eq!(finished.cancel().await, Some(7));
    });
}

#[test]
fn cs_22_locals_of_a_cancelled_task_are_dropped_promptly_in_reverse_order() {
    on_both(|| async {
        let log = DropLog::default();
        scope(async |group| {
            let (up, ready) = oneshot::channel();
            let (first, second) = (log.probe("first"), log.probe("second"));
            let task = group.spawn(async move {
                let _first = first;
                let _second = second;
                up.send(()).unwrap();
                forever::<()>().await;
            });
            ready.await.unwrap();
            assert_eq!(task.cancel().await, None);
            assert_eq!(log.drops(), ["second", "first"]);
        })
        .await;

        let log = DropLog::default();
        let (first, second) = (log.probe("first"), log.probe("second"));
        let expired = timeout(Duration::from_millis(1), async move {
            let _first = first;
            let _second = second;
            forever::<()>().await;
        });
        assert!(expired.await.is_err());
        assert_eq!(log.drops(), ["second", "first"]);
    });
}

#[test]
fn task_cancelled_after_its_group_was_is_gone_all_the_same() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                let endless = group.spawn(forever::<u32>());
                assert!(bowline_concurrency::is_cancelled().is_none());
                group.cancel("stop");
                Ok(endless.cancel().await)
            })
            .await;
        assert_eq!(result.unwrap(), None);
    });
}

#[test]
fn cancellation_of_a_finished_task_that_nobody_awaits_keeps_no_scope_in_memory() {
    on_both(|| async {
        let census = Census::default();
        let kept = census.enter();
        scope(async move |group| {
            // The observer goes with the scope.
            Scope::current().observe_failures(move |failure| panic!("{failure}, {kept:?}"));
            let task = group.spawn(async {});
            while !task.is_finished() {
                yield_now().await;
            }
            drop(task.cancel());
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn cancelled_child_whose_destructor_panics_fails_the_group() {
    on_both(|| async {
        let failed = tokio::spawn(scope(async |group| {
            let (tell, told) = oneshot::channel();
            let child = group.spawn(async move {
                let _bad = on_drop(|| panic!("in a destructor"));
                let _ = tell.send(());
                forever::<()>().await
            });
            told.await.unwrap();
            child.cancel().await
        }));
        assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"in a destructor"));
    });
}
