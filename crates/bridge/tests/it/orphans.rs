//! Calls whose caller has gone.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use bowline_concurrency::{Failure, Scope, scope};
use bowline_testing::{DropLog, hold_clock, on_both_runtimes};

use crate::gate::{Gate, gated_with, run_until_gate, single};
use bowline_bridge::{BlockingPool, CallContext};

/// Runs a call until its gate, drops it inside a scope, and returns after that scope.
async fn abandon<T: Send + 'static>(
    pool: &BlockingPool,
    end: impl FnOnce(&CallContext) -> T + Send + 'static,
    prepare: impl FnOnce(bowline_bridge::Call<T>) -> bowline_bridge::Call<T>,
) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let observer = heard.clone();
    let text = "no test panics under this lock";
    scope(async |_| {
        Scope::current()
            .observe_failures(move |failure: &Failure| observer.lock().expect(text).push(failure.to_string()));
        let (call, mut gate) = gated_with(pool, end);
        let mut call = prepare(call);
        run_until_gate(&mut call, &mut gate).await;
        drop(call);
        open_when_scope_waits(gate);
    })
    .await;
    std::mem::take(&mut heard.lock().expect(text))
}

/// The body ends at once; the gate opens on another thread, later.
fn open_when_scope_waits(gate: Gate) {
    std::thread::spawn(move || {
        for _ in 0..100 {
            std::thread::yield_now();
        }
        gate.open();
    });
}

#[test]
fn br_04_the_scope_of_a_dropped_caller_waits_for_the_thread() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let over = Arc::new(AtomicBool::new(false));
        let flag = over.clone();
        let heard = abandon(&pool, move |_| flag.store(true, Ordering::Relaxed), |call| call).await;
        assert!(over.load(Ordering::Relaxed), "the scope returned while the call was running");
        assert_eq!(pool.statistics().running, 0, "and its thread is free");
        assert!(pool.try_run(|_| ()).is_ok(), "and its place");
        assert_eq!(heard, [""; 0]);
    });
}

#[test]
fn br_06_a_running_call_sees_that_its_caller_has_gone() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let seen = Arc::new(Mutex::new(None));
        let note = seen.clone();
        abandon(
            &pool,
            move |cx| {
                let error = std::io::Error::from(cx.clone().check().unwrap_err());
                *note.lock().unwrap() = Some(error.to_string());
            },
            |call| call,
        )
        .await;
        assert_eq!(seen.lock().unwrap().as_deref(), Some("the caller of this blocking call has gone: end it"));
    });
}

#[test]
fn the_value_of_an_orphan_goes_to_its_handler() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let taken = Arc::new(Mutex::new(None));
        let place = taken.clone();
        abandon(&pool, |_| 42, |call| call.when_orphaned(move |value| *place.lock().unwrap() = Some(value))).await;
        assert_eq!(*taken.lock().unwrap(), Some(42));
    });
}

#[test]
fn the_value_of_an_orphan_is_dropped_before_the_scope_returns() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let log = DropLog::default();
        let probe = log.probe("value");
        abandon(&pool, move |_| probe, |call| call).await;
        assert_eq!(log.count("value"), 1);
    });
}

#[test]
fn the_error_of_an_orphan_is_reported_where_its_caller_was() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let heard =
            abandon(&pool, |_| Err::<(), _>("disk full"), |call| call.named("insert").report_orphaned_error()).await;
        assert_eq!(heard, ["db: insert failed: \"disk full\""]);
    });
}

#[test]
fn the_panic_of_an_orphan_is_reported_and_its_thread_lives_on() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let heard = abandon(&pool, |_| -> () { panic!("boom") }, |call| call.named("insert")).await;
        assert_eq!(heard, ["db: insert panicked: boom"]);
        assert_eq!(pool.run(|_| 1).await, Ok(1));
    });
}

#[test]
fn a_handler_that_panics_is_reported_and_the_thread_lives_on() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let heard = abandon(&pool, |_| (), |call| call.named("insert").when_orphaned(|()| panic!("boom"))).await;
        assert_eq!(heard, ["db: insert: the end of its result panicked: boom"]);
        assert_eq!(pool.run(|_| 1).await, Ok(1));
    });
}

#[test]
fn an_answer_that_the_caller_did_not_live_to_read_is_an_orphan_too() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let taken = Arc::new(AtomicBool::new(false));
        let flag = taken.clone();
        let (call, mut gate) = gated_with(&pool, |_| ());
        let mut call = call.when_orphaned(move |()| flag.store(true, Ordering::Relaxed));
        run_until_gate(&mut call, &mut gate).await;
        gate.open();
        pool.idle().await;
        // The answer follows the seat: wait until the thread is back for the next call.
        pool.run(|_| ()).await.unwrap();
        drop(call);
        assert!(taken.load(Ordering::Relaxed));
    });
}

#[test]
fn br_04_a_call_dropped_outside_every_scope_is_waited_for_where_it_was_made() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let over = Arc::new(AtomicBool::new(false));
        let flag = over.clone();
        scope(async |_| {
            let (mut call, mut gate) = gated_with(&pool, move |_| flag.store(true, Ordering::Relaxed));
            run_until_gate(&mut call, &mut gate).await;
            std::thread::spawn(move || drop(call)).join().expect("a drop does not panic");
            open_when_scope_waits(gate);
        })
        .await;
        assert!(over.load(Ordering::Relaxed), "the scope returned while the call was running");
    });
}
