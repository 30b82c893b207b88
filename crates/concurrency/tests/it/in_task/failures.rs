//! Errors and panics: everything else is dropped, and the owner hears of it.

use std::{
    cell::Cell,
    future::{pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bowline_concurrency::{InTaskGroup, Reason, Scope, hand_off, in_task_scope, scope, try_in_task_scope};
use bowline_testing::Polled;
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::{Counted, OnDrop};
use crate::support::{Census, SlowDrop, on_both};

#[test]
fn tg_04_first_failure_drops_siblings_and_the_body() {
    on_both(|| async {
        let (census, went_on) = (Census::default(), Cell::new(false));
        let error = try_in_task_scope(async |group: InTaskGroup<'_, String>| {
            let _here = census.enter();
            for _ in 0..3 {
                drop(group.spawn(async {
                    let _here = census.enter();
                    pending::<()>().await;
                }));
            }
            let failing = group.named("fetch").try_spawn(async {
                yield_now().await;
                Err::<(), _>("no route".to_owned())
            });
            failing.await;
            went_on.set(true);
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!((census.alive(), went_on.get()), (0, false));
        assert_eq!(error.errors().unwrap().named().collect::<Vec<_>>(), [(Some("fetch"), &"no route".to_owned())]);
    });
}

#[test]
fn tg_05_sibling_that_would_fail_too_is_dropped_before_it_can() {
    on_both(|| async {
        let polled = AtomicUsize::new(0);
        let error = try_in_task_scope(async |group: InTaskGroup<'_, usize>| -> Result<(), _> {
            for number in 0..3 {
                let fails = ready(Err::<(), _>(number));
                drop(group.try_spawn(Counted(fails, &polled)));
            }
            pending().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.errors().unwrap().iter().collect::<Vec<_>>(), [&0]);
        assert_eq!(polled.load(SeqCst), 1);
    });
}

#[test]
fn tg_09_error_of_the_body_drops_the_children() {
    on_both(|| async {
        let census = Census::default();
        let error = try_in_task_scope(async |group| {
            drop(group.spawn(async {
                let _here = census.enter();
                pending::<()>().await;
            }));
            yield_now().await;
            Err::<(), _>("the body")
        })
        .await
        .unwrap_err();
        assert_eq!((census.alive(), error.to_string().as_str()), (0, "the body: the body"));
    });
}

#[test]
fn tg_24_child_spawned_by_a_destructor_after_a_failure_never_runs() {
    on_both(|| async {
        let ran = AtomicUsize::new(0);
        let ran = &ran;
        let reasons = Mutex::new(Vec::new());
        let result = try_in_task_scope(async |group: InTaskGroup<'_, &str>| -> Result<(), _> {
            let inner = group.clone();
            let reasons = &reasons;
            drop(group.spawn(async move {
                let _late = OnDrop(|| {
                    let disposed = Census::default();
                    let late = disposed.enter();
                    drop(inner.spawn(async move {
                        let _late = late;
                        ran.fetch_add(1, SeqCst)
                    }));
                    assert_eq!(disposed.alive(), 0, "its future was not dropped at once");
                    reasons.lock().unwrap().push(Scope::current().reason_for_drop());
                });
                pending::<()>().await;
            }));
            yield_now().await;
            Err("stop")
        })
        .await;
        assert!(result.is_err());
        assert_eq!(ran.load(SeqCst), 0);
        assert!(matches!(reasons.lock().unwrap()[..], [Reason::SiblingFailed]));
    });
}

#[test]
fn tg_25_group_that_left_its_scope_refuses_loudly() {
    let group = Polled::new(in_task_scope(async |group| group)).assert_ready();
    assert_refuses(&group);

    let kept = Mutex::new(None);
    let mut dropped = Polled::new(in_task_scope(async |group| {
        *kept.lock().unwrap() = Some(group);
        pending::<()>().await;
    }));
    dropped.assert_pending();
    drop(dropped);
    assert_refuses(kept.lock().unwrap().as_ref().unwrap());
}

fn assert_refuses(group: &InTaskGroup<'_>) {
    let refused = catch_unwind(AssertUnwindSafe(|| drop(group.spawn(ready(())))));
    assert!(refused.unwrap_err().downcast_ref::<&str>().unwrap().contains("has ended"));
}

#[test]
fn tg_84_panic_of_a_child_is_resumed_at_the_owner_after_everything_else_is_gone() {
    on_both(|| async {
        let census = Census::default();
        let inside = census.clone();
        let task = tokio::spawn(async move {
            in_task_scope(async |group| {
                let _here = inside.enter();
                drop(group.spawn(async {
                    let _here = inside.enter();
                    let nested = SlowDrop::new(inside.enter());
                    scope(async |g| {
                        g.spawn(async move {
                            let _nested = nested;
                            pending::<()>().await
                        })
                        .await
                    })
                    .await
                }));
                group
                    .spawn(async {
                        yield_now().await;
                        panic_any(41_u8)
                    })
                    .await
            })
            .await
        });
        let panic = task.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<u8>(), Some(&41));
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_17_panic_outranks_the_error_which_goes_to_the_observer() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = heard.clone();
        let task = tokio::spawn(scope(async move |_| {
            Scope::current().observe_failures(move |failure| told.lock().unwrap().push(failure.to_string()));
            let census = Census::default();
            let failing = try_in_task_scope(async |group: InTaskGroup<'_, &str>| -> Result<(), _> {
                for _ in 0..2 {
                    drop(group.spawn(async {
                        let _bomb = OnDrop(|| panic!("a destructor"));
                        let _here = census.enter();
                        pending::<()>().await;
                    }));
                }
                yield_now().await;
                Err("the error")
            });
            let failing = AssertUnwindSafe(failing);
            let panic = catch(failing).await.unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"a destructor"));
            assert_eq!(census.alive(), 0);
        }));
        task.await.unwrap();
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard[0].contains("a destructor in an in-task scope panicked"), "{heard:?}");
        assert!(
            heard[1].contains("the body in an in-task scope failed") && heard[1].contains("the error"),
            "{heard:?}"
        );
    });
}

/// Awaits a future and catches its panic.
async fn catch<F: Future>(future: AssertUnwindSafe<F>) -> std::thread::Result<F::Output> {
    let mut future = pin!(future.0);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}

#[test]
fn panic_in_a_destructor_of_what_has_ended_fails_the_group_like_any_other() {
    /// Ready at once; the bomb goes off when the future is dropped.
    struct Bombed<B>(B);
    impl<B: Unpin> Future for Bombed<B> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    let bomb = || OnDrop(|| panic!("a destructor"));
    on_both(move || async move {
        for which in ["the future", "a value that nobody takes", "the body"] {
            let reasons = Mutex::new(Vec::new());
            let failing = in_task_scope(async |group| {
                drop(group.spawn(async {
                    let _late = OnDrop(|| reasons.lock().unwrap().push(Scope::current().reason_for_drop()));
                    pending::<()>().await;
                }));
                yield_now().await;
                match which {
                    "the future" => group.spawn(Bombed(bomb())).await,
                    "a value that nobody takes" => drop(group.spawn(async { bomb() })),
                    _ => drop(bomb()),
                }
                pending::<()>().await;
            });
            let panic = catch(AssertUnwindSafe(failing)).await.unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"a destructor"), "{which}");
            assert!(matches!(reasons.lock().unwrap()[..], [Reason::SiblingFailed]), "{which}: {reasons:?}");
        }
    });
}

#[test]
fn error_that_waits_for_a_release_goes_to_the_observer_when_the_scope_is_dropped() {
    on_both(|| async {
        let heard = Arc::new(AtomicUsize::new(0));
        let (told, (release, held)) = (heard.clone(), oneshot::channel::<()>());
        scope(async move |_| {
            Scope::current().observe_failures(move |_| _ = told.fetch_add(1, SeqCst));
            let mut failed = Polled::new(try_in_task_scope(async |_: InTaskGroup<'_, &str>| -> Result<(), _> {
                hand_off(&Handle::current(), "release", async move { drop(held.await) });
                Err("lost?")
            }));
            failed.assert_pending();
            drop(failed);
            release.send(()).unwrap();
        })
        .await;
        assert_eq!(heard.load(SeqCst), 1);
    });
}
