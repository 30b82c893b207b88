//! Panics of bodies, children and destructors: resumed at the owner, after everything has settled.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{Scope, TaskGroup, cancelled, scope, try_scope};
use tokio::sync::oneshot;

use crate::support::{Census, SlowDrop, on_both};

#[test]
fn tg_84_panic_of_a_child_is_resumed_at_the_owner_after_settling() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let task = tokio::spawn(scope(async move |group| {
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            group.spawn(async { std::panic::panic_any(41_u8) }).await;
        }));
        let panic = task.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<u8>(), Some(&41));
        assert_eq!(census.alive(), 0);
    });
}

/// No test waits for it: it ends with the last child.
const GRACE: Duration = Duration::from_secs(3600);

/// Runs a group whose body and child fail in the given order, one with an error and one with a panic, and gives back the panic and what
/// the observer heard.
async fn panic_and_error(body_panics: bool, panic_comes_first: bool) -> (&'static str, Vec<String>) {
    let list = Arc::new(Mutex::new(Vec::new()));
    let sink = list.clone();
    let owner = tokio::spawn(scope(async move |_| {
        Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.to_string()));
        let both = TaskGroup::builder().name("both").grace(GRACE).try_scope(async |group: &TaskGroup<u32>| {
            let fail = |panics: bool| match panics {
                true => std::panic::panic_any("the panic"),
                false => Err::<(), _>(42),
            };
            let body_is_first = body_panics == panic_comes_first;
            drop(group.named("child").try_spawn(async move {
                if body_is_first {
                    cancelled().await;
                }
                fail(!body_panics)
            }));
            if !body_is_first {
                cancelled().await;
            }
            fail(body_panics)
        });
        both.await.unwrap();
    }));
    let panic = owner.await.unwrap_err().into_panic();
    let heard = list.lock().unwrap().clone();
    (panic.downcast_ref::<&str>().unwrap(), heard)
}

#[test]
fn tg_17_panic_outranks_errors_whichever_comes_first() {
    on_both(|| async {
        for panic_comes_first in [true, false] {
            for body_panics in [true, false] {
                let (panic, heard) = panic_and_error(body_panics, panic_comes_first).await;
                assert_eq!(panic, "the panic");
                let failed = if body_panics { "child" } else { "the body" };
                // The error is not lost for that.
                let text = format!("{failed} in both failed: 42");
                assert_eq!(heard, [text]);
            }
        }
    });
}

#[test]
fn tg_84_second_panic_is_heard_of_under_the_name_of_its_child() {
    on_both(|| async {
        let list = Arc::new(Mutex::new(Vec::new()));
        let sink = list.clone();
        let owner = tokio::spawn(scope(async move |_| {
            Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.to_string()));
            let panics = TaskGroup::builder().name("two").grace(GRACE).scope(async |group| {
                drop(group.named("second").spawn(async {
                    cancelled().await;
                    panic!("again")
                }));
                drop(group.named("first").spawn(async { std::panic::panic_any(1_u8) }));
            });
            panics.await;
        }));
        assert!(owner.await.unwrap_err().into_panic().is::<u8>(), "the first one is resumed");
        assert_eq!(*list.lock().unwrap(), ["second in two panicked: again"]);
    });
}

#[test]
fn panic_in_a_destructor_of_an_aborted_child_reaches_the_owner() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    on_both(|| async {
        let (up, ready) = oneshot::channel::<()>();
        let task = tokio::spawn(try_scope(async |group: &TaskGroup<&'static str>| {
            drop(group.spawn(async move {
                let _bomb = Bomb;
                let _ = up.send(());
                pending::<()>().await;
            }));
            ready.await.unwrap();
            Err::<(), _>("the body")
        }));
        let panic = task.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"in a destructor"));
    });
}

#[test]
fn unwinding_through_a_scope_polled_by_hand_settles_later() {
    // A scope whose owner panics is dropped in unwinding: its children go to the process root.
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let (up, ready) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut scope = std::pin::pin!(scope(async move |group| {
                group
                    .spawn(async move {
                        let _inside = inside;
                        let _ = up.send(());
                        pending::<()>().await;
                    })
                    .await;
            }));
            tokio::select! {
                () = &mut scope => {}
                _ = ready => std::panic::resume_unwind(Box::new("the owner")),
            }
        });
        assert!(AssertUnwindSafe(task).0.await.unwrap_err().is_panic());
        bowline_concurrency::settled().await;
        assert_eq!(census.alive(), 0);
    });
}
