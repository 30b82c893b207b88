//! Deadlines.

use std::{
    future::{pending, ready},
    time::Duration,
};

use bowline_concurrency::{
    Reason, Scope, ScopeError, TaskGroup, cancelled, hand_off, is_cancelled, scope, timeout, try_scope,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::yield_now,
    time::Instant,
};

use crate::support::{Census, SlowDrop, ends, on_both, paused, timed};

const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn to_01_body_longer_than_the_limit_elapses_at_the_limit() {
    paused(async {
        let began = Instant::now();
        let elapsed = timeout(LIMIT, pending::<()>()).named("page 7").await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
        assert_eq!(elapsed.deadline().limit(), LIMIT);
        assert_eq!(elapsed.deadline().name(), Some("page 7"));
    });
}

#[test]
fn to_04_body_in_time_gives_its_value() {
    paused(async {
        let value = timeout(LIMIT, async {
            tokio::time::sleep(LIMIT / 2).await;
            7
        });
        assert_eq!(value.await.unwrap(), 7);
    });
}

#[test]
fn to_06_zero_limit_and_a_body_that_suspends() {
    paused(async { assert!(timeout(Duration::ZERO, yield_now()).await.is_err()) });
}

#[test]
fn to_07_zero_limit_and_a_ready_body() {
    // Peers differ; ours: the body is polled first, so a value that is there is never lost.
    on_both(|| async { assert_eq!(timeout(Duration::ZERO, ready(7)).await.unwrap(), 7) });
}

#[test]
fn to_14_value_beats_a_timer_that_is_late() {
    paused(async {
        let (send, receive) = oneshot::channel();
        let mut guarded = std::pin::pin!(timeout(LIMIT, receive));
        assert!(futures_poll(guarded.as_mut()).await.is_none());
        tokio::time::advance(LIMIT * 2).await;
        send.send(7).unwrap();
        assert_eq!(guarded.await.unwrap(), Ok(7));
    });
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[test]
fn to_31_nested_deadlines_are_not_confused() {
    paused(async {
        let outer = timeout(LIMIT, async {
            let inner = timeout(LIMIT * 2, pending::<()>()).named("inner").await;
            unreachable!("the outer deadline is the shorter one: {inner:?}")
        });
        assert_eq!(outer.named("outer").await.unwrap_err().deadline().name(), Some("outer"));

        let outer = timeout(LIMIT * 2, timeout(LIMIT, pending::<()>()).named("inner"));
        let inner = outer.await.expect("the outer one has not passed").unwrap_err();
        assert_eq!(inner.deadline().name(), Some("inner"));
        let here = file!();
        assert!(inner.to_string().contains(here), "{inner}");
    });
}

#[test]
fn to_32_clock_starts_at_the_first_poll() {
    paused(async {
        let waiting = timeout(LIMIT, async {
            tokio::time::sleep(LIMIT / 2).await;
            7
        });
        tokio::time::advance(LIMIT * 2).await;
        assert_eq!(waiting.await.unwrap(), 7);
    });
}

#[test]
fn to_36_busy_body_that_yields_does_not_silence_its_deadline() {
    on_both(|| async {
        let (send, mut receive) = mpsc::unbounded_channel();
        let busy = async {
            loop {
                // Uses up the cooperative budget in every poll.
                send.send(()).unwrap();
                receive.recv().await;
            }
        };
        let elapsed: Result<(), _> = timeout(Duration::from_millis(5), busy).await;
        assert!(elapsed.is_err());
    });
}

#[test]
fn to_22_caller_goes_on_after_the_children_of_the_body_are_gone() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let result = timeout(
            Duration::from_millis(1),
            scope(async move |group| {
                group
                    .spawn(async move {
                        let _inside = inside;
                        pending::<()>().await
                    })
                    .await
            }),
        )
        .await;
        assert!(result.is_err());
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn to_39_deadline_cancels_on_time_and_returns_within_its_budget() {
    paused(async {
        scope(async |_| {
            let began = Instant::now();
            let elapsed = timeout(LIMIT, Release(Duration::from_secs(60)).hang())
                .settle_within(Duration::from_secs(2))
                .await
                .unwrap_err();
            assert_eq!(elapsed.stragglers(), ["a slow release"]);
            assert_eq!(began.elapsed().as_secs(), 5);
        })
        .await;
    });
}

#[test]
fn holding_a_lock_that_a_release_below_needs_lasts_no_longer_than_the_budget() {
    paused(async {
        let lock = std::sync::Arc::new(tokio::sync::Mutex::new(()));
        scope(async |_| {
            let held = lock.clone().lock_owned().await;
            let needs_it = lock.clone();
            struct NeedsLock(std::sync::Arc<tokio::sync::Mutex<()>>);
            impl Drop for NeedsLock {
                fn drop(&mut self) {
                    let lock = self.0.clone();
                    hand_off(&Handle::current(), "needs the lock", async move { drop(lock.lock().await) });
                }
            }
            let began = Instant::now();
            let elapsed = timeout(LIMIT, async move {
                let _needs = NeedsLock(needs_it);
                pending::<()>().await;
            })
            .await
            .unwrap_err();
            assert_eq!(elapsed.stragglers(), ["needs the lock"]);
            assert_eq!(began.elapsed().as_secs(), 3 + bowline_concurrency::SETTLE_WITHIN.as_secs());
            drop(held);
        })
        .await;
    });
}

struct Release(Duration);

impl Release {
    async fn hang(self) {
        pending::<()>().await;
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let takes = self.0;
        hand_off(&Handle::current(), "a slow release", async move { tokio::time::sleep(takes).await });
    }
}

#[test]
fn value_waits_for_the_release_that_its_body_left_behind() {
    paused(async {
        let began = Instant::now();
        let value = timeout(LIMIT, async {
            drop(Release(Duration::from_secs(1)));
            7
        });
        assert_eq!(value.await.unwrap(), 7);
        assert_eq!(began.elapsed().as_secs(), 1);
    });
}

#[test]
fn expiry_leaves_no_mark_on_a_future_that_outlives_it() {
    struct Watch(Option<oneshot::Sender<Reason>>);
    impl Drop for Watch {
        fn drop(&mut self) {
            self.0.take().unwrap().send(Scope::current().reason_for_drop()).unwrap();
        }
    }
    timed(|scale| async move {
        let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<Option<Reason>>>();
        let (tell, told) = oneshot::channel();
        let watch = Watch(Some(tell));
        let mut future = Box::pin(scope(async move |group| {
            let child = group.spawn(async move {
                let _watch = watch;
                while let Some(answer) = asked.recv().await {
                    answer.send(is_cancelled()).unwrap();
                }
            });
            child.await;
        }));
        for _ in 0..3 {
            assert!(timeout(scale.units(1), &mut future).named("expired").await.is_err());
            // The child runs on in its task. Nobody polls the scope, which is where the timeout has left it.
            let (answer, answered) = oneshot::channel();
            ask.send(answer).unwrap();
            let seen = answered.await.unwrap();
            assert!(seen.is_none(), "the child is nobody's but its scope's: {seen:?}");
        }
        drop(future);
        let seen = told.await.unwrap();
        assert!(matches!(seen, Reason::OwnerDropped), "no deadline has dropped it: {seen:?}");
    });
}

#[test]
fn cs_14_scope_that_is_dropped_by_a_deadline_knows_which_one() {
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        let result = timeout(
            Duration::from_millis(1),
            scope(async move |group| {
                let watch = Watch(Some(tell));
                group
                    .spawn(async move {
                        let _watch = watch;
                        pending::<()>().await
                    })
                    .await
            }),
        )
        .named("the report")
        .await;
        assert!(result.is_err());
        let Reason::DeadlineElapsed(deadline) = told.await.unwrap() else { panic!("a deadline") };
        assert_eq!(deadline.name(), Some("the report"));
    });

    struct Watch(Option<oneshot::Sender<Reason>>);
    impl Drop for Watch {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(is_cancelled().unwrap());
        }
    }
}

#[test]
fn panic_of_the_body_is_resumed_after_settling() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let task = tokio::spawn(async move {
            let body = async move {
                tokio::select! {
                    biased;
                    () = scope(async move |group| {
                        group.spawn(async move { let _inside = inside; pending::<()>().await }).await
                    }) => {}
                    () = yield_now() => std::panic::panic_any(41_u8),
                }
            };
            timeout(Duration::from_secs(10), body).await
        });
        assert_eq!(task.await.unwrap_err().into_panic().downcast_ref::<u8>(), Some(&41));
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn limit_beyond_the_clock_never_elapses() {
    on_both(|| async { assert_eq!(timeout(Duration::MAX, async { yield_now().await }).await.unwrap(), ()) });
}

#[test]
fn question_mark_into_io_error_says_timed_out() {
    async fn io() -> std::io::Result<()> {
        timeout(Duration::ZERO, pending::<()>()).await?;
        Ok(())
    }
    on_both(|| async { assert_eq!(io().await.unwrap_err().kind(), std::io::ErrorKind::TimedOut) });
}

#[test]
fn timeout_dropped_before_it_was_polled_drops_its_future_where_it_is() {
    ends("no runtime needed", || drop(timeout(LIMIT, pending::<()>())));
}

#[test]
fn failing_child_wins_over_a_deadline_that_comes_later() {
    on_both(|| async {
        let result = timeout(
            Duration::from_secs(10),
            try_scope(async |group: &TaskGroup<&str>| {
                drop(group.try_spawn(async { Err::<(), _>("boom") }));
                cancelled().await;
                pending::<Result<(), &str>>().await
            }),
        );
        assert!(matches!(result.await.unwrap(), Err(ScopeError::Failed(_))));
    });
}
