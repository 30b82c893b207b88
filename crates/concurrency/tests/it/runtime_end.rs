//! Runtimes that go too early: nothing hangs, nothing aborts, and what is lost is counted and reported.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Failure, Reason, Scope, ScopeError, TaskGroup, hand_off, lost_releases, scope, shield, timeout,
    try_scope,
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::yield_now,
};

use crate::{
    support::{ends, on_both},
    world::World,
};

const LONG: Duration = Duration::from_secs(3600);

/// What was reported, by name.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listen(&self) {
        let list = self.0.clone();
        Scope::current().observe_failures(move |failure: &Failure| {
            let kind = if failure.is_lost() { "lost" } else { "other" };
            list.lock().unwrap().push(format!("{kind}: {}", failure.origin()));
        });
    }

    fn count(&self, text: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

/// A handle of a runtime that has gone.
fn gone() -> Handle {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    // On a thread of its own: a runtime must not be dropped in another one.
    std::thread::spawn(move || drop(runtime)).join().unwrap();
    handle
}

/// A tree with one of everything. It never ends; each part has a clone of `up`, and sends once when it is there.
async fn everything(world: World, heard: Heard, up: mpsc::Sender<()>) {
    scope(async move |group| {
        heard.listen();
        let part = |up: &mpsc::Sender<()>| {
            let (world, up) = (world.clone(), up.clone());
            async move {
                let (_here, up) = (world.enter(), up);
                up.send(()).unwrap();
                pending::<()>().await;
            }
        };
        drop(group.spawn(part(&up)));
        drop(group.named("timed").spawn({
            let part = part(&up);
            async move { drop(timeout(LONG, scope(async move |group| group.spawn(part).await)).await) }
        }));
        drop(group.spawn(shield(LONG, part(&up)).named("a commit")));
        hand_off(&Handle::current(), "a release", part(&up));
        let tasks = BackgroundTasks::new();
        tasks.spawn("background", part(&up)).unwrap();
        part(&up).await;
        drop(tasks);
    })
    .await;
}

#[test]
fn runtime_dropped_in_the_middle_of_everything_takes_all_of_it_down_and_says_what_was_lost() {
    ends("a runtime that goes", || {
        for background in [false, true] {
            for runtime in runtimes() {
                let (world, heard) = (World::default(), Heard::default());
                let (up, parts) = mpsc::channel();
                let before = lost_releases();
                let tree = runtime.spawn(everything(world.clone(), heard.clone(), up));
                for _ in 0..6 {
                    while let Err(mpsc::TryRecvError::Empty) = parts.try_recv() {
                        runtime.block_on(yield_now());
                    }
                }
                if background {
                    runtime.shutdown_background()
                } else {
                    drop(runtime)
                }
                // All of them have dropped their sender. (A runtime that goes in the background takes its time.)
                assert!(parts.recv().is_err());
                assert!(tree.is_finished() || background);
                drop(tree);
                if !background {
                    world.assert_clean();
                    assert_eq!(heard.count("lost: a release"), 1, "{:?}", heard.0);
                    assert_eq!(heard.count("lost: a commit"), 1, "{:?}", heard.0);
                }
                assert!(lost_releases() > before);
            }
        }
    });
}

#[test]
fn scope_whose_child_went_with_another_runtime_says_so() {
    for background in [false, true] {
        on_both(move || async move {
            let heard = Heard::default();
            let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let (result, plain) = scope(async |_| {
                heard.listen();
                let (up, running) = oneshot::channel();
                let (handle, (up_too, running_too)) = (other.handle().clone(), oneshot::channel());
                let open = try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
                    let _other = handle.enter();
                    drop(group.named("far").spawn(async {
                        let _ = up.send(());
                        pending::<()>().await;
                    }));
                    drop(_other);
                    pending().await
                });
                let far = other.handle().clone();
                let plain = tokio::spawn(scope(async move |group| {
                    let task = {
                        let _other = far.enter();
                        group.spawn(async move {
                            let _ = up_too.send(());
                            pending::<()>().await;
                        })
                    };
                    task.await;
                }));
                let end = async {
                    running.await.unwrap();
                    running_too.await.unwrap();
                    std::thread::spawn(move || if background { other.shutdown_background() } else { drop(other) });
                };
                let (result, ()) = tokio::join!(open, end);
                (result, plain.await)
            })
            .await;
            assert!(matches!(result, Err(ScopeError::Cancelled(Reason::RuntimeGone))), "{result:?}");
            assert!(plain.unwrap_err().is_panic(), "a scope without an error has no other way to say it");
            assert_eq!(heard.count("lost: far in a scope"), 1, "{:?}", heard.0);
        });
    }
}

#[test]
fn spawn_into_a_runtime_that_has_gone_is_a_loss_and_not_a_hang() {
    on_both(|| async {
        let (world, heard) = (World::default(), Heard::default());
        let result = scope(async |_| {
            heard.listen();
            let runtime = gone();
            let result = try_scope(async |group: &TaskGroup<&str>| {
                let here = world.enter();
                let _gone = runtime.enter();
                let task = group.spawn(async move { drop(here) });
                drop(_gone);
                task.await;
                Ok(())
            })
            .await;
            let here = world.enter();
            let tasks = BackgroundTasks::new();
            let entered = runtime.enter();
            let task = tasks.spawn("background", async move { drop(here) }).unwrap();
            drop(entered);
            assert_eq!(task.await, None);
            tasks.finish().await;
            let spawned = try_scope(async |group: &TaskGroup<&str>| {
                let here = world.enter();
                let spawner = group.spawner();
                let _gone = runtime.enter();
                assert!(spawner.spawn(async move { drop(here) }).is_ok());
                Ok(())
            })
            .await;
            assert!(matches!(spawned, Err(ScopeError::Cancelled(Reason::RuntimeGone))), "{spawned:?}");
            result
        })
        .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(Reason::RuntimeGone))), "{result:?}");
        assert_eq!((heard.count("lost: a task"), heard.count("lost: background")), (2, 1), "{:?}", heard.0);
        world.assert_clean();
    });
}

#[test]
fn grace_of_a_scope_that_is_dropped_where_nobody_can_count_it_is_over_at_once() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let inside = world.clone();
            let (up, running) = oneshot::channel();
            let mut open = Box::pin(TaskGroup::builder().grace(LONG).scope(async move |group| {
                let task = group.spawn(inside.clone().endless());
                let _ = up.send(());
                task.await;
            }));
            tokio::select! { biased; () = &mut open => unreachable!(), _ = running => {} }
            let runtime = gone();
            let _gone = runtime.enter();
            drop(open);
        })
        .await;
        world.assert_clean();
    });
}

#[test]
fn runtime_without_timers_has_no_grace() {
    ends("no timers", || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let world = World::default();
        runtime.block_on(scope(async |_| {
            let inside = world.clone();
            let mut open = Box::pin(TaskGroup::builder().grace(LONG).scope(async move |group| {
                group.spawn(inside.endless()).await;
            }));
            tokio::select! { biased; () = &mut open => unreachable!(), () = yield_now() => {} }
            drop(open);
        }));
        world.assert_clean();
    });
}
