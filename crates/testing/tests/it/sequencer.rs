//! Steps come in their order, or the sequence breaks loudly.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bowline_concurrency::scope;
use bowline_testing::{Polled, Sequencer, on_both_runtimes, on_current_thread};
use tokio::task::yield_now;

use crate::{assert_contains, panic_of};

#[test]
fn dx_12_forces_one_interleaving_across_tasks() {
    on_both_runtimes(async || {
        for _ in 0..20 {
            let sequencer = Sequencer::default();
            let order = Arc::new(Mutex::new(Vec::new()));
            scope(async |group| {
                // Spawned in the wrong order, on purpose.
                for task in (0..4).rev() {
                    let (sequencer, order) = (sequencer.clone(), order.clone());
                    drop(group.spawn(async move {
                        for round in 0..3 {
                            let _turn = sequencer.step(round * 4 + task).await;
                            yield_now().await; // The turn holds across an await.
                            order.lock().unwrap().push(round * 4 + task);
                        }
                    }));
                }
            })
            .await;
            assert!(order.lock().unwrap().iter().copied().eq(0..12));
        }
    });
}

#[test]
fn dx_12_threads_take_part() {
    on_both_runtimes(async || {
        let sequencer = Sequencer::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let thread = tokio::task::spawn_blocking({
            let (sequencer, order) = (sequencer.clone(), order.clone());
            move || {
                for step in [1, 3] {
                    let _turn = sequencer.step_blocking(step);
                    order.lock().unwrap().push(step);
                }
            }
        });
        for step in [0, 2, 4] {
            let _turn = sequencer.step(step).await;
            order.lock().unwrap().push(step);
        }
        thread.await.unwrap();
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn dx_12_a_cancelled_step_breaks_it_for_everybody() {
    let sequencer = Sequencer::default();
    let mut last = Polled::new(sequencer.step(3));
    last.assert_pending();
    let mut cancelled = Polled::new(sequencer.step(2));
    cancelled.assert_pending();
    drop(cancelled);

    assert!(last.is_woken());
    let broken = "the sequence is broken: step 2 was cancelled while it waited";
    assert_eq!(panic_of(|| last.assert_pending()), broken);
    assert_eq!(panic_of(|| drop(sequencer.step_blocking(0))), broken);
}

#[test]
#[should_panic(expected = "the sequence is broken: step 1 was cancelled while it waited")]
fn dx_12_a_broken_sequence_fails_the_test() {
    on_current_thread(async || {
        let sequencer = Sequencer::default();
        scope(async |group| {
            drop(group.spawn({
                let sequencer = sequencer.clone();
                async move {
                    sequencer.step(2).await;
                }
            }));
            let _ = tokio::time::timeout(Duration::from_secs(1), sequencer.step(1)).await;
        })
        .await;
    });
}

#[test]
fn dx_12_a_panic_in_a_turn_breaks_it_with_the_number() {
    let sequencer = Sequencer::default();
    let thread = thread::spawn({
        let sequencer = sequencer.clone();
        move || {
            let _turn = sequencer.step_blocking(0);
            panic!("in the turn");
        }
    });
    assert_contains(&panic_of(|| drop(sequencer.step_blocking(1))), "the sequence is broken: step 0 panicked");
    assert!(thread.join().is_err());
}

#[test]
fn dx_12_a_step_is_taken_once() {
    let sequencer = Sequencer::default();
    drop(sequencer.step_blocking(0));
    assert_eq!(panic_of(|| drop(sequencer.step_blocking(0))), "step 0 of the sequence was taken before");
    // The second one who wants a step breaks nothing.
    let mut waiting = Polled::new(sequencer.step(2));
    waiting.assert_pending();
    assert_eq!(panic_of(|| drop(sequencer.step_blocking(2))), "step 2 of the sequence was taken before");
    drop(sequencer.step_blocking(1));
    drop(waiting.assert_ready());
}

#[test]
fn dx_12_a_step_that_was_never_polled_breaks_nothing() {
    let sequencer = Sequencer::default();
    drop(sequencer.step(0));
    drop(sequencer.step_blocking(0));
}

#[test]
#[should_panic(expected = "nothing can progress")]
fn dx_12_a_step_that_nobody_takes_is_a_deadlock() {
    on_current_thread(async || {
        Sequencer::default().step(1).await;
    });
}
