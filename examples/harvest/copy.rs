//! One run: pages are fetched on one side of a queue and stored on the other.
//!
//! Only the queue connects the two: it bounds what is in memory, keeps what was fetched when a fetch fails or the run is stopped, and takes
//! back what a writer that dies has not stored.

mod fetching;
mod storing;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
use bowline_pipeline::Queue;
use bowline_sync::{Event, Limiter};
use reqwest::Url;

use crate::{
    args::Options,
    error::Error,
    fetch::Fetcher,
    page::sha256,
    paging::Paging,
    pointer::Pointer,
    store::{Run, Store},
    tally::Tally,
};

/// Pages that may be queued or in a batch, for each one that is being fetched.
const QUEUED_PER_FETCH: usize = 2;

/// What is to be copied, and what those who do it share.
#[derive(Debug)]
pub struct Job {
    source: String,
    paging: Paging,
    items: Pointer,
    key: Pointer,
    fetcher: Fetcher,
    limiter: Arc<Limiter>,
    limit: Option<u64>,
    tally: Tally,
    /// The number of pages, as far as it is known.
    end: AtomicU64,
    stopped: Event,
    why: OnceLock<Ended>,
}

/// How a session ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All pages are stored.
    Complete,
    /// `--limit` was reached.
    Limited,
    /// The program was asked to stop.
    Interrupted,
}

impl Job {
    /// Prepares a run over the pages of `url`, which are those of `api` whatever the URL.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be built.
    pub fn new(options: &Options, url: &Url, api: &str, tally: Tally) -> Result<Self, Error> {
        let paging = Paging::new(options, url.clone());
        Ok(Job {
            // A hash, because a URL may hold a secret.
            source: sha256(&format!("{} {api} {}", options.table, paging.identity())),
            paging,
            items: options.items.clone(),
            key: options.key.clone(),
            fetcher: Fetcher::new(options, url, tally.clone())?,
            limiter: Arc::new(Limiter::new(options.concurrency.get())),
            limit: options.limit,
            tally,
            end: AtomicU64::new(u64::MAX),
            stopped: Event::new(),
            why: OnceLock::new(),
        })
    }

    /// What tells the runs of these pages into this table from other runs.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The figures so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Fetches no further page. What was fetched is still stored.
    pub fn stop(&self, why: Ended) {
        // The first reason is the reason.
        self.why.set(why).ok();
        self.stopped.set();
    }

    /// The pages of the run, as far as that is known.
    pub fn pages(&self) -> Option<u64> {
        // Relaxed: the number stands for itself.
        Some(self.end.load(Ordering::Relaxed)).filter(|&end| end < u64::MAX)
    }

    /// The output of `work`, or `None` if the job is stopped before.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stopped.wait() => None,
            output = work => Some(output),
        }
    }
}

/// Copies the pages that `run` lacks.
///
/// # Errors
///
/// The first failure. What had been fetched before is stored, unless the database failed.
///
/// # Cancel safety
///
/// Dropped half-way, it stores no more batches, but the one whose commit has begun is committed. The run can be resumed.
pub async fn copy(job: &Arc<Job>, store: &Store, run: &Run) -> Result<Ended, Error> {
    let queue = Queue::bounded(QUEUED_PER_FETCH * job.limiter.statistics().capacity);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let scope = try_scope(async |group: &TaskGroup<Error>| {
        let writer = storing::Writer::new(job.clone(), store.clone(), run);
        drop(group.named("the writer").try_spawn(writer.run(consumer)));
        let fetched = fetching::fetch(job, &run.checkpoint, producer).await;
        // Also when a page did not come: those that did are worth storing.
        if !queue.finish().await?.is_clean() {
            return Err(Error::NoWriter);
        }
        fetched
    });
    scope.await.map_err(cause)?;
    let ended = job.why.get().copied().unwrap_or(Ended::Complete);
    if ended == Ended::Complete {
        store.finish_run(run).await?;
    }
    Ok(ended)
}

/// What went wrong first. That the writer has gone may be noticed before the error that it went with.
fn cause(error: ScopeError<Error>) -> Error {
    match error {
        ScopeError::Failed(errors) => {
            let mut errors = errors.into_vec();
            let first = errors.iter().position(|error| !matches!(error, Error::NoWriter)).unwrap_or(0);
            errors.swap_remove(first)
        }
        error => error.into_first().unwrap_or_else(Error::Cancelled),
    }
}
