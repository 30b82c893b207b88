//! Who waits for what: the edges of the tree.

use std::{future::poll_fn, num::NonZeroUsize, task::Poll};

use bowline_concurrency::{
    BackgroundTasks, Spawner, TaskGroup, Tree, cancelled, in_task_scope, inspect,
    inspect::{HintKind, Resource, TreeWait, WaitsFor},
    scope, settled, shield, timeout, tree, try_scope,
};
use bowline_testing::Polled;
use tokio::{
    sync::{Mutex, oneshot},
    task::yield_now,
    time::Duration,
};

use crate::{
    inspect::{node, shows, task},
    support::{LONG, finish, forever, on_both},
};

fn waits_of<'a>(tree: &'a Tree, name: &str) -> Vec<&'a TreeWait> {
    let waiter = tree.tasks().iter().find(|task| task.name.as_deref() == Some(name)).map(|task| task.id);
    tree.waits().iter().filter(|wait| waiter.is_some() && wait.waiter == waiter).collect()
}

fn waits(tree: &Tree, name: &str) -> bool {
    !waits_of(tree, name).is_empty()
}

#[test]
fn dx_02_edge_through_a_group_to_the_task_that_is_awaited() {
    on_both(|| async {
        inspect(true);
        let (open, gate) = oneshot::channel::<()>();
        let outer = async |group: &TaskGroup| {
            let child = scope(async |inner| drop(inner.named("dx 02 inner").spawn(gate).await));
            let child = group.named("dx 02 child").spawn(child);
            let seen = shows(|tree| waits(tree, "dx 02 child")).await;
            let wait = waits_of(&seen, "dx 02 child")[0];
            assert!(matches!(wait.on, WaitsFor::Task(Some(id)) if id == task(&seen, "dx 02 inner").id), "{seen:#}");
            let _ = open.send(());
            child.await;
            assert!(tree().waits().iter().all(|wait| wait.waiter != Some(task(&seen, "dx 02 child").id)));
        };
        TaskGroup::builder().name("dx 02").scope(outer).await;
    });
}

#[test]
fn dx_02_wait_that_is_over_says_nothing_though_its_waker_is_kept() {
    on_both(|| async {
        inspect(true);
        let resource = Resource::new("mutex").named("dx 02 over");
        let is_it =
            |wait: &TreeWait| matches!(&wait.on, WaitsFor::Resource(it) if it.name.as_deref() == Some("dx 02 over"));
        let shown = || tree().waits().iter().any(is_it);
        let (mut waiting, mut kept) = (resource.waiting(), None);
        poll_fn(|cx| {
            let pending = waiting.poll(cx, |cx| {
                kept = Some(cx.waker().clone());
                Poll::<()>::Pending
            });
            assert!(pending.is_pending() && shown());
            waiting.poll(cx, |_| Poll::Ready(()))
        })
        .await;
        assert!(!shown());
        drop(kept);
    });
}

#[test]
fn dx_02_scope_that_waits_for_its_children_says_so() {
    on_both(|| async {
        inspect(true);
        let (open, gate) = oneshot::channel::<()>();
        let body = scope(async |group| {
            let body = TaskGroup::builder().name("dx 02 settles");
            let body = body.scope(async |inner| drop(inner.named("dx 02 last").spawn(gate)));
            let child = group.named("dx 02 waits for the end").spawn(body);
            let seen = shows(|tree| waits(tree, "dx 02 waits for the end")).await;
            let wait = waits_of(&seen, "dx 02 waits for the end")[0];
            assert!(matches!(wait.on, WaitsFor::Settled(id) if id == node(&seen, "dx 02 settles").id), "{seen:#}");
            let _ = open.send(());
            child.await;
        });
        body.await;
    });
}

#[test]
fn dx_02_edges_through_a_shield_and_a_timeout_lead_to_the_task_behind() {
    on_both(|| async {
        inspect(true);
        let background = BackgroundTasks::new();
        let body = scope(async |group| {
            let handle = background.spawn("dx 02 behind", forever::<()>()).unwrap();
            let shielded = shield(LONG, timeout(LONG, handle));
            drop(group.named("dx 02 shielded").spawn(shielded));
            let seen = shows(|tree| waits(tree, "dx 02 shielded")).await;
            let wait = waits_of(&seen, "dx 02 shielded")[0];
            assert!(matches!(wait.on, WaitsFor::Task(Some(id)) if id == task(&seen, "dx 02 behind").id), "{seen:#}");
            background.shutdown(Duration::ZERO).await;
        });
        body.await;
    });
}

#[test]
fn dx_02_edges_of_the_other_waits() {
    on_both(|| async {
        inspect(true);
        let background = BackgroundTasks::new();
        let ended = try_scope(async |group: &TaskGroup<String>| {
            let (give, given) = oneshot::channel::<Spawner<String>>();
            let (open, gate) = oneshot::channel::<()>();
            background.spawn("dx 02 until told", async { drop(cancelled().await) }).unwrap();
            let target = TaskGroup::builder().name("dx 02 target").grace(LONG);
            let target = target.try_scope(async |inner: &TaskGroup<String>| {
                let _ = give.send(inner.spawner());
                drop(inner.spawn(gate));
                Ok(())
            });
            drop(group.spawn(target));
            let spawner = given.await.unwrap();
            drop(group.named("dx 02 cancels").spawn(async move { spawner.cancel_and_wait("enough").await }));
            drop(group.named("dx 02 in the task").spawn(in_task_scope(async |inner| {
                let first = inner.named("dx 02 sibling").spawn(forever::<()>());
                inner.named("dx 02 awaits a sibling").spawn(async {}).await;
                first.await;
            })));
            let names = ["dx 02 until told", "dx 02 cancels", "dx 02 in the task"];
            let sibling = |tree: &Tree| {
                let sibling = tree.tasks().iter().find(|task| task.name.as_deref() == Some("dx 02 sibling"));
                let is_it = |wait: &&TreeWait| matches!(wait.on, WaitsFor::Task(id) if id.is_some() && id == sibling.map(|task| task.id));
                waits_of(tree, "dx 02 in the task").iter().any(is_it)
            };
            let seen = shows(|tree| names.iter().all(|name| waits(tree, name)) && sibling(tree)).await;
            let on = |name| waits_of(&seen, name)[0].on.clone();
            assert!(matches!(on("dx 02 until told"), WaitsFor::Cancellation(_)));
            assert!(matches!(on("dx 02 cancels"), WaitsFor::Settled(id) if id == node(&seen, "dx 02 target").id));
            let _ = open.send(());
            background.shutdown(LONG).await;
            group.cancel("done");
            Ok(())
        });
        ended.await.unwrap();
    });
}

#[test]
fn dx_02_wait_that_is_given_up_leaves_no_edge() {
    on_both(|| async {
        inspect(true);
        TaskGroup::builder()
            .name("dx 02 given up")
            .try_scope(async |group: &TaskGroup<String>| {
                let me = node(&tree(), "dx 02 given up").id;
                let edges = || tree().waits().iter().filter(|wait| wait.waiter == Some(me)).count();
                let mut task = Polled::new(group.spawn(forever::<()>()));
                task.assert_pending();
                task.assert_pending();
                assert_eq!(edges(), 1, "polled twice, it is one wait");
                drop(task);
                assert_eq!(edges(), 0, "a dropped handle waits for nothing:\n{:#}", tree());
                settled().await;
                assert_eq!(edges(), 0);
                group.cancel("done");
                Ok(())
            })
            .await
            .unwrap();
    });
}

#[test]
fn dx_02_twenty_thousand_handles_in_one_task_stay_linear() {
    on_both(|| async {
        inspect(true);
        let many = 20_000;
        scope(async |group| {
            let tasks: Vec<_> = (0..many).map(|_| Polled::new(group.spawn(yield_now()))).collect();
            let mut left: Vec<_> =
                tasks.into_iter().filter_map(|mut task| task.poll().is_pending().then_some(task)).collect();
            for task in &mut left {
                finish(task).await;
            }
        })
        .await;
    });
}

#[test]
fn dx_04_two_who_wait_for_one_task_group_are_both_shown() {
    on_both(|| async {
        inspect(true);
        let background = BackgroundTasks::new();
        let (open, gate) = oneshot::channel::<()>();
        background.spawn("dx 04 awaited", gate).unwrap();
        in_task_scope(async |group| {
            drop(group.named("dx 04 first").spawn(background.finish()));
            let second = group.named("dx 04 second").spawn(background.finish());
            let looks = group.spawn(async {
                let seen = shows(|tree| waits(tree, "dx 04 first") && waits(tree, "dx 04 second")).await;
                let on = |name| match waits_of(&seen, name)[0].on {
                    WaitsFor::Settled(id) => id,
                    _ => 0,
                };
                assert_eq!(on("dx 04 first"), on("dx 04 second"));
                assert_eq!(on("dx 04 first"), task(&seen, "dx 04 awaited").node);
                let _ = open.send(());
            });
            looks.await;
            second.await;
        })
        .await;
    });
}

/// A mutex as another crate would show it.
pub(crate) struct Shown {
    pub(crate) inner: std::sync::Arc<Mutex<()>>,
    pub(crate) resource: Resource,
}

impl Shown {
    pub(crate) fn new(name: &'static str) -> Self {
        Shown { inner: std::sync::Arc::default(), resource: Resource::new("mutex").named(name) }
    }

    pub(crate) async fn lock(&self) -> impl Drop + use<> {
        let mut lock = Box::pin(self.inner.clone().lock_owned());
        let mut waiting = self.resource.waiting();
        let guard = std::future::poll_fn(|cx| waiting.poll(cx, |cx| lock.as_mut().poll(cx))).await;
        let hold = self.resource.hold();
        crate::support::on_drop(move || drop((hold, guard)))
    }
}

#[test]
fn dx_04_circle_of_two_locks_is_reported_and_taking_the_tree_ends() {
    on_both(|| async {
        inspect(true);
        let locks = std::sync::Arc::new([Shown::new("dx 04 left"), Shown::new("dx 04 right")]);
        let ended = try_scope(async |group: &TaskGroup<String>| {
            for (name, first, second) in [("dx 04 philosopher", 0, 1), ("dx 04 thinker", 1, 0)] {
                let locks = locks.clone();
                drop(group.named(name).spawn(async move {
                    let _first = locks[first].lock().await;
                    // The other one has its first too, before anybody asks for the second.
                    shows(|tree| {
                        tree.holds().iter().filter(|hold| is_ours(hold.resource.name.as_deref())).count() == 2
                    })
                    .await;
                    let _second = locks[second].lock().await;
                }));
            }
            let circle = |tree: &Tree| {
                let mine = task(tree, "dx 04 thinker").id;
                let hints = tree.hints(Duration::ZERO);
                hints.into_iter().find(|hint| hint.kind == HintKind::Circle && hint.about.contains(&mine))
            };
            let seen = shows(|tree| {
                tree.tasks().iter().any(|task| task.name.as_deref() == Some("dx 04 thinker")) && circle(tree).is_some()
            })
            .await;
            let found = circle(&seen).unwrap();
            assert_eq!(found.about.len(), 4, "{found}");
            for name in ["dx 04 left", "dx 04 right", "dx 04 philosopher", "dx 04 thinker"] {
                assert!(found.text.contains(name), "{found}");
            }
            assert!(seen.hints(LONG).iter().all(|hint| hint.text != found.text), "these waits are young");
            group.cancel("they would sit there for ever");
            Ok(())
        });
        ended.await.unwrap();
        let after = tree();
        assert!(after.holds().iter().all(|hold| !is_ours(hold.resource.name.as_deref())), "{after:#}");
    });
}

fn is_ours(name: Option<&str>) -> bool {
    name.is_some_and(|name| name == "dx 04 left" || name == "dx 04 right")
}

#[test]
fn dx_04_child_that_waits_for_its_own_group_is_a_circle() {
    on_both(|| async {
        inspect(true);
        let background = std::sync::Arc::new(BackgroundTasks::new());
        let own = background.clone();
        background.spawn("dx 04 waits for itself", async move { own.finish().await }).unwrap();
        let seen = shows(|tree| waits(tree, "dx 04 waits for itself")).await;
        let mine = task(&seen, "dx 04 waits for itself").id;
        let hints = seen.hints(Duration::ZERO);
        assert!(hints.iter().any(|hint| hint.kind == HintKind::Circle && hint.about.contains(&mine)), "{seen:#}");
        background.shutdown(Duration::ZERO).await;
    });
}

#[test]
fn dx_02_child_that_waits_for_a_permit_says_so() {
    on_both(|| async {
        inspect(true);
        let builder = TaskGroup::builder().name("dx 04 limited").limit(NonZeroUsize::MIN);
        let ended = builder.try_scope(async |group: &TaskGroup<String>| {
            let spawner = group.spawner();
            drop(group.named("dx 04 has the permit").spawn(async move {
                let (tell, told) = oneshot::channel::<()>();
                spawner
                    .spawn(async move {
                        let _ = tell.send(());
                    })
                    .unwrap();
                let _ = told.await;
            }));
            let limited = node(&tree(), "dx 04 limited").id;
            let waiting =
                |tree: &Tree| tree.waits().iter().any(|wait| matches!(wait.on, WaitsFor::Permit(id) if id == limited));
            // What is awaited here is a channel, of which the tree knows nothing: the line for the permit is shown all the same.
            let seen = shows(waiting).await;
            assert!(seen.to_string().contains("waits for a permit of dx 04 limited"), "{seen}");
            group.cancel("they would sit there for ever");
            Ok(())
        });
        ended.await.unwrap();
    });
}
