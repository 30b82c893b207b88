//! Closures on threads: whatever of them nobody takes is dropped below the call.

use std::sync::{Arc, Mutex, mpsc};

use bowline_concurrency::{RunBlocking, Scope, SpawnBlocking, scope};
use tokio::{runtime::Handle, sync::oneshot};

use crate::{support::on_both, world::World};

#[test]
fn value_of_a_call_that_was_dropped_is_released_before_its_scope_returns() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let inside = world.clone();
            let runtime = Handle::current();
            let (up, running) = oneshot::channel();
            let (end, gate) = mpsc::channel::<()>();
            let call = SpawnBlocking.run_blocking(move || {
                up.send(()).unwrap();
                let _ = gate.recv();
                let _runtime = runtime.enter();
                inside.lease()
            });
            tokio::select! {
                biased;
                _ = call => unreachable!("the gate is closed"),
                _ = running => {}
            }
            drop(end);
        })
        .await;
        world.assert_clean();
    });
}

#[test]
fn closure_that_never_runs_is_dropped_below_its_call() {
    let world = World::default();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let inside = world.clone();
    runtime.block_on(async move {
        scope(async |_| {
            let (up, running) = oneshot::channel();
            let (end, gate) = mpsc::channel::<()>();
            let _first = SpawnBlocking.run_blocking(move || {
                up.send(()).unwrap();
                let _ = gate.recv();
            });
            running.await.unwrap();
            let lease = inside.lease();
            drop(SpawnBlocking.run_blocking(move || drop(lease))); // Waits behind the first, and is given up.
            drop(end);
        })
        .await;
        inside.assert_clean();
    });
    world.assert_clean();
}

#[test]
fn panic_of_a_call_that_was_dropped_reaches_the_observer_whenever_that_happens() {
    on_both(|| async {
        for _ in 0..200 {
            let heard = Arc::new(Mutex::new(0));
            let sink = heard.clone();
            scope(async |_| {
                Scope::current().observe_failures(move |failure| {
                    assert!(failure.is_panic());
                    *sink.lock().unwrap() += 1;
                });
                let (up, running) = oneshot::channel();
                // `resume_unwind`: no line on standard error for each.
                let call = SpawnBlocking.run_blocking(move || {
                    up.send(()).unwrap();
                    std::panic::resume_unwind(Box::new("boom"));
                });
                let _ = running.await;
                drop(call); // Before, while or after it panics.
            })
            .await;
            assert_eq!(*heard.lock().unwrap(), 1);
        }
    });
}
