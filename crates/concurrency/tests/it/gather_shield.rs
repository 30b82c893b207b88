//! Gathered work that is shielded, and shielded work that is gathered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Scope, gather, scope, shield};
use bowline_testing::Polled;
use tokio::{sync::watch, task::yield_now};

use crate::support::{on_both, stays_pending};

const BUDGET: Duration = Duration::from_secs(10);

/// Ends when the gate has opened.
async fn step(mut gate: watch::Receiver<bool>, done: Arc<AtomicUsize>) -> usize {
    let _ = gate.wait_for(|open| *open).await;
    done.fetch_add(1, SeqCst)
}

#[test]
fn ga_25_a_shielded_call_goes_on_when_its_caller_is_cancelled_and_passes_its_end_through_otherwise() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        let (open, gate) = watch::channel(false);
        scope(async |_| {
            Polled::new(shield(BUDGET, step(gate, done.clone()))).assert_pending();
            open.send_replace(true);
        })
        .await;
        assert_eq!(done.load(SeqCst), 1, "the scope has waited for the rest");
        assert_eq!(shield(BUDGET, async { Err::<(), _>("an error") }).await, Err("an error"));
        let (open, shut) = tokio::sync::oneshot::channel::<()>();
        let mut inner = Polled::new(shield(BUDGET, shut));
        stays_pending(&mut inner).await;
        drop(open); // What happens to the inner work is seen outside.
        assert!(crate::support::finish(&mut inner).await.is_err());
    });
}

#[test]
fn ga_26_what_an_abandoned_shield_fails_with_is_reported_once_and_success_is_silent() {
    on_both(|| async {
        let reports = Arc::new(AtomicUsize::new(0));
        let counted = reports.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure| {
                assert!(failure.is_panic(), "{failure}");
                counted.fetch_add(1, SeqCst);
            });
            let failing = async {
                yield_now().await;
                panic!("after its caller has gone");
            };
            Polled::new(shield(BUDGET, failing)).assert_pending();
            let (open, gate) = watch::channel(false);
            Polled::new(shield(BUDGET, step(gate, Arc::default()))).assert_pending();
            open.send_replace(true);
        })
        .await;
        assert_eq!(reports.load(SeqCst), 1);
    });
}

#[test]
fn ga_27_the_inner_work_survives_in_a_gather_of_shields_and_in_a_shield_of_a_gather() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        let (open, gate) = watch::channel(false);
        let step = || step(gate.clone(), done.clone());
        scope(async |_| {
            Polled::new(gather((0..3).map(|_| shield(BUDGET, step())))).assert_pending();
            open.send_replace(true);
        })
        .await;
        assert_eq!(done.load(SeqCst), 3);
        open.send_replace(false);
        scope(async |_| {
            let all: Vec<_> = (0..3).map(|_| step()).collect();
            Polled::new(shield(BUDGET, gather(all))).assert_pending();
            open.send_replace(true);
        })
        .await;
        assert_eq!(done.load(SeqCst), 6);
    });
}
