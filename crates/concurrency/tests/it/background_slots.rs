//! Slots: places for one background task each.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Scope};
use bowline_testing::Polled;
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    support::{Census, Owes, SlowDrop, finish, on_both, on_drop, stays_pending},
    world::World,
};

/// Hears of every failure, by name and text.
fn heard(tasks: &BackgroundTasks) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = heard.clone();
    tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
    heard
}

#[test]
fn bg_11_replaced_task_is_told_why_and_gone_when_the_wait_is_over() {
    on_both(|| async {
        let (tasks, world) = (BackgroundTasks::new(), World::default());
        let failures = heard(&tasks);
        let why = Arc::new(Mutex::new(None));
        let slot = tasks.slot("refresh:42");
        let (up, running) = oneshot::channel();
        let (inside, reason) = (world.clone(), why.clone());
        let old = slot.replace(async move {
            let _asks = on_drop(move || *reason.lock().unwrap() = Some(Scope::current().reason_for_drop().to_string()));
            up.send(()).unwrap();
            inside.endless().await;
        });
        let (old, nobody) = old.unwrap();
        assert!(!nobody.await, "the slot was vacant");
        running.await.unwrap();
        let (new, gone) = slot.replace(async { 7 }).unwrap();
        assert!(gone.await);
        world.assert_clean();
        assert_eq!(why.lock().unwrap().as_deref(), Some("a newer task has its slot"));
        assert_eq!((old.await, new.await), (None, Some(7)));
        assert!(slot.is_vacant() && tasks.is_empty());
        let report = tasks.shutdown(Duration::ZERO).await;
        assert_eq!((report.finished, report.replaced, report.is_clean()), (1, 1, true));
        assert!(failures.lock().unwrap().is_empty(), "a replacement is no failure");
    });
}

#[test]
fn bg_11_wait_for_the_replaced_one_includes_what_it_leaves_behind_and_nothing_else() {
    on_both(|| async {
        let (tasks, census) = (BackgroundTasks::new(), Census::default());
        let slot = tasks.slot("a");
        let (open, gate) = oneshot::channel();
        let (up, running) = oneshot::channel();
        let owes = Owes::new(census.enter(), gate);
        drop(slot.spawn_if_vacant(async move {
            let _owes = owes;
            up.send(()).unwrap();
            pending::<()>().await;
        }));
        running.await.unwrap();
        let (other, gone) = slot.replace(pending::<()>()).unwrap();
        let mut gone = Polled::new(gone);
        stays_pending(&mut gone).await;
        assert_eq!(census.alive(), 1);
        open.send(()).unwrap();
        assert!(finish(&mut gone).await);
        assert_eq!(census.alive(), 0);
        assert!(!other.is_finished() && !slot.is_vacant(), "the newer one was touched");
        assert!(slot.cancel().await);
    });
}

#[test]
fn bg_11_spawn_if_vacant_is_refused_while_one_runs() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let slot = tasks.slot("once");
        let (end, told) = oneshot::channel::<()>();
        let first = slot.spawn_if_vacant(async { drop(told.await) }).unwrap();
        let refused = slot.try_spawn_if_vacant(async { Ok::<_, ()>(2) }).unwrap_err();
        assert!(refused.is_occupied() && !refused.is_full(), "{refused}");
        drop(tasks.spawn("once", pending::<()>()).unwrap()); // Not in the slot, whatever its name.
        assert!(tasks.slot("another").spawn_if_vacant(async {}).is_ok(), "another slot is taken, too");
        drop(end);
        assert_eq!(first.await, Some(()));
        assert!(slot.is_vacant());
        assert_eq!(slot.try_spawn_if_vacant(refused.into_inner()).unwrap().await, Some(2));
    });
}

#[test]
fn bg_11_late_cancel_through_an_old_handle_does_not_touch_the_newer_one() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let slot = tasks.slot("a");
        let (old, _) = slot.replace(pending::<()>()).unwrap();
        let (end, told) = oneshot::channel::<u32>();
        let (new, _) = slot.replace(async { told.await.unwrap() }).unwrap();
        assert_eq!(old.cancel().await, None);
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!slot.is_vacant());
        end.send(7).unwrap();
        assert_eq!(new.await, Some(7));
        assert!(slot.is_vacant());
    });
}

#[test]
fn cancel_through_the_handle_waits_for_what_the_task_in_a_slot_leaves_behind() {
    on_both(|| async {
        let (tasks, world) = (BackgroundTasks::new(), World::default());
        for begun in [false, true] {
            let task = tasks.slot("a").spawn_if_vacant(world.clone().endless()).unwrap();
            if begun {
                yield_now().await;
            }
            assert_eq!(task.cancel().await, None);
            world.assert_clean();
            assert!(tasks.slot("a").is_vacant());
        }
    });
}

#[test]
fn observer_may_fill_the_slot_of_the_task_that_failed() {
    on_both(|| async {
        static TASKS: BackgroundTasks = BackgroundTasks::new();
        let (tell, told) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        TASKS.observe_failures(move |_| {
            let tell = tell.lock().unwrap().take().unwrap();
            drop(TASKS.slot("a").replace(async move { tell.send(7).unwrap() }).unwrap());
        });
        drop(TASKS.slot("a").try_spawn_if_vacant(async { Err::<(), _>("no route") }).unwrap());
        assert_eq!(told.await, Ok(7));
        assert!(TASKS.join().await.is_err());
        TASKS.join().await.unwrap();
        assert!(TASKS.slot("a").is_vacant());
    });
}

#[test]
fn bg_11_end_of_the_old_one_that_races_a_replacement_keeps_the_newer_one() {
    on_both(|| async {
        for round in 0..500 {
            let tasks = Arc::new(BackgroundTasks::new());
            let (end, told) = oneshot::channel::<()>();
            let (up, running) = oneshot::channel();
            let old = tasks.slot("a").spawn_if_vacant(async move {
                up.send(()).unwrap();
                drop(told.await);
            });
            running.await.unwrap();
            // Ends by itself, or is cancelled through its handle, on another thread.
            let races = tokio::spawn(async move {
                if round % 2 == 0 {
                    drop(end);
                    let _ = old.unwrap().await;
                } else {
                    let _ = old.unwrap().cancel().await;
                }
            });
            let (new, gone) = tasks.slot("a").replace(pending::<()>()).unwrap();
            gone.await;
            races.await.unwrap();
            assert!(!tasks.slot("a").is_vacant() && !new.is_finished(), "the newer one has lost its slot");
            assert_eq!(tasks.len(), 1);
            assert!(tasks.slot("a").cancel().await);
            assert!(tasks.is_empty());
            let report = tasks.shutdown(Duration::ZERO).await;
            assert!(report.finished + report.replaced <= 2 && report.replaced >= 1, "{report:?}");
        }
    });
}

#[test]
fn bg_11_clear_that_races_a_replacement_leaves_at_most_the_newest_one() {
    on_both(|| async {
        for _ in 0..300 {
            let (tasks, census) = (Arc::new(BackgroundTasks::new()), Census::default());
            let replacing = [1, 2].map(|_| {
                let (tasks, inside) = (tasks.clone(), SlowDrop::new(census.enter()));
                tokio::spawn(async move {
                    let task = async move {
                        let _inside = inside;
                        pending::<()>().await;
                    };
                    let (_, gone) = tasks.slot("a").replace(task).unwrap();
                    gone.await;
                })
            });
            tasks.slot("a").cancel().await;
            for task in replacing {
                task.await.unwrap();
            }
            let vacant = tasks.slot("a").is_vacant();
            assert_eq!(tasks.slot("a").cancel().await, !vacant);
            tasks.join().await.unwrap();
            assert_eq!((census.alive(), tasks.len()), (0, 0));
        }
    });
}

#[test]
fn bg_11_refused_replacement_leaves_the_old_one_running() {
    on_both(|| async {
        let tasks = BackgroundTasks::bounded(NonZeroUsize::MIN);
        let (end, told) = oneshot::channel::<u32>();
        let old = tasks.slot("a").spawn_if_vacant(async { told.await.unwrap() }).unwrap();
        let full = tasks.slot("b").replace(async { 1 }).unwrap_err();
        assert!(full.is_full() && tasks.slot("b").is_vacant());
        tasks.close();
        let closed = tasks.slot("a").replace(async { 2 }).unwrap_err();
        assert!(!closed.is_full() && !closed.is_occupied());
        assert_eq!(closed.into_inner().await, 2);
        assert!(!tasks.slot("a").is_vacant());
        end.send(7).unwrap();
        assert_eq!(old.await, Some(7));
    });
}

#[test]
fn replacement_at_the_bound_takes_the_place_of_the_old_one() {
    on_both(|| async {
        let tasks = BackgroundTasks::bounded(NonZeroUsize::new(2).unwrap());
        drop(tasks.spawn("other", pending::<()>()).unwrap());
        for _ in 0..100 {
            drop(tasks.slot("a").replace(pending::<()>()).unwrap());
            assert!(tasks.spawn("third", async {}).unwrap_err().is_full());
        }
        drop(tasks.slot("a").cancel());
        assert!(tasks.spawn("second", pending::<()>()).is_ok(), "a place is free at once");
        assert!(tasks.spawn("third", async {}).unwrap_err().is_full());
    });
}

#[test]
fn wait_for_a_replaced_task_that_is_given_up_changes_nothing() {
    on_both(|| async {
        let (tasks, world) = (BackgroundTasks::new(), World::default());
        for _ in 0..10 {
            let (_, gone) = tasks.slot("a").replace(world.clone().endless()).unwrap();
            let mut gone = Polled::new(gone);
            let _ = gone.poll();
            drop(gone);
            yield_now().await;
        }
        let report = tasks.shutdown(Duration::ZERO).await;
        world.assert_clean();
        assert_eq!((report.aborted, report.stuck), (vec!["a".to_owned()], vec![]));
        assert_eq!((report.finished, report.replaced), (0, 9));
    });
}

#[test]
fn panic_in_a_destructor_of_a_replaced_task_is_heard_of_by_name() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let failures = heard(&tasks);
        let (up, running) = oneshot::channel();
        drop(tasks.slot("bomb").spawn_if_vacant(async move {
            let _bomb = on_drop(|| panic!("in a destructor"));
            up.send(()).unwrap();
            pending::<()>().await;
        }));
        running.await.unwrap();
        let (new, gone) = tasks.slot("bomb").replace(async { 7 }).unwrap();
        assert!(gone.await);
        assert_eq!(new.await, Some(7));
        tasks.finish().await;
        assert_eq!(*failures.lock().unwrap(), ["bomb panicked: in a destructor"]);
    });
}

#[test]
fn failures_in_slots_are_heard_of_and_the_slot_is_vacant_again() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let failures = heard(&tasks);
        let slot = tasks.slot("a");
        assert_eq!(slot.try_replace(async { Err::<(), _>("no route") }).unwrap().0.await, None);
        assert!(slot.is_vacant());
        assert_eq!(slot.spawn_if_vacant(async { panic!("boom") }).unwrap().await, None::<()>);
        assert!(slot.is_vacant());
        assert_eq!(*failures.lock().unwrap(), [r#"a failed: "no route""#, "a panicked: boom"]);
    });
}

#[test]
fn task_may_replace_itself() {
    on_both(|| async {
        static TASKS: BackgroundTasks = BackgroundTasks::new();
        let (up, told) = oneshot::channel();
        drop(TASKS.slot("self").spawn_if_vacant(async move {
            let (_, gone) = TASKS.slot("self").replace(async move { up.send("the newer one").unwrap() }).unwrap();
            gone.await;
            unreachable!("it has waited for its own end");
        }));
        assert_eq!(told.await, Ok("the newer one"));
        TASKS.join().await.unwrap();
        assert!(TASKS.is_empty());
    });
}

#[test]
fn slots_without_a_runtime_and_after_the_end_of_one() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    let slot = TASKS.slot("a");
    let refused = slot.replace(async { 7 }).unwrap_err();
    assert_eq!(Polled::new(refused.into_inner()).assert_ready(), 7);
    assert!(slot.is_vacant());
    let failures = heard(&TASKS);
    for threads in [0, 2] {
        let runtime = match threads {
            0 => tokio::runtime::Builder::new_current_thread().build().unwrap(),
            n => tokio::runtime::Builder::new_multi_thread().worker_threads(n).build().unwrap(),
        };
        let inside = runtime.enter();
        drop(slot.replace(pending::<()>()).unwrap());
        let (_, gone) = slot.replace(pending::<()>()).unwrap();
        drop(inside);
        drop(runtime);
        assert!(slot.is_vacant() && TASKS.is_empty());
        assert!(Polled::new(gone).assert_ready());
        let failures = std::mem::take(&mut *failures.lock().unwrap());
        assert!(failures.len() == 1 && failures[0].contains("end of its runtime"), "{failures:?}");
    }
}

#[test]
fn hundred_thousand_replacements_leave_nothing_behind() {
    on_both(|| async {
        let (tasks, census) = (BackgroundTasks::new(), Census::default());
        let slot = tasks.slot("refresh");
        let mut most = 0;
        for n in 0..100_000_u32 {
            let inside = census.enter();
            let task = async move {
                let _inside = inside;
                pending::<()>().await;
            };
            let (_, gone) = slot.replace(task).unwrap();
            if n % 3 == 0 {
                gone.await;
            } else {
                drop(gone);
                yield_now().await;
            }
            most = most.max(tasks.len()).max(census.alive());
        }
        assert!(most < 1000, "{most} at once");
        assert!(slot.cancel().await);
        tasks.join().await.unwrap();
        assert_eq!((tasks.len(), census.alive()), (0, 0));
        assert_eq!(tasks.shutdown(Duration::ZERO).await.replaced, 100_000);
    });
}
