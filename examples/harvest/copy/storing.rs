//! The side that stores.

use std::sync::Arc;

use bowline_pipeline::{Consumer, Ticket};

use super::{Ended, Job};
use crate::{
    checkpoint::Checkpoint,
    error::Error,
    page::Page,
    store::{Run, Store},
};

/// A batch takes the pages that are there, up to so many items: a commit costs the same for one row and for a thousand.
const BATCH_ITEMS: usize = 1_000;

/// Stores what comes out of the queue. There is one: SQLite takes one writer at a time.
pub(super) struct Writer {
    job: Arc<Job>,
    store: Store,
    run: i64,
    checkpoint: Checkpoint,
    /// How many records `--limit` still allows.
    left: u64,
}

impl Writer {
    pub(super) fn new(job: Arc<Job>, store: Store, run: &Run) -> Self {
        let left = job.limit.unwrap_or(u64::MAX);
        Writer { job, store, run: run.number, checkpoint: run.checkpoint.clone(), left }
    }

    /// Until the queue has ended. Tickets are settled after the commit; those of a batch that fails go back.
    pub(super) async fn run(mut self, queue: Consumer<Arc<Page>>) -> Result<(), Error> {
        while let Some(first) = queue.get().await {
            let mut items = first.items();
            let mut batch = vec![first];
            while items < BATCH_ITEMS {
                let Ok(ticket) = queue.try_get() else { break };
                items += ticket.items();
                batch.push(ticket);
            }
            self.save(&batch).await?;
            batch.into_iter().for_each(Ticket::done);
        }
        Ok(())
    }

    async fn save(&mut self, batch: &[Ticket<Arc<Page>>]) -> Result<(), Error> {
        let mut pages = Vec::new();
        for page in batch {
            match self.left.checked_sub(page.records.len() as u64) {
                Some(left) => {
                    self.left = left;
                    self.checkpoint.mark(page.index, page.next.clone());
                    pages.push(Arc::clone(page));
                }
                // Stored in part, and not marked: whoever resumes gets the whole page.
                None => pages.push(Arc::new(self.beginning(page))),
            }
        }
        let stored = self.store.save(self.run, pages, &self.checkpoint).await?;
        self.job.tally.count(|figures| figures.stored += stored);
        if self.left == 0 {
            self.job.stop(Ended::Limited);
        }
        Ok(())
    }

    fn beginning(&mut self, page: &Page) -> Page {
        let records = page.records[..self.left as usize].to_vec();
        self.left = 0;
        Page { index: page.index, records, ..Page::default() }
    }
}
