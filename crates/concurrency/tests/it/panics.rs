//! Panics of bodies, children and destructors: resumed at the owner, after everything has settled.

use std::{future::pending, panic::AssertUnwindSafe};

use bowline_concurrency::{TaskGroup, scope, try_scope};
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

#[test]
fn tg_17_panic_of_the_body_outranks_errors() {
    on_both(|| async {
        let task = tokio::spawn(try_scope(async |group: &TaskGroup<&str>| {
            drop(group.try_spawn(async { Err::<(), _>("also") }));
            if group.spawn(async { true }).await {
                panic!("the body");
            }
            Ok(())
        }));
        // Either the error was first and dropped the body before its panic, or the panic wins.
        match task.await {
            Ok(result) => assert_eq!(result.unwrap_err().into_first().unwrap(), "also"),
            Err(panicked) => assert_eq!(panicked.into_panic().downcast_ref::<&str>(), Some(&"the body")),
        }
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
        let task = tokio::spawn(try_scope(async |group: &TaskGroup<&str>| {
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
