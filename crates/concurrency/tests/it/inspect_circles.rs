//! Circles that are none, in programs that run well, and those that are.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bowline_concurrency::{
    InScope, Scope, TaskGroup, Tree, gather, in_task_scope, inspect,
    inspect::{Hint, HintKind},
    scope, tree, try_scope,
};
use bowline_testing::all_blocked;
use tokio::time::{advance, sleep};

use crate::{
    inspect::task,
    inspect_edges::Shown,
    support::{forever, on_both, paused},
};

const LIMIT: Duration = Duration::from_secs(1);

/// The circles that name a resource of ours.
fn circles(tree: &Tree, after: Duration, resource: &str) -> Vec<Hint> {
    let hints = tree.hints(after).into_iter();
    hints.filter(|hint| hint.kind == HintKind::Circle && hint.text.contains(resource)).collect()
}

fn waits_for(tree: &Tree, resource: &str) -> bool {
    tree.to_string().contains(&format!("waits for the mutex `{resource}`"))
}

#[test]
fn dx_04_futures_of_one_task_that_wait_for_each_other_are_no_circle() {
    paused(async {
        inspect(true);
        let lock = Arc::new(Shown::new("dx 04 gathered"));
        scope(async |group| {
            let in_turns = (0..3).map({
                let lock = lock.clone();
                move |_| {
                    let lock = lock.clone();
                    async move {
                        let _held = lock.lock().await;
                        for _ in 0..4 {
                            sleep(LIMIT * 3 / 4).await;
                        }
                    }
                }
            });
            let worker = group.named("dx 04 gathers").spawn(async move { drop(gather(in_turns).await) });
            for _ in 0..5 {
                all_blocked().await;
                let seen = tree();
                assert!(waits_for(&seen, "dx 04 gathered"), "{seen}");
                assert_eq!(circles(&seen, LIMIT, "dx 04 gathered").len(), 0, "{seen}");
                advance(LIMIT * 3 / 4).await;
            }
            worker.await;
        })
        .await;
    });
}

#[test]
fn dx_04_task_that_waits_for_what_it_holds_is_said_to_with_care() {
    paused(async {
        inspect(true);
        let lock = Arc::new(Shown::new("dx 04 taken twice"));
        let ended = try_scope(async |group: &TaskGroup<String>| {
            drop(group.named("dx 04 takes it twice").spawn(async move {
                let _first = lock.lock().await;
                drop(lock.lock().await);
            }));
            all_blocked().await;
            advance(LIMIT * 9 / 10).await;
            assert_eq!(circles(&tree(), LIMIT, "dx 04 taken twice").len(), 0, "not yet");
            advance(LIMIT).await;
            let seen = tree();
            let found = circles(&seen, LIMIT, "dx 04 taken twice");
            assert_eq!(found.len(), 1, "{seen}");
            assert_eq!(found[0].about[0], task(&seen, "dx 04 takes it twice").id);
            assert!(found[0].text.contains("unless another future in the same task"), "{seen}");
            group.cancel("it would sit there for ever");
            Ok(())
        });
        ended.await.unwrap();
    });
}

#[test]
fn dx_04_two_tasks_that_hold_and_wait_are_still_a_circle_beside_what_they_hold_themselves() {
    paused(async {
        inspect(true);
        let locks = Arc::new([Shown::new("dx 04 both a"), Shown::new("dx 04 both b")]);
        let ended = try_scope(async |group: &TaskGroup<String>| {
            for [first, second] in [[0, 1], [1, 0]] {
                let locks = locks.clone();
                drop(group.named("dx 04 crossed").spawn(async move {
                    let _first = locks[first].lock().await;
                    sleep(LIMIT).await;
                    // Of two futures, one waits for what the task holds, and the other for what its neighbour does.
                    gather([first, second].map(|lock| {
                        let locks = locks.clone();
                        async move { drop(locks[lock].lock().await) }
                    }))
                    .await;
                }));
            }
            for _ in 0..4 {
                all_blocked().await;
                advance(LIMIT).await;
            }
            let seen = tree();
            let found = circles(&seen, LIMIT, "a circle of waits");
            assert!(found.iter().any(|hint| hint.about.len() == 4 && hint.text.contains("dx 04 both b")), "{seen}");
            group.cancel("they would sit there for ever");
            Ok(())
        });
        ended.await.unwrap();
    });
}

#[test]
fn dx_04_children_in_one_task_and_tasks_that_are_not_seen_are_no_circle() {
    on_both(|| async {
        inspect(true);
        let lock = Arc::new(Shown::new("dx 04 shared"));
        scope(async |group| {
            let (inside, outside) = (lock.clone(), lock.clone());
            let children = group.spawn(in_task_scope(async move |group| {
                for _ in 0..3 {
                    let lock = inside.clone();
                    drop(group.spawn(async move {
                        let _held = lock.lock().await;
                        forever::<()>().await;
                    }));
                }
            }));
            let plain = (0..3).map(|_| {
                let lock = outside.clone();
                let holds = async move {
                    let _held = lock.lock().await;
                    forever::<()>().await;
                };
                tokio::spawn(holds.in_scope(&Scope::current()))
            });
            let plain: Vec<_> = plain.collect();
            let seen = crate::inspect::shows(|tree| waits_for(tree, "dx 04 shared")).await;
            assert_eq!(circles(&seen, Duration::ZERO, "dx 04 shared").len(), 0, "{seen}");
            plain.iter().for_each(|task| task.abort());
            drop(children.cancel());
        })
        .await;
    });
}

#[test]
fn dx_04_hold_that_begins_in_the_poll_of_its_wait_is_no_circle() {
    on_both(|| async {
        inspect(true);
        let lock = Arc::new(Shown::new("dx 04 at once"));
        scope(async |group| {
            let child = group.named("dx 04 holds at once").spawn(async move {
                let mut waiting = lock.resource.waiting();
                let mut future = Box::pin(lock.inner.clone().lock_owned());
                let taken = poll_fn(|cx| {
                    waiting.poll(cx, |cx| {
                        future.as_mut().poll(cx).map(|guard| {
                            let held = lock.resource.hold();
                            let seen = tree();
                            assert_eq!(circles(&seen, Duration::ZERO, "dx 04 at once").len(), 0, "{seen}");
                            (guard, held)
                        })
                    })
                });
                drop(taken.await);
            });
            child.await;
        })
        .await;
    });
}
