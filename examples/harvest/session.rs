//! One run from the first line to the summary, and what the command makes of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bowline_concurrency::{BackgroundTasks, shutdown_requested};
use bowline_resources::{Exit, Resource, with};
use reqwest::Url;

use crate::{
    args::Options,
    copy::{Ended, Job, copy},
    error::Error,
    progress,
    store::{Run, Store, StoreError, Stored},
    tally::{Figures, Summary, Tally},
};

/// A session that did not fail.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// Its figures.
    pub figures: Figures,
    /// What the run has stored in all sessions.
    pub whole_run: Stored,
}

/// Copies the API at `url`.
///
/// # Errors
///
/// The database cannot be opened, or the run fails.
pub async fn copy_url(options: &Options, url: &Url) -> Result<Outcome, Error> {
    with(OpenStore(options.clone()), async |store: &mut Store| {
        let job = Job::new(options, url, url.as_str(), Tally::default())?;
        run_once(options, job, store, |_| ()).await
    })
    .await
}

/// The database as a resource: closed however the session ends.
#[derive(Debug)]
pub struct OpenStore(pub Options);

impl Resource for OpenStore {
    type Value = Store;
    type Error = StoreError;

    async fn acquire(&mut self) -> Result<Store, StoreError> {
        let slow_commit = Duration::from_millis(self.0.slow_commit_ms.unwrap_or(0));
        Store::open(&self.0.db, &self.0.table, slow_commit).await
    }

    async fn release(&mut self, store: Store, _: Exit) -> Result<(), StoreError> {
        store.close().await;
        Ok(())
    }
}

/// One run, or what is left of it; `begun` hears which one before the first request.
///
/// # Errors
///
/// See [`copy`].
pub async fn run_once(options: &Options, job: Job, store: &Store, begun: impl FnOnce(&Run)) -> Result<Outcome, Error> {
    let started = Instant::now();
    let run = store.begin_run(job.source(), options.fresh).await?;
    begun(&run);
    announce(options, &run);
    let job = Arc::new(job);
    let beside = BackgroundTasks::new();
    let (asked, stopping) = (shutdown_requested(), job.clone());
    let listen = async move {
        asked.await;
        stopping.stop(Ended::Interrupted);
    };
    // Refused only outside a runtime.
    beside.spawn("the wait for Ctrl-C", listen).ok();
    beside.spawn("progress", progress::show(job.clone(), options.verbose == 0)).ok();

    let result = copy(&job, store, &run).await;
    beside.shutdown(Duration::ZERO).await;
    let ended = result?;
    let whole_run = store.whole_run(&run).await?;
    let figures = job.tally().figures();
    let summary = Summary { figures, whole_run: run.resumed.then_some(whole_run), took: started.elapsed() };
    eprint!("run {} {}\n{summary}", run.ordinal, describe(ended));
    Ok(Outcome { ended, figures, whole_run })
}

fn announce(options: &Options, run: &Run) {
    let place = format!("table {} of {}", options.table, options.db.display());
    match run.resumed {
        true => eprintln!("run {} goes on after page {}, into {place}", run.ordinal, run.checkpoint.done()),
        false => eprintln!("run {} begins, into {place}", run.ordinal),
    }
}

fn describe(ended: Ended) -> &'static str {
    match ended {
        Ended::Complete => "is complete",
        Ended::Limited => "stopped at the limit",
        Ended::Interrupted => "is interrupted; what was fetched is stored",
    }
}
