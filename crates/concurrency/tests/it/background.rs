//! Background tasks.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Scope, scope};
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    support::{Alive, Census, on_both},
    world::World,
};

#[test]
fn bg_01_finished_tasks_are_forgotten() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        for n in 0..100 {
            assert_eq!(tasks.spawn("count", async move { n }).unwrap().await, Some(n));
        }
        assert!(tasks.is_empty());
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 100);
    });
}

#[test]
fn bg_02_task_whose_handle_is_dropped_runs_to_its_end() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let (tell, told) = oneshot::channel();
        drop(tasks.spawn("tell", async move {
            yield_now().await;
            tell.send(7).unwrap();
        }));
        assert_eq!(told.await, Ok(7));
    });
}

#[test]
fn bg_06_spawn_after_shutdown_gives_the_future_back() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        tasks.shutdown(Duration::ZERO).await;
        let refused = tasks.spawn("late", async { 7 }).unwrap_err();
        assert_eq!(refused.into_inner().await, 7);
    });
}

#[test]
fn bg_06_spawn_after_close_or_finish_is_refused_and_what_runs_goes_on() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let (end, told) = oneshot::channel::<u32>();
        let running = tasks.spawn("running", async { told.await.unwrap() }).unwrap();
        assert!(!tasks.is_closed());
        tasks.close();
        assert!(tasks.is_closed());
        let refused = tasks.spawn("late", async { 7 }).unwrap_err();
        assert!(!refused.is_full());
        assert_eq!(refused.into_inner().await, 7);
        end.send(8).unwrap();
        assert_eq!(running.await, Some(8));

        let finished = BackgroundTasks::new();
        finished.finish().await;
        let refused = finished.try_spawn("late", async { Ok::<_, ()>(7) }).unwrap_err();
        assert_eq!(refused.into_inner().await, Ok(7));
    });
}

#[test]
fn spawn_outside_a_runtime_gives_the_future_back() {
    let tasks = BackgroundTasks::new();
    let refused = tasks.spawn("no runtime", async { 7 }).unwrap_err();
    assert!(!refused.is_full() && refused.to_string().contains("no Tokio runtime"), "{refused}");
    let mut future = bowline_testing::Polled::new(refused.into_inner());
    assert_eq!(future.assert_ready(), 7);
    assert!(tasks.is_empty() && !tasks.is_closed());
}

#[test]
fn bg_07_spawn_that_races_a_shutdown_is_refused_or_waited_for() {
    on_both(|| async {
        for _ in 0..200 {
            let census = Census::default();
            let tasks = Arc::new(BackgroundTasks::new());
            let racing = tokio::spawn({
                let (tasks, census) = (tasks.clone(), census.clone());
                async move {
                    loop {
                        let inside = census.enter();
                        let task = async move {
                            let _inside = inside;
                            pending::<()>().await;
                        };
                        if tasks.spawn("racer", task).is_err() {
                            return;
                        }
                        yield_now().await;
                    }
                }
            });
            yield_now().await;
            let report = tasks.shutdown(Duration::ZERO).await;
            assert!(report.stuck.is_empty());
            racing.await.unwrap();
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn bg_09_failure_reaches_the_observer_once_with_its_name_and_touches_nobody_else() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        scope(async move |_| {
            Scope::current().observe_failures(move |failure| {
                list.lock().unwrap().push((failure.origin().to_owned(), failure.is_panic()));
            });
            let tasks = BackgroundTasks::new();
            let other = tasks.spawn("other", async {
                yield_now().await;
                7
            });
            let failed = tasks.try_spawn("fails", async { Err::<(), _>("no route") }).unwrap();
            let panicked = tasks.spawn("panics", async { panic!("boom") }).unwrap();
            assert_eq!(failed.await, None);
            assert_eq!(panicked.await, None::<()>);
            assert_eq!(other.unwrap().await, Some(7));
        })
        .await;
        let mut heard = std::mem::take(&mut *heard.lock().unwrap());
        heard.sort();
        assert_eq!(heard, [("fails".to_owned(), false), ("panics".to_owned(), true)]);
    });
}

#[test]
fn bg_09_each_manager_has_an_observer_of_its_own() {
    on_both(|| async {
        let managers = [BackgroundTasks::new(), BackgroundTasks::new()];
        let heard: [Arc<Mutex<Vec<String>>>; 2] = Default::default();
        for (tasks, list) in managers.iter().zip(&heard) {
            let list = list.clone();
            tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.origin().to_owned()));
        }
        for (tasks, name) in managers.iter().zip(["first", "second"]) {
            assert_eq!(tasks.try_spawn(name, async { Err::<(), _>("no route") }).unwrap().await, None);
        }
        assert_eq!(*heard[0].lock().unwrap(), ["first"]);
        assert_eq!(*heard[1].lock().unwrap(), ["second"]);
    });
}

/// An error that is counted while it is alive.
#[derive(Debug)]
struct Counted(#[expect(dead_code, reason = "held for its drop")] Alive);

#[test]
fn bg_10_failures_of_a_long_lived_manager_are_not_collected() {
    on_both(|| async {
        let census = Census::default();
        let tasks = BackgroundTasks::new();
        let most = Arc::new(Mutex::new((0, 0)));
        let (seen, alive) = (most.clone(), census.clone());
        tasks.observe_failures(move |_| {
            let mut seen = seen.lock().unwrap();
            *seen = (seen.0 + 1, seen.1.max(alive.alive()));
        });
        for n in 0..1000 {
            let failure = Counted(census.enter());
            let ended = if n % 100 == 0 {
                tasks.spawn("panics", async move { std::panic::panic_any(failure) }).unwrap().await
            } else {
                tasks.try_spawn("fails", async move { Err::<(), _>(failure) }).unwrap().await
            };
            assert_eq!(ended, None);
        }
        assert_eq!(*most.lock().unwrap(), (1000, 1), "(failures, most of them at once)");
        assert_eq!(census.alive(), 0);
        assert!(tasks.is_empty());
    });
}

#[test]
fn bg_25_manager_survives_the_panic_of_a_task() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
        let (go_on, told) = oneshot::channel::<u32>();
        let other = tasks.spawn("other", async { told.await.unwrap() }).unwrap();
        let panics = tasks.spawn("panics", async {
            yield_now().await;
            panic!("boom")
        });
        assert_eq!(panics.unwrap().await, None::<()>);
        go_on.send(7).unwrap();
        assert_eq!(other.await, Some(7), "another task was touched");
        assert_eq!(tasks.spawn("later", async { 8 }).unwrap().await, Some(8));
        assert_eq!(*heard.lock().unwrap(), ["panics panicked: boom"]);
        assert!(tasks.is_empty());
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 3);
    });
}

#[test]
fn bg_25_panic_in_a_destructor_of_a_cancelled_task_is_heard_of() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
        let (up, running) = oneshot::channel();
        let task = tasks.spawn("bomb", async move {
            let _bomb = Bomb;
            up.send(()).unwrap();
            pending::<()>().await;
        });
        running.await.unwrap();
        assert_eq!(task.unwrap().cancel().await, None);
        assert_eq!(*heard.lock().unwrap(), ["bomb panicked: in a destructor"]);
        assert!(tasks.is_empty());
    });
}

#[test]
fn value_without_a_handle_is_released_before_the_shutdown_returns() {
    on_both(|| async {
        for begun in [false, true] {
            let world = World::default();
            let tasks = BackgroundTasks::new();
            let (end, gate) = oneshot::channel::<()>();
            let inside = world.clone();
            let handle = tasks.spawn("a lease", async move {
                let _ = gate.await;
                inside.lease()
            });
            if begun {
                yield_now().await;
            }
            drop((handle, end));
            tasks.finish().await;
            world.assert_clean();
        }
    });
}

#[test]
fn place_below_the_bound_is_free_again_when_a_task_has_ended() {
    on_both(|| async {
        let tasks = BackgroundTasks::bounded(NonZeroUsize::new(2).unwrap());
        let (end, told) = oneshot::channel::<()>();
        let first = tasks.spawn("first", async { drop(told.await) }).unwrap();
        drop(tasks.spawn("second", pending::<()>()).unwrap());
        let refused = tasks.spawn("third", async { 3 }).unwrap_err();
        assert!(refused.is_full());
        assert_eq!(tasks.len(), 2);
        drop(end);
        first.await;
        assert_eq!(tasks.spawn("third", refused.into_inner()).unwrap().await, Some(3));
        tasks.close();
        assert!(!tasks.spawn("late", async {}).unwrap_err().is_full(), "it is refused for another reason");
    });
}

#[test]
fn manager_in_a_static_serves_two_runtimes_one_after_the_other() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    on_both(|| async {
        assert_eq!(TASKS.spawn("static", async { 7 }).unwrap().await, Some(7));
        let (up, running) = oneshot::channel();
        let task = TASKS.spawn("endless", async move {
            up.send(()).unwrap();
            pending::<()>().await;
        });
        running.await.unwrap();
        assert_eq!(task.unwrap().cancel().await, None);
        assert!(TASKS.is_empty() && !TASKS.is_closed());
    });
}

#[test]
fn task_cut_short_by_the_end_of_its_runtime_is_heard_of_and_forgotten() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = heard.clone();
    TASKS.observe_failures(move |failure| list.lock().unwrap().push((failure.origin().to_owned(), failure.is_lost())));
    for threads in [0, 2] {
        let runtime = match threads {
            0 => tokio::runtime::Builder::new_current_thread().build().unwrap(),
            n => tokio::runtime::Builder::new_multi_thread().worker_threads(n).build().unwrap(),
        };
        runtime.block_on(async { drop(TASKS.spawn("endless", pending::<()>()).unwrap()) });
        drop(runtime);
        assert!(TASKS.is_empty());
        assert_eq!(std::mem::take(&mut *heard.lock().unwrap()), [("endless".to_owned(), true)]);
    }
}

#[test]
fn value_whose_handle_is_kept_keeps_no_shutdown_waiting() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let tasks = BackgroundTasks::new();
            let inside = world.clone();
            let kept = tasks.spawn("a lease", async move { inside.lease() }).unwrap();
            tasks.finish().await;
            assert_eq!((world.leases(), world.released()), (1, 0));
            drop(kept.await); // Below the scope, which waits for the release.
        })
        .await;
        world.assert_clean();
    });
}
