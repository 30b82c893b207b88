//! Work that is finished although its caller has gone.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Scope, hand_off, lost_releases, scope, shield};
use tokio::{runtime::Handle, task::yield_now};

use crate::support::{ends, on_both, paused};

const BUDGET: Duration = Duration::from_secs(30);

/// Suspends `n` times, then counts.
async fn steps(n: usize, done: Arc<AtomicUsize>) {
    for _ in 0..n {
        yield_now().await;
    }
    done.fetch_add(1, SeqCst);
}

#[test]
fn cs_09_shielded_work_dropped_at_every_await_is_finished_before_the_scope_returns() {
    on_both(|| async {
        for polls in 1..=5 {
            let done = Arc::new(AtomicUsize::new(0));
            scope(async |_| {
                let mut work = Box::pin(shield(BUDGET, steps(5, done.clone())));
                for _ in 0..polls {
                    tokio::select! { biased; () = &mut work => unreachable!(), () = async {} => {} }
                }
            })
            .await;
            assert_eq!(done.load(SeqCst), 1, "dropped after {polls} polls");
        }
    });
}

#[test]
fn shielded_work_that_was_never_polled_is_not_begun() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        scope(async |_| drop(shield(BUDGET, steps(0, done.clone())))).await;
        assert_eq!(done.load(SeqCst), 0);
    });
}

#[test]
fn output_that_nobody_takes_goes_to_when_orphaned() {
    on_both(|| async {
        let taken = Arc::new(AtomicUsize::new(0));
        let sink = taken.clone();
        scope(async move |_| {
            let work = async {
                yield_now().await;
                7
            };
            let mut work = Box::pin(shield(BUDGET, work).when_orphaned(move |value| sink.store(value, SeqCst)));
            tokio::select! { biased; _ = &mut work => unreachable!(), () = async {} => {} }
        })
        .await;
        assert_eq!(taken.load(SeqCst), 7);
    });
}

#[test]
fn cs_10_orphaned_work_over_its_budget_is_dropped_and_reported() {
    paused(async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = heard.clone();
        let began = tokio::time::Instant::now();
        scope(async move |_| {
            Scope::current().observe_failures(move |failure| {
                assert!(failure.is_overdue());
                sink.lock().unwrap().push(failure.origin().to_owned());
            });
            let mut work = Box::pin(shield(BUDGET, std::future::pending::<()>()).named("a commit"));
            tokio::select! { biased; () = &mut work => unreachable!(), () = async {} => {} }
        })
        .await;
        assert_eq!(began.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(*heard.lock().unwrap(), ["a commit"]);
    });
}

#[test]
fn work_that_a_dying_runtime_cut_short_is_counted_and_reported() {
    ends("runtime goes", || {
        let before = lost_releases();
        let heard = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sink = heard.clone();
        let mut open = Box::pin(scope(async move |_| {
            Scope::current().observe_failures(move |failure| {
                assert!(failure.is_lost());
                sink.fetch_add(1, SeqCst);
            });
            hand_off(&Handle::current(), "never done", std::future::pending());
        }));
        runtime.block_on(async {
            tokio::select! { biased; () = &mut open => unreachable!(), () = yield_now() => {} }
        });
        drop(runtime);
        assert_eq!(heard.load(SeqCst), 1);
        assert_eq!(lost_releases(), before + 1);
        drop(open);
        // On a runtime that has gone already, the work is lost too, and neither panics nor hangs.
        let handle = {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.handle().clone()
        };
        hand_off(&handle, "too late", async {});
        assert_eq!(lost_releases(), before + 2);
    });
}

#[test]
fn shielded_work_dropped_outside_every_scope_goes_to_that_of_its_latest_poll() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        scope(async |_| {
            let mut work = Box::pin(shield(BUDGET, steps(5, done.clone())));
            tokio::select! { biased; () = &mut work => unreachable!(), () = async {} => {} }
            std::thread::spawn(move || drop(work)).join().unwrap();
        })
        .await;
        assert_eq!(done.load(SeqCst), 1, "the scope has not waited");
    });
}
