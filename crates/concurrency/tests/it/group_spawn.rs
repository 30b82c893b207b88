//! Spawning into a group: from its children, too late, too early, under a name.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bowline_concurrency::{ScopeError, Spawner, TaskGroup, cancelled, live_tasks, scope, track_live_tasks, try_scope};
use bowline_testing::{DropLog, Polled};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::yield_now,
};

use crate::support::{Census, Owes, finish, on_both, stays_pending};

#[test]
fn tg_19_group_tracks_only_the_children_that_have_not_ended() {
    /// What the group itself says: it has no other way to tell.
    fn tracked(group: &TaskGroup) -> usize {
        let shown = format!("{group:?}");
        let (_, rest) = shown.split_once("children: ").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    }
    on_both(|| async {
        scope(async |group| {
            assert_eq!(tracked(group), 0);
            let mut gates = Vec::new();
            for spawned in 1..=10 {
                let (end, gate) = oneshot::channel::<()>();
                drop(group.spawn(gate));
                gates.push(end);
                assert_eq!(tracked(group), spawned);
            }
            for left in (0..10).rev() {
                drop(gates.pop());
                while tracked(group) > left {
                    yield_now().await;
                }
                assert_eq!(tracked(group), left);
            }
        })
        .await;
    });
}

#[test]
fn tg_20_owner_that_waits_already_waits_for_siblings_spawned_by_a_child() {
    on_both(|| async {
        let census = Census::default();
        let ((breed, may_breed), (end, may_end)) = (oneshot::channel(), watch::channel(false));
        let mut open = Polled::new(scope(async |group| {
            let (spawner, census) = (group.spawner(), census.clone());
            drop(group.spawn(async move {
                may_breed.await.unwrap();
                for _ in 0..10 {
                    let (here, mut gate) = (census.enter(), may_end.clone());
                    let sibling = async move {
                        let _here = here;
                        let _ = gate.wait_for(|end| *end).await;
                    };
                    spawner.spawn(sibling).unwrap();
                }
            }));
        }));
        stays_pending(&mut open).await; // The body has ended.
        breed.send(()).unwrap();
        while census.alive() < 10 {
            yield_now().await;
        }
        stays_pending(&mut open).await; // The child that spawned has ended.
        end.send(true).unwrap();
        finish(&mut open).await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_22_name_of_a_child_is_read_from_the_handle_from_the_error_and_from_the_list() {
    track_live_tasks(true);
    on_both(|| async {
        let result = TaskGroup::builder()
            .name("tg 22")
            .try_scope(async |group: &TaskGroup<&str>| {
                let (end, gate) = oneshot::channel::<()>();
                let task = group.named("fetch").try_spawn(async move {
                    let _ = gate.await;
                    // From inside: its entry of the list.
                    let mine: Vec<_> = live_tasks().into_iter().filter(|task| task.scope == "tg 22").collect();
                    assert_eq!(mine.len(), 2, "{mine:?}");
                    assert_eq!(mine[0].name.as_deref(), Some("fetch"));
                    assert!(mine[0].to_string().starts_with("fetch in tg 22, spawned at "), "{}", mine[0]);
                    Err::<(), _>("no route")
                });
                assert_eq!(task.name(), Some("fetch"));
                let nameless = group.spawn(pending::<()>());
                assert_eq!(nameless.name(), None);
                let _ = end.send(());
                task.await;
                Ok(())
            })
            .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("fetch"), &"no route")]);
        assert_eq!(errors.to_string(), "tg 22: fetch: no route");
        assert!(live_tasks().iter().all(|task| task.scope != "tg 22"));
    });
}

#[test]
fn tg_24_spawn_after_a_failure_is_refused_while_the_scope_still_waits() {
    on_both(|| async {
        let (census, log) = (Census::default(), DropLog::default());
        let ((open, gate), (give, given)) = (oneshot::channel(), oneshot::channel());
        let (fail, may_fail) = oneshot::channel::<()>();
        let owes = Owes::new(census.enter(), gate);
        let mut scope = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
            let _ = give.send(group.spawner());
            let _owes = owes;
            let failing = async move {
                let _ = may_fail.await;
                Err::<(), _>("boom")
            };
            group.try_spawn(failing).await;
            Ok(())
        }));
        scope.assert_pending();
        let spawner: Spawner<_> = given.await.unwrap();
        drop(fail);
        while !scope.is_woken() {
            yield_now().await; // Until the failure.
        }
        scope.assert_pending();
        let captured = log.probe("captured");
        let refused = spawner.spawn(async move { drop(captured) }).unwrap_err();
        assert!(refused.to_string().contains("being cancelled"), "{refused}");
        assert_eq!(log.live(), 1, "the future comes back whole");
        drop(refused.into_inner());
        assert_eq!(log.live(), 0);
        assert!(spawner.try_spawn(async { Ok(()) }).is_err());
        scope.assert_pending();
        open.send(()).unwrap();
        assert!(finish(&mut scope).await.is_err());
    });
}

#[test]
fn tg_24_future_spawned_by_the_body_after_a_failure_is_dropped_at_once() {
    on_both(|| async {
        let log = DropLog::default();
        let result = TaskGroup::builder()
            .grace(Duration::from_secs(3600))
            .try_scope(async |group: &TaskGroup<&str>| {
                drop(group.try_spawn(async { Err::<(), _>("boom") }));
                cancelled().await;
                let captured = log.probe("captured");
                let task = group.spawn(async move { drop(captured) });
                assert_eq!(log.live(), 0);
                assert!(task.is_finished(), "it never ran and never will");
                assert!(task.cancel().await.is_none());
                Ok(())
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "boom");
    });
}

#[test]
fn tg_25_spawner_and_its_clones_refuse_after_the_scope_has_returned() {
    on_both(|| async {
        let log = DropLog::default();
        let spawner = scope(async |group| {
            drop(group.spawn(async {}));
            group.spawner()
        })
        .await;
        for spawner in [spawner.clone(), spawner] {
            let captured = log.probe("captured");
            let refused = spawner.spawn(async move { drop(captured) }).unwrap_err();
            assert!(!refused.is_full());
            assert_eq!(log.live(), 1);
            refused.into_inner().await; // It can still be run.
            assert_eq!(log.live(), 0);
        }
    });
}

#[test]
fn tg_26_spawn_where_no_runtime_is_panics_at_the_owner() {
    // Nothing is left of the group that would wait for a child that never was.
    let log = DropLog::default();
    let mut open = Polled::new(scope(async |group| {
        let captured = log.probe("captured");
        group.spawn(async move { drop(captured) }).await;
    }));
    let panic = catch_unwind(AssertUnwindSafe(|| open.poll())).unwrap_err();
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    assert!(text.is_some_and(|text| text.contains("runtime") || text.contains("reactor")), "{text:?}");
    assert_eq!(log.live(), 0);
}

#[test]
fn tg_27_builder_that_is_cloned_opens_groups_that_know_nothing_of_each_other() {
    on_both(|| async {
        let builder = TaskGroup::builder().name("twice");
        let first = builder.clone().try_scope(async |group: &TaskGroup<&str>| {
            let second = builder.try_scope(async |group: &TaskGroup<&str>| {
                group.cancel("only the second");
                pending::<Result<(), &str>>().await
            });
            assert!(second.await.is_err());
            assert!(group.cancellation().is_none());
            Ok(group.spawn(async { 7 }).await)
        });
        assert_eq!(first.await.unwrap(), 7);
    });
}

#[test]
fn spawner_takes_fallible_children_from_other_threads() {
    on_both(|| async {
        let runtime = tokio::runtime::Handle::current();
        let (tell, mut told) = mpsc::unbounded_channel();
        let result = try_scope(async |group: &TaskGroup<&'static str>| {
            let spawner = group.spawner();
            let hold = bowline_concurrency::Scope::current().hold("a thread");
            std::thread::spawn(move || {
                let _entered = runtime.enter();
                for n in 0..3 {
                    let tell = tell.clone();
                    spawner.spawn(async move { tell.send(n) }).unwrap();
                }
                drop(hold);
            });
            Ok(())
        })
        .await;
        assert!(result.is_ok());
        let mut all: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}
