//! Failures whose owner has gone.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use bowline_concurrency::{Failure, InScope, Scope, TaskGroup, hand_off, root_scope, scope, try_scope};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::support::on_both;

/// Runs `body` in a scope and gives back the failures that its observer heard of.
async fn heard(body: impl AsyncFnOnce()) -> Vec<String> {
    let list = Arc::new(Mutex::new(Vec::new()));
    let sink = list.clone();
    scope(async move |_| {
        Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.to_string()));
        body().await;
    })
    .await;
    list.lock().unwrap().clone()
}

#[test]
fn child_that_fails_after_its_scope_was_dropped_is_heard_of() {
    on_both(|| async {
        struct FailsLate(Option<oneshot::Sender<()>>);
        impl Drop for FailsLate {
            fn drop(&mut self) {
                panic!("after the scope has gone");
            }
        }
        let heard = heard(async || {
            let (up, ready) = oneshot::channel();
            tokio::select! {
                () = scope(async |group| {
                    group.spawn(async move {
                        let mut late = FailsLate(Some(up));
                        let _ = late.0.take().unwrap().send(());
                        pending::<()>().await;
                    }).await
                }) => {}
                _ = ready => {}
            }
        })
        .await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("after the scope has gone"), "{heard:?}");
    });
}

#[test]
fn errors_collected_by_a_scope_that_is_dropped_are_heard_of() {
    on_both(|| async {
        let heard = heard(async || {
            let (gate, closed) = oneshot::channel::<()>();
            struct Open(Option<oneshot::Sender<()>>, Option<oneshot::Receiver<()>>);
            impl Drop for Open {
                fn drop(&mut self) {
                    // Keeps the failed scope settling until the test lets go.
                    let closed = self.1.take().unwrap();
                    let _ = self.0.take().unwrap().send(());
                    hand_off(&Handle::current(), "gate", async move { drop(closed.await) });
                }
            }
            let (failed, seen) = oneshot::channel();
            let open = Open(Some(failed), Some(closed));
            tokio::select! {
                _ = try_scope(async |group: &TaskGroup<&str>| {
                    drop(group.spawn(async move { let _open = open; pending::<()>().await }));
                    yield_now().await;
                    Err::<(), _>("collected")
                }) => unreachable!("it waits for the gate"),
                _ = seen => {}
            }
            drop(gate);
        })
        .await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("collected"), "{heard:?}");
    });
}

#[test]
fn error_of_the_last_child_is_heard_of_when_the_owner_does_not_come_back() {
    on_both(|| async {
        let heard = heard(async || {
            let (up, failed) = oneshot::channel::<()>();
            let (end, gate) = oneshot::channel::<()>();
            let mut open = Box::pin(try_scope(async |group: &TaskGroup<&str>| {
                drop(group.try_spawn(async move {
                    let _up = up; // Dropped when the child is gone.
                    let _ = gate.await;
                    Err::<(), _>("in time, and yet nobody was there")
                }));
                pending::<Result<(), &str>>().await
            }));
            tokio::select! { biased; _ = &mut open => unreachable!("its child has not failed yet"), () = async {} => {} }
            drop(end);
            assert!(failed.await.is_err());
            for _ in 0..100 {
                yield_now().await; // The body has gone, the child too.
            }
            drop(open);
        })
        .await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("nobody was there"), "{heard:?}");
    });
}

#[test]
fn panic_in_handed_off_work_is_heard_of_under_its_name() {
    on_both(|| async {
        let heard = heard(async || hand_off(&Handle::current(), "release of db", async { panic!("boom") })).await;
        assert_eq!(heard, ["release of db panicked: boom"]);
    });
}

#[test]
fn observer_that_panics_is_passed_over() {
    on_both(|| async {
        let list = Arc::new(Mutex::new(Vec::new()));
        let sink = list.clone();
        let outer = async move {
            Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.origin().to_owned()));
            scope(async |_| {
                Scope::current().observe_failures(|_| panic!("the observer"));
                Failure::error("x", "lost otherwise").report();
            })
            .await;
        };
        root_scope(outer).await.unwrap();
        assert_eq!(*list.lock().unwrap(), ["x"]);
    });
}

#[test]
fn failure_carries_the_error_as_a_value() {
    on_both(|| async {
        let list = Arc::new(Mutex::new(Vec::<u32>::new()));
        let sink = list.clone();
        let body = async move {
            Scope::current()
                .observe_failures(move |failure| sink.lock().unwrap().extend(failure.downcast_ref::<u32>()));
            Failure::error("x", 7_u32).report();
        };
        tokio::spawn(body.in_scope(&Scope::current())).await.unwrap();
        // Observers of the process root stay for the process: this is why roots exist.
        assert_eq!(*list.lock().unwrap(), [7]);
    });
}

#[test]
fn observer_that_reports_is_not_called_for_its_own_report() {
    on_both(|| async {
        let calls = Arc::new(Mutex::new(0));
        let count = calls.clone();
        scope(async move |_| {
            Scope::current().observe_failures(move |_| {
                *count.lock().unwrap() += 1;
                Failure::error("the observer", "again").report();
            });
            Failure::error("x", 1).report();
            Failure::error("x", 2).report();
        })
        .await;
        assert_eq!(*calls.lock().unwrap(), 2);
    });
}

/// An error of a user whose `Debug` panics.
struct Unprintable;

impl std::fmt::Debug for Unprintable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in a `Debug`")
    }
}

#[test]
fn error_that_cannot_be_printed_is_heard_of_and_nothing_else_is_lost() {
    on_both(|| async {
        let released = Arc::new(Mutex::new(false));
        let flag = released.clone();
        let heard = heard(async move || {
            let (failed, seen) = oneshot::channel::<()>();
            let (end, gate) = oneshot::channel::<()>();
            let mut open = Box::pin(try_scope(async |_group: &TaskGroup<Unprintable>| {
                hand_off(&Handle::current(), "release", async move {
                    let _ = gate.await;
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    *flag.lock().unwrap() = true;
                });
                drop(failed);
                Err::<(), _>(Unprintable)
            }));
            tokio::select! { biased; _ = &mut open => unreachable!("it waits for the release"), _ = seen => {} }
            drop(open);
            drop(end);
        })
        .await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(*released.lock().unwrap(), "the scope around has not waited for the release");
    });
}

#[test]
fn panic_of_a_body_whose_timeout_is_dropped_while_it_settles_is_heard_of() {
    on_both(|| async {
        let heard = heard(async || {
            let (gate, closed) = oneshot::channel::<()>();
            let mut open = Box::pin(bowline_concurrency::timeout(std::time::Duration::from_secs(60), async move {
                hand_off(&Handle::current(), "gate", async move { drop(closed.await) });
                panic!("boom");
            }));
            tokio::select! { biased; _ = &mut open => unreachable!("it waits for the gate"), () = async {} => {} }
            drop(open);
            drop(gate);
        })
        .await;
        assert_eq!(heard, ["a timeout panicked: boom"]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn report_that_cannot_be_printed_does_not_panic() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failures::child_reports", "--ignored", "--nocapture", "--test-threads=1"])
        .stdout(std::process::Stdio::null())
        .stderr(full)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "the child process of report_that_cannot_be_printed_does_not_panic"]
fn child_reports() {
    Failure::error("x", "nobody listens").report();
}
