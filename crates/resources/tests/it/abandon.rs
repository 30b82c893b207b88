//! What no release could end goes to `abandon`: once, with the value if its release had not begun.

use std::{future::pending, time::Duration};

use bowline_concurrency::scope;
use bowline_resources::{Exit, Resource, lease, with};
use bowline_testing::{Polled, on_both_runtimes, on_current_thread};
use tokio::{runtime::Builder, task::yield_now};

use crate::support::{Log, Stuck, observe};

#[derive(Clone, Copy)]
enum Release {
    Ends,
    Fails,
    Panics,
    Hangs,
}

/// Logs its abandonment.
struct Abandoned(Log, Release, bool);

impl Resource for Abandoned {
    type Value = u32;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<u32, Stuck> {
        Ok(7)
    }

    async fn release(&mut self, value: u32, _: Exit) -> Result<(), Stuck> {
        yield_now().await;
        self.0.add(format!("releasing {value}"));
        match self.1 {
            Release::Ends => Ok(()),
            Release::Fails => Err(Stuck("release")),
            Release::Panics => panic!("the release panics"),
            Release::Hangs => pending().await,
        }
    }

    fn release_within(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn abandon(&mut self, value: Option<u32>) {
        self.0.add(format!("abandoned {value:?}"));
        assert!(!self.2, "the abandonment panics");
    }
}

async fn dropped(log: &Log, release: Release, panics: bool) {
    scope(async |_| {
        observe(log);
        drop(lease(Abandoned(log.clone(), release, panics)).await.expect("it always opens"));
    })
    .await;
}

#[test]
fn rs_15_a_release_that_returned_is_not_abandoned() {
    on_both_runtimes(async || {
        let log = Log::default();
        with(Abandoned(log.clone(), Release::Ends, false), async |_| Ok::<_, Stuck>(())).await.unwrap();
        with(Abandoned(log.clone(), Release::Fails, false), async |_| Ok::<_, Stuck>(())).await.unwrap_err();
        dropped(&log, Release::Ends, false).await;
        dropped(&log, Release::Fails, false).await;
        assert!(log.all("abandoned ").is_empty(), "{:?}", log.entries());
    });
}

#[test]
fn rs_15_a_release_cut_by_its_deadline_is_abandoned_without_its_value() {
    on_current_thread(async || {
        let log = Log::default();
        dropped(&log, Release::Hangs, false).await;
        assert_eq!(log.entries(), ["releasing 7", "abandoned None", "observed overdue of the release"]);
        // And one that hung before its caller went.
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let used = with(Abandoned(log.clone(), Release::Hangs, false), async |_| Ok::<_, Stuck>(()));
            Polled::new(used).assert_pending();
        })
        .await;
        assert_eq!(log.entries(), ["releasing 7", "abandoned None", "observed overdue of the release"]);
    });
}

#[test]
fn rs_15_a_release_that_panics_is_abandoned_without_its_value() {
    on_both_runtimes(async || {
        let log = Log::default();
        dropped(&log, Release::Panics, false).await;
        assert_eq!(log.entries(), ["releasing 7", "abandoned None", "observed panic of the release"]);
    });
}

#[test]
fn an_abandonment_that_panics_is_reported_and_nothing_more() {
    on_current_thread(async || {
        let log = Log::default();
        dropped(&log, Release::Hangs, true).await;
        let observed = ["panic of the abandonment", "overdue of the release"];
        assert_eq!(log.all("observed "), observed);
        // Of a release that panics, too: a second panic in a destructor would end the process.
        let log = Log::default();
        dropped(&log, Release::Panics, true).await;
        assert_eq!(log.all("observed "), ["panic of the abandonment", "panic of the release"]);
    });
}

#[test]
fn rs_15_a_runtime_that_has_ended_abandons_with_the_value_what_has_not_begun() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(lease(Abandoned(log.clone(), Release::Ends, false))).unwrap();
    drop(runtime);
    drop(held);
    assert_eq!(log.entries(), ["abandoned Some(7)"]);
}

#[test]
fn rs_15_a_runtime_that_ends_in_the_middle_of_a_release_abandons_without_the_value() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        drop(lease(Abandoned(log.clone(), Release::Hangs, false)).await.unwrap());
        while log.entries().is_empty() {
            yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!(log.entries(), ["releasing 7", "abandoned None"]);
}
