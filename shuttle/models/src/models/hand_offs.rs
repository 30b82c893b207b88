//! Work that is handed off while its scope ends.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Waker},
};

use bowline_concurrency::{RunBlocking, Scope, SpawnBlocking, scope, shield};
use tokio::runtime::Handle;

use crate::support::{Census, NEVER, any, moments, turn};

pub(crate) async fn hand_off_against_close() {
    let census = Census::default();
    scope(async |outer| {
        let inner = scope(async |_| {
            let here = Scope::current();
            let (place, owed) = (here.clone(), census.enter());
            drop(outer.spawn(async move {
                moments(4).await;
                place.hand_off(&Handle::current(), "work", async move {
                    moments(3).await;
                    drop(owed);
                });
            }));
            moments(4).await;
            here
        })
        .await;
        let settled = pin!(inner.settled()).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(settled, "something was added to a scope that had returned");
    })
    .await;
    census.assert_empty("the enclosing scope");
}

pub(crate) async fn holds_in_threads() {
    let census = Census::default();
    scope(async |_| {
        for _ in 0..2 {
            // From the scope of the body, which stays, or from one that has returned meanwhile.
            let place = if any(2) == 0 { Scope::current() } else { scope(async |_| Scope::current()).await };
            let (hold, here) = (place.hold("a thread"), census.enter());
            drop(shuttle::thread::spawn(move || {
                turn();
                drop(here);
                drop(hold);
            }));
            moments(3).await;
        }
    })
    .await;
    census.assert_empty("the scope");
}

pub(crate) async fn blocking_call() {
    let [begun, finished] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    scope(async |_| {
        let (begun, finished) = (begun.clone(), finished.clone());
        let call = SpawnBlocking.run_blocking(move || {
            begun.store(true, SeqCst);
            turn();
            finished.store(true, SeqCst);
        });
        tokio::select! {
            result = call => result.expect("it is not refused"),
            () = moments(3) => {}
        }
    })
    .await;
    assert_eq!(begun.load(SeqCst), finished.load(SeqCst), "still running");
}

pub(crate) async fn shielded() {
    let [begun, finished] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    scope(async |_| {
        let (begun, finished) = (begun.clone(), finished.clone());
        let commit = shield(NEVER, async move {
            begun.store(true, SeqCst);
            moments(4).await;
            finished.store(true, SeqCst);
        });
        tokio::select! {
            () = commit => {}
            () = moments(4) => {}
        }
    })
    .await;
    assert_eq!(begun.load(SeqCst), finished.load(SeqCst), "half-done");
}
