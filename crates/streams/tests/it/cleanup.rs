//! The async `finally` of a generator whose consumer went early.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Scope, hand_off, lost_releases, root_scope, scope, settled, timeout};
use bowline_streams::{Closed, TryGenerate, try_generate};
use bowline_testing::{DropLog, Polled, on_both_runtimes, on_current_thread};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{Sessions, heard, open_generator};

/// An endless generator with a session.
fn endless(sessions: &Sessions) -> TryGenerate<u32, Closed> {
    let sessions = sessions.clone();
    try_generate(async move |out| {
        sessions.open().await;
        let mut result = Ok(());
        for n in 0.. {
            result = out.emit(n).await;
            if result.is_err() {
                break;
            }
        }
        sessions.close().await;
        result
    })
}

#[test]
fn dropped_inside_a_scope_is_closed_before_the_scope_returns() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        scope(async |_| {
            let mut stream = endless(&sessions);
            assert_eq!(stream.next().await, Some(Ok(0)));
        })
        .await;
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn dropped_by_a_panic_of_the_consumer_is_closed_too() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        let consumer = scope(async |_| {
            let mut stream = endless(&sessions);
            assert_eq!(stream.next().await, Some(Ok(0)));
            panic!("the consumer");
        });
        assert!(AssertUnwindSafe(consumer).catch_unwind().await.is_err());
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn dropped_by_a_deadline_is_closed_before_it_returns() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        let elapsed = timeout(Duration::from_millis(5), async {
            let mut stream = endless(&sessions);
            assert_eq!(stream.next().await, Some(Ok(0)));
            pending::<()>().await;
        });
        assert!(elapsed.await.is_err());
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn dropped_in_a_child_is_waited_for_by_the_scope_of_the_child() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        let mut stream = endless(&sessions);
        assert_eq!(stream.next().await, Some(Ok(0)));
        scope(async |group| group.spawn(async move { drop(stream) }).await).await;
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn dropped_in_another_task_than_the_one_it_was_polled_in_is_closed() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        let mut stream = endless(&sessions);
        assert_eq!(stream.next().await, Some(Ok(0)));
        // On a thread without a runtime: the first poll's is used.
        std::thread::spawn(move || drop(stream)).join().expect("no panic");
        while sessions.closed() == 0 {
            yield_now().await;
        }
    });
}

#[test]
fn gen_04_closed_while_it_waits_elsewhere_goes_on_to_its_next_emit() {
    on_both_runtimes(async || {
        let (gate, opened) = oneshot::channel();
        let sessions = Sessions::default();
        let mut stream = try_generate({
            let sessions = sessions.clone();
            async move |out| {
                out.emit(1).await?;
                assert_eq!(opened.await, Ok("not interrupted"));
                let refused = out.emit(2).await.expect_err("the consumer has gone");
                sessions.close().await;
                Err(refused)
            }
        });
        scope(async |_| {
            assert_eq!(stream.next().await, Some(Ok(1)));
            assert!(stream.next().now_or_never().is_none());
            drop(stream);
            gate.send("not interrupted").expect("the body waits");
        })
        .await;
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn gen_05_emit_during_the_cleanup_is_refused_at_once() {
    on_both_runtimes(async || {
        let refusals = Arc::new(AtomicUsize::new(0));
        let count = refusals.clone();
        let mut stream = try_generate(async move |out| {
            let mut result = Ok(());
            for n in 0..5 {
                result = out.emit(n).now_or_never().unwrap_or(Ok(()));
                count.fetch_add(usize::from(result.is_err()), SeqCst);
                yield_now().await;
                if n == 0 {
                    result = out.emit(100).await;
                    count.fetch_add(usize::from(result.is_err()), SeqCst);
                }
            }
            result
        });
        assert_eq!(stream.next().await, Some(Ok(100)), "an emit that is dropped at once is withdrawn");
        assert_eq!(stream.aclose().await, Ok(()));
        assert_eq!(refusals.load(SeqCst), 5);
    });
}

#[test]
fn aclose_waits_for_the_cleanup_right_there() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        let mut stream = endless(&sessions);
        assert_eq!(stream.next().await, Some(Ok(0)));
        assert_eq!(stream.aclose().await, Ok(()));
        assert_eq!(sessions.closed(), 1);
    });
}

#[test]
fn aclose_under_a_deadline_moves_the_rest_to_the_scope() {
    on_current_thread(async || {
        let (sessions, began) = (Sessions::default(), Instant::now());
        scope(async |_| {
            let mut stream = try_generate({
                let sessions = sessions.clone();
                async move |out| {
                    let refused = out.emit(1).await.expect_err("closed");
                    sleep(Duration::from_secs(20)).await;
                    sessions.close().await;
                    Err(refused)
                }
            });
            assert_eq!(stream.next().await, Some(Ok(1)));
            assert!(tokio::time::timeout(Duration::from_secs(3), stream.aclose()).await.is_err());
            assert_eq!(sessions.closed(), 0);
        })
        .await;
        assert_eq!(sessions.closed(), 1);
        assert_eq!(began.elapsed().as_secs(), 20);
    });
}

#[test]
fn error_behind_items_that_nobody_asked_for_is_not_lost() {
    on_both_runtimes(async || {
        // Ends with an error while an item of another task is queued.
        let failing = || {
            let (up, left) = oneshot::channel();
            let stream = try_generate(async move |out| {
                let mut queued = Polled::new(async move { out.emit(1).await });
                queued.assert_pending();
                assert!(up.send(queued).is_ok());
                Err::<(), _>("out of paper")
            });
            (stream, left)
        };
        let (mut stream, left) = failing();
        assert!(stream.next().now_or_never().is_some_and(|item| item == Some(Ok(1))));
        assert_eq!(stream.aclose().await, Err("out of paper"));
        drop(left);

        let (mut stream, left) = failing();
        assert_eq!(stream.next().await, Some(Ok(1)));
        let heard = heard(async || drop(stream)).await;
        assert_eq!(heard, ["the cleanup of a generator failed: \"out of paper\""]);
        drop(left);
    });
}

#[test]
fn cleanup_that_hangs_is_given_up_after_30_s_and_reported() {
    on_current_thread(async || {
        let (log, began) = (DropLog::default(), Instant::now());
        let probe = log.probe("body");
        let heard = heard(async || {
            let mut stream = try_generate(async move |out| {
                let _probe = probe;
                drop(out.emit(1).await);
                pending::<Result<(), Closed>>().await
            });
            assert_eq!(stream.next().await, Some(Ok(1)));
        })
        .await;
        assert_eq!(heard, ["the cleanup of a generator was not done after 30s"]);
        assert_eq!(began.elapsed().as_secs(), 30);
        assert_eq!(log.drops(), ["body"]);
    });
}

#[test]
fn panic_of_an_abandoned_cleanup_is_reported() {
    on_both_runtimes(async || {
        let heard = heard(async || {
            let mut stream = try_generate(async |out| {
                drop(out.emit(1).await);
                yield_now().await;
                panic!("in the cleanup")
            });
            assert_eq!(stream.next().await, Some(Ok::<_, Closed>(1)));
        })
        .await;
        assert_eq!(heard, ["the cleanup of a generator panicked: in the cleanup"]);
    });
}

#[test]
fn gen_09_root_waits_for_generators_that_are_alive_at_its_end() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        root_scope(async {
            let mut streams: Vec<_> = (0..10).map(|_| endless(&sessions)).collect();
            for stream in &mut streams {
                assert_eq!(stream.next().await, Some(Ok(0)));
            }
            // One is alive in a destructor that hands off itself.
            let mut last = endless(&sessions);
            assert_eq!(last.next().await, Some(Ok(0)));
            hand_off(&Handle::current(), "a destructor", async move {
                yield_now().await;
                drop(last);
            });
        })
        .await
        .expect("not interrupted");
        assert_eq!((sessions.opened(), sessions.closed()), (11, 11));
    });
}

#[test]
fn gen_09_cleanup_that_a_dying_runtime_cut_short_is_counted_and_reported() {
    let before = lost_releases();
    let list = Arc::new(Mutex::new(Vec::new()));
    let sessions = Sessions::default();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let sink = list.clone();
    let mut open = Box::pin(scope(async |_| {
        Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.to_string()));
        let mut stream = endless(&sessions);
        assert_eq!(stream.next().await, Some(Ok(0)));
        drop(stream);
        settled().await;
    }));
    runtime.block_on(async {
        // The session opens, and the stream is dropped.
        for _ in 0..2 {
            tokio::select! { biased; () = &mut open => unreachable!(), () = yield_now() => {} }
        }
    });
    drop(runtime);
    assert_eq!((sessions.opened(), sessions.closed()), (1, 0));
    assert_eq!(
        *list.lock().unwrap(),
        ["the cleanup of a generator was cut short by the end of its runtime; drain the scope before the runtime goes"]
    );
    assert_eq!(lost_releases(), before + 1);
    drop(open);
}

#[test]
fn emit_of_others_is_told_when_the_generator_is_dropped() {
    on_both_runtimes(async || {
        let (mut stream, out, _end) = open_generator();
        let others: Vec<_> = (0..4)
            .map(|n| {
                let out = out.clone();
                tokio::spawn(async move { out.emit(n).await })
            })
            .collect();
        assert!(stream.next().await.is_some());
        drop(stream);
        for other in others {
            assert!(other.await.expect("no panic").is_err());
        }
    });
}
