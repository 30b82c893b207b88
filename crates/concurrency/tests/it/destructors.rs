//! Destructors that panic: of children, of bodies, of values that nobody takes, in a runtime that goes.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, RunBlocking, Scope, SpawnBlocking, TaskGroup, hand_off, scope, shield, timeout,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::yield_now,
};

use crate::support::{ends, on_both};

/// Panics when it is dropped, without a line on standard error.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("a bomb"));
    }
}

async fn armed() {
    let _bomb = Bomb;
    pending().await
}

/// The origins of the panics that were reported.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listen(&self) {
        let list = self.0.clone();
        Scope::current().observe_failures(move |failure| {
            if failure.is_panic() {
                list.lock().unwrap().push(failure.origin().to_owned());
            }
        });
    }

    fn sorted(&self) -> Vec<String> {
        let mut list = self.0.lock().unwrap().clone();
        list.sort();
        list
    }
}

#[test]
fn values_that_nobody_takes_may_panic_in_their_drop() {
    on_both(|| async {
        let heard = Heard::default();
        scope(async |group| {
            heard.listen();
            drop(group.spawn(async { Bomb }));
            let tasks = BackgroundTasks::new();
            drop(tasks.spawn("background", async { Bomb }));
            tasks.finish().await;
            drop(SpawnBlocking.run_blocking(|| ())); // Gives nothing.
            let (up, running) = oneshot::channel();
            let (end, gate) = std::sync::mpsc::channel::<()>();
            let call = SpawnBlocking.run_blocking(move || {
                let _ = up.send(());
                let _ = gate.recv();
                Bomb
            });
            running.await.unwrap();
            drop(call);
            drop(end);
            let mut work = Box::pin(shield(Duration::from_secs(60), async {
                yield_now().await;
                Bomb
            }));
            tokio::select! { biased; _ = &mut work => unreachable!(), () = async {} => {} }
        })
        .await;
        let heard = heard.sorted();
        assert_eq!(heard.len(), 4, "{heard:?}");
        assert_eq!(heard.last().unwrap(), "shielded work");
    });
}

#[test]
fn bodies_and_children_that_panic_in_their_drop_are_resumed_at_the_owner_once() {
    on_both(|| async {
        let heard = Heard::default();
        let tell = heard.clone();
        let result = tokio::spawn(async move {
            scope(async |_| {
                tell.listen();
                TaskGroup::builder()
                    .deadline(Duration::ZERO)
                    .try_scope(async |group: &TaskGroup<String>| -> Result<(), _> {
                        for _ in 0..10 {
                            drop(group.spawn(armed()));
                        }
                        yield_now().await;
                        armed().await;
                        Ok(())
                    })
                    .await
            })
            .await
        });
        let panic = result.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"a bomb"));
        // The first is resumed, the others are reported. A child that never ran has no bomb.
        assert!(heard.sorted().len() <= 10);

        let late = tokio::spawn(timeout(Duration::ZERO, armed()));
        assert!(late.await.unwrap_err().is_panic());
    });
}

#[test]
fn destructors_of_a_tree_that_is_dropped_may_panic() {
    on_both(|| async {
        let heard = Heard::default();
        scope(async |_| {
            heard.listen();
            let mut open = Box::pin(scope(async |group| {
                drop(group.spawn(armed()));
                drop(group.spawn(timeout(Duration::from_secs(60), armed())));
                let mut body = std::pin::pin!(armed());
                std::future::poll_fn(|cx| {
                    let _ = body.as_mut().poll(cx);
                    std::task::Poll::<()>::Pending
                })
                .await;
            }));
            for _ in 0..10 {
                tokio::select! { biased; () = &mut open => unreachable!(), () = yield_now() => {} }
            }
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(open)));
            assert!(dropped.is_ok(), "what is dropped by hand reports its panics");
        })
        .await;
        assert!(!heard.sorted().is_empty());
    });
}

#[test]
fn runtime_that_goes_survives_destructors_that_panic() {
    ends("bombs in a runtime that goes", || {
        for workers in [0, 2] {
            let runtime = match workers {
                0 => Builder::new_current_thread().enable_all().build().unwrap(),
                n => Builder::new_multi_thread().worker_threads(n).enable_all().build().unwrap(),
            };
            let heard = Heard::default();
            let tell = heard.clone();
            let (up, running) = oneshot::channel();
            drop(runtime.spawn(scope(async move |group| {
                tell.listen();
                drop(group.spawn(armed()));
                let release = async {
                    let _ = up.send(());
                    armed().await;
                };
                hand_off(&Handle::current(), "a release", release);
                BackgroundTasks::new().spawn("background", armed()).unwrap();
                armed().await;
            })));
            runtime.block_on(running).unwrap();
            assert!(catch_unwind(AssertUnwindSafe(|| drop(runtime))).is_ok());
            assert!(heard.0.lock().unwrap().iter().any(|origin| origin == "a release"), "{:?}", heard.0);
        }
    });
}

/// An error whose destructor panics.
#[derive(Debug)]
struct BadError;

impl Drop for BadError {
    fn drop(&mut self) {
        drop(Bomb);
    }
}

#[test]
fn errors_and_payloads_that_panic_in_their_drop_are_reported_once() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure| {
                list.lock().unwrap().push((failure.origin().to_owned(), failure.is_panic()));
                if failure.origin() == "payload" {
                    resume_unwind(Box::new(Bomb)); // Passed over: the next one above, standard error, has it.
                }
            });
            let tasks = BackgroundTasks::new();
            let error = tasks.try_spawn("error", async { Err::<(), _>(BadError) });
            let payload = tasks.spawn("payload", async { resume_unwind(Box::new(Bomb)) });
            assert_eq!(error.unwrap().await, None);
            assert_eq!(payload.unwrap().await, None::<()>);
            hand_off(&Handle::current(), "release", async { resume_unwind(Box::new(Bomb)) });
        })
        .await;
        let mut heard = heard.lock().unwrap().clone();
        heard.sort();
        assert_eq!(heard, [("error".to_owned(), false), ("payload".to_owned(), true), ("release".to_owned(), true)]);
    });
}
