//! Waiting until all others wait: not too early, and only where that can be known.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use bowline_testing::{all_blocked, on_current_thread, on_multi_thread};
use tokio::{
    sync::mpsc,
    task::{spawn_blocking, yield_now},
    time::{Instant, sleep},
};

#[test]
fn dx_11_returns_only_when_all_others_are_blocked() {
    on_current_thread(async || {
        // A chain of wake-ups, longer than any number of yields that one would guess.
        let turns = Arc::new(AtomicUsize::new(0));
        let (first, mut receiver) = mpsc::channel::<()>(1);
        for _ in 0..200 {
            let (sender, next) = mpsc::channel(1);
            let mut receiver = std::mem::replace(&mut receiver, next);
            let turns = turns.clone();
            drop(tokio::spawn(async move {
                while receiver.recv().await.is_some() {
                    yield_now().await;
                    turns.fetch_add(1, Ordering::Relaxed);
                    sender.send(()).await.unwrap();
                }
            }));
        }
        first.send(()).await.unwrap();
        all_blocked().await;
        assert_eq!(turns.load(Ordering::Relaxed), 200);
        drop(first);
    });
}

#[test]
fn dx_11_the_cushion_lets_short_timers_end() {
    on_current_thread(async || {
        let sleeper = tokio::spawn(sleep(Duration::from_millis(50)));
        let start = Instant::now();
        all_blocked().await;
        assert!(!sleeper.is_finished());
        assert!(start.elapsed() <= Duration::from_millis(2), "it hardly moves the clock");
        all_blocked().cushion(Duration::from_millis(100)).await;
        assert!(sleeper.is_finished());
    });
}

#[test]
fn dx_11_can_be_cancelled() {
    on_current_thread(async || {
        let busy = tokio::spawn(async {
            for _ in 0..50 {
                yield_now().await;
            }
        });
        tokio::select! {
            biased;
            () = all_blocked() => panic!("the other task is not blocked"),
            () = yield_now() => {}
        }
        busy.await.unwrap();
    });
}

#[test]
fn dx_10_a_busy_blocking_thread_is_not_blocked() {
    on_current_thread(async || {
        // The thread has to be busy in real time: that is what the test is about.
        let busy = spawn_blocking(|| thread::sleep(Duration::from_millis(20)));
        all_blocked().await;
        assert!(busy.is_finished());
    });
}

#[test]
#[should_panic(expected = "needs the paused clock of `on_current_thread`")]
fn dx_11_is_refused_where_nobody_can_know() {
    on_multi_thread(async || all_blocked().await);
}
