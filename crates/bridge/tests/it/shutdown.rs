//! Ends of pools.

use std::{cell::RefCell, sync::mpsc, time::Duration};

use bowline_bridge::CallError;
use bowline_testing::{hold_clock, on_both_runtimes};

use crate::gate::{begin, gated, run_until_gate, single};

#[test]
fn br_26_a_shutdown_is_bounded_and_names_the_stuck_calls() {
    on_both_runtimes(async || {
        let clock = hold_clock();
        let pool = single(1);
        let (stuck, mut gate) = gated(&pool);
        let mut stuck = stuck.named("vacuum");
        run_until_gate(&mut stuck, &mut gate).await;
        let queued = begin(pool.run(|_| unreachable!("it is refused")));
        let waiting = begin(pool.run(|_| unreachable!("it is refused")));

        drop(clock);
        let report = pool.shutdown(Duration::from_millis(10)).await;
        let _clock = hold_clock();
        assert!(!report.is_clean());
        assert_eq!(report.refused(), 1, "one was queued; the other had no place");
        let names: Vec<_> = report.stuck().iter().map(|call| call.name()).collect();
        assert_eq!(names, ["vacuum"]);
        assert!(
            report
                .to_string()
                .starts_with("the pool db was shut down: 1 queued calls were refused, 1 were stuck: vacuum (")
        );
        for refused in [queued, waiting] {
            let error = refused.await.unwrap_err();
            assert!(matches!(&error, CallError::Closed { pool, .. } if &**pool == "db"));
        }
        gate.open();
        assert_eq!(stuck.await, Ok(true), "told to end, and answered all the same");
    });
}

#[test]
fn a_shutdown_lets_accepted_calls_finish() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(4);
        let (mut first, mut gate) = gated(&pool);
        run_until_gate(&mut first, &mut gate).await;
        let queued = begin(pool.run(|cx| cx.is_cancelled()));
        gate.open();
        assert!(pool.shutdown(Duration::from_secs(10)).await.is_clean());
        assert_eq!((first.await, queued.await), (Ok(false), Ok(false)));
        assert!(pool.run(|_| ()).await.is_err());
        let refused = pool.try_run(|_| 1).unwrap_err();
        assert!(!refused.is_full());
        assert_eq!(refused.to_string(), "the pool db was shut down: stop calling before you shut it down");
    });
}

#[test]
fn a_call_without_a_name_is_told_by_its_place() {
    on_both_runtimes(async || {
        let clock = hold_clock();
        let pool = single(0);
        let (mut call, mut gate) = gated(&pool);
        run_until_gate(&mut call, &mut gate).await;
        drop(clock);
        let report = pool.shutdown(Duration::ZERO).await;
        assert!(report.stuck()[0].name().starts_with("the call at "), "{report}");
        assert!(report.stuck()[0].location().file().ends_with("gate.rs"));
        gate.open();
    });
}

#[test]
fn dropping_the_last_handle_blocks_nobody_and_ends_the_threads_after_the_queue() {
    thread_local! {
        static AT_END: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
    }
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        let (end, ended) = mpsc::channel();
        pool.run(|_| AT_END.set(Some(end))).await.unwrap();
        let (mut running, mut gate) = gated(&pool);
        run_until_gate(&mut running, &mut gate).await;
        let queued = begin(pool.run(|_| "still runs"));
        drop(pool);
        gate.open();
        assert_eq!((running.await, queued.await), (Ok(false), Ok("still runs")));
        assert!(ended.recv().is_err(), "dropped with the locals of the thread");
    });
}

#[test]
fn dropping_the_last_handle_ends_threads_that_are_idle() {
    thread_local! {
        static AT_END: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
    }
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let (end, ended) = mpsc::channel();
        pool.run(|_| AT_END.set(Some(end))).await.unwrap();
        pool.run(|_| ()).await.unwrap();
        drop(pool);
        assert!(ended.recv().is_err());
    });
}

#[test]
fn a_place_that_was_taken_before_a_shutdown_is_of_no_use_after_it() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let call = pool.try_run(|_| unreachable!("it is refused")).unwrap();
        assert!(pool.shutdown(Duration::from_secs(1)).await.is_clean());
        assert_eq!(
            call.await.unwrap_err().to_string(),
            "the pool db was shut down before the call could begin: stop calling before you shut it down"
        );
    });
}
