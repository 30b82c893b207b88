//! What a deadline does when it passes, when it does not, and what it says.

use std::{
    future::{pending, ready},
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

use bowline_concurrency::{
    Reason, ScopeError, TaskGroup, deadline, effective_deadline, move_on_after, scope, timeout, timeout_at, try_scope,
};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep, sleep_until},
};

use crate::support::{LONG, forever, on_both, paused, timed};

#[test]
fn to_01_deadline_that_has_passed_is_an_error_and_a_flag() {
    timed(|scale| async move {
        let began = Instant::now();
        let mut handle = None;
        let result = deadline(scale.units(3), |deadline| {
            handle = Some(deadline.clone());
            async move {
                assert!(!deadline.expired());
                forever::<()>().await
            }
        })
        .await;
        scale.assert_took(began, 3);
        assert_eq!(result.unwrap_err().deadline().limit(), scale.units(3));
        let handle = handle.unwrap();
        assert!(handle.expired());
        assert_eq!(handle.remaining(), Some(Duration::ZERO));
    });
}

#[test]
fn to_02_absolute_deadline_passes_at_its_instant_and_is_readable() {
    timed(|scale| async move {
        let began = Instant::now();
        let at = began + scale.units(3);
        let guarded = timeout_at(at, async move {
            assert_eq!(effective_deadline(), Some(at));
            forever::<()>().await
        });
        // Not a limit: it does not wait for the first poll.
        sleep(scale.units(1)).await;
        assert!(guarded.await.is_err());
        scale.assert_took(began, 3);
        assert_eq!(timeout_at(began, ready(7)).await.unwrap(), 7, "an instant in the past leaves one poll");
    });
}

#[test]
fn to_04_body_in_time_clears_the_flag_and_the_timer() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    on_both(|| async {
        let nobody = Arc::new(Nobody);
        let waker = Waker::from(nobody.clone());
        let cx = &mut Context::from_waker(&waker);
        let (send, receive) = oneshot::channel();
        let mut handle = None;
        let mut guarded = std::pin::pin!(deadline(LONG, |deadline| {
            handle = Some(deadline);
            receive
        }));
        let bare = Arc::strong_count(&nobody);
        assert!(guarded.as_mut().poll(cx).is_pending());
        assert!(Arc::strong_count(&nobody) > bare + 1, "a timer and the receiver keep the waker");
        send.send(7).unwrap();
        assert!(guarded.as_mut().poll(cx).is_ready());
        let handle = handle.unwrap();
        assert!(!handle.expired());
        assert_eq!((handle.at(), handle.remaining()), (None, None));
        assert_eq!(Arc::strong_count(&nobody), bare, "the timer is still there");
    });
}

#[test]
fn to_05_no_limit_never_passes() {
    let no_limit: Option<Duration> = None;
    paused(async move {
        let slow = || async {
            assert_eq!(effective_deadline(), None);
            sleep(LONG * 24 * 365).await;
            7
        };
        assert_eq!(timeout(no_limit, slow()).await.unwrap(), 7);
        assert_eq!(move_on_after(no_limit, slow()).await, Some(7));
        assert_eq!(deadline(no_limit, |_| slow()).await.unwrap(), 7);
    });
    on_both(move || async move { assert_eq!(timeout(no_limit, async { yield_now().await }).await.unwrap(), ()) });
}

#[test]
fn to_06_zero_limit_ends_a_body_that_suspends() {
    on_both(|| async {
        assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
        assert_eq!(move_on_after(Duration::ZERO, pending::<()>()).await, None);
    });
}

#[test]
fn to_10_error_of_the_body_comes_back_unchanged() {
    on_both(|| async {
        let own = timeout(LONG, async {
            yield_now().await;
            Err::<(), _>(std::io::Error::other("own"))
        });
        let error = own.await.expect("nothing has passed").unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (std::io::ErrorKind::Other, "own"));
    });
}

#[test]
fn to_12_cancellation_from_outside_before_the_deadline_is_no_timeout() {
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let spawner = group.spawner();
            drop(group.spawn(async move {
                yield_now().await;
                spawner.cancel("from outside");
            }));
            let told_when_dropped = OnDrop(Some(tell));
            let never = timeout(LONG, async move {
                let _told_when_dropped = told_when_dropped;
                forever::<()>().await
            });
            unreachable!("the timeout neither passes nor returns: {:?}", never.await)
        })
        .await;
        let Err::<(), _>(ScopeError::Cancelled(Reason::Explicit(message))) = result else { panic!("{result:?}") };
        assert_eq!(message, "from outside");
        assert!(matches!(told.await.unwrap(), Reason::Explicit(_)), "what is dropped sees no deadline either");
    });

    struct OnDrop(Option<oneshot::Sender<Reason>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let reason = bowline_concurrency::Scope::current().reason_for_drop();
            self.0.take().unwrap().send(reason).unwrap();
        }
    }
}

#[test]
fn to_14_thread_that_was_blocked_past_both_deadlines_lets_the_inner_one_pass_first() {
    on_both(|| async {
        let unit = Duration::from_millis(2);
        let mut inner_has_passed = false;
        let outer = timeout(unit * 2, async {
            let inner = timeout(unit, async {
                yield_now().await; // Both clocks run.
                block_until(Instant::now() + unit * 4);
                forever::<()>().await
            });
            let elapsed = inner.named("inner").await.unwrap_err();
            inner_has_passed = elapsed.deadline().name() == Some("inner");
            forever::<()>().await // The outer one passes here.
        });
        assert_eq!(outer.named("outer").await.unwrap_err().deadline().name(), Some("outer"));
        assert!(inner_has_passed, "the outer one came first");
    });
}

/// Blocks the thread, which is what the case is about.
fn block_until(end: Instant) {
    while Instant::now() < end {
        std::thread::yield_now();
    }
}

#[test]
fn to_27_value_at_the_very_deadline_is_not_lost() {
    paused(async {
        let at = Instant::now() + LONG;
        // Both timers fire in the same turn.
        assert_eq!(timeout_at(at, async { sleep_until(at).await }).await.unwrap(), ());
    });
    on_both(|| async {
        let (send, receive) = oneshot::channel();
        let mut guarded = Box::pin(timeout(Duration::from_millis(1), receive));
        tokio::select! { biased; _ = &mut guarded => unreachable!("nothing was sent"), () = async {} => {} }
        send.send(7).unwrap();
        block_until(Instant::now() + Duration::from_millis(4));
        assert_eq!(guarded.await.unwrap(), Ok(7));
    });
}

#[test]
fn to_31_only_its_own_expiry_is_none() {
    timed(|scale| async move {
        assert_eq!(move_on_after(scale.units(1), forever::<u8>()).await, None);
        let inner = move_on_after(LONG, async { timeout(scale.units(1), forever::<u8>()).named("inner").await });
        assert_eq!(inner.await.expect("its own has not passed").unwrap_err().deadline().name(), Some("inner"));
        let outer = move_on_after(scale.units(1), async {
            let inner = move_on_after(LONG, forever::<u8>()).await;
            unreachable!("the outer one has dropped it: {inner:?}")
        });
        assert_eq!(outer.await, None::<()>);
    });
}

#[test]
fn to_32_clock_runs_from_the_first_poll_and_not_from_the_call() {
    timed(|scale| async move {
        let guarded = timeout(scale.units(2), pending::<()>());
        sleep(scale.units(3)).await;
        let began = Instant::now();
        assert!(guarded.await.is_err());
        scale.assert_took(began, 2);
    });
}

#[test]
fn to_35_message_names_the_operation_the_limit_and_what_is_left() {
    timed(|scale| async move {
        scope(async |_| {
            let hold = std::sync::Mutex::new(None);
            let line = line!() + 1;
            let elapsed = timeout(scale.units(2), async {
                *hold.lock().unwrap() = Some(bowline_concurrency::Scope::current().hold("an upload"));
                forever::<()>().await
            })
            .named("page 7")
            .settle_within(Duration::ZERO)
            .await
            .unwrap_err();
            let limit = scale.units(2);
            let place = format!("{}:{line}", file!());
            let expected = format!(
                "page 7 did not finish within {limit:?} (deadline set at {place}); still being cleaned up: an upload"
            );
            assert_eq!(elapsed.to_string(), expected);
        })
        .await;
        let unnamed = timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
        assert!(unnamed.to_string().starts_with("the work did not finish within 0ns"), "{unnamed}");
    });
}
