//! The side that fetches: in parallel where pages have numbers, else one after the other.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use bowline_concurrency::{TaskGroup, try_scope};
use bowline_pipeline::Producer;
use bowline_streams::paginate;
use futures_util::StreamExt;
use reqwest::Url;
use tracing::warn;

use super::Job;
use crate::{checkpoint::Checkpoint, error::Error, fetch::Answer, page::Page};

/// Fetches the pages that are not stored, and puts them into the queue.
pub(super) async fn fetch(job: &Arc<Job>, stored: &Checkpoint, queue: Producer<Arc<Page>>) -> Result<(), Error> {
    if job.paging.is_parallel() {
        fetch_numbered(job, stored, queue).await
    } else {
        fetch_linked(job, stored, queue).await
    }
}

async fn fetch_numbered(job: &Arc<Job>, stored: &Checkpoint, queue: Producer<Arc<Page>>) -> Result<(), Error> {
    let mut missing = (stored.done()..).filter(|index| !stored.contains(*index));
    // The first one alone: it often tells how many there are, and what is wrong.
    if let Some(first) = missing.next() {
        deliver_numbered(job, first, &queue).await?;
    }
    let scope = try_scope(async |group: &TaskGroup<Error>| {
        for index in missing {
            // Before the spawn: a page that waits costs no task.
            let Some(permit) = job.unless_stopped(job.limiter.acquire_owned()).await else { break };
            if job.pages().is_some_and(|pages| index >= pages) {
                break;
            }
            let (job, queue) = (job.clone(), queue.clone());
            drop(group.named(name(index)).try_spawn(async move {
                let _permit = permit;
                deliver_numbered(&job, index, &queue).await
            }));
        }
        Ok(())
    });
    scope.await.map_err(|error| error.into_first().unwrap_or_else(Error::Cancelled))
}

/// Fetches a page and queues it. One that is empty is not there: it is the end.
async fn deliver_numbered(job: &Job, index: u64, queue: &Producer<Arc<Page>>) -> Result<(), Error> {
    let Some(page) = job.unless_stopped(numbered_page(job, index)).await else { return Ok(()) };
    let page = page?;
    if page.items() == 0 {
        job.end.fetch_min(index, Ordering::Relaxed);
        return Ok(());
    }
    Ok(queue.put(Arc::new(page)).await?)
}

async fn numbered_page(job: &Job, index: u64) -> Result<Page, Error> {
    let mut page = Page { index, ..Page::default() };
    while let Some(url) = job.paging.part(index, page.items() as u64) {
        let Answer { body, .. } = job.fetcher.get(&name(index), &url).await?;
        let got = page.take(&body, &job.items, &job.key).map_err(|error| Error::on_page(index, error))?;
        let total = job.paging.total(&body).map_err(|error| Error::on_page(index, error))?;
        if let Some(total) = total {
            job.end.store(job.paging.pages(total), Ordering::Relaxed);
        }
        if got == 0 || total.is_some_and(|total| job.paging.is_end(index, page.items() as u64, total)) {
            break;
        }
    }
    Ok(page)
}

/// The next page is fetched while this one is being stored; the queue holds a few more.
async fn fetch_linked(job: &Arc<Job>, stored: &Checkpoint, queue: Producer<Arc<Page>>) -> Result<(), Error> {
    let first = match (stored.done(), stored.next()) {
        (0, _) => job.paging.first(),
        (_, Some(next)) => next.parse().map_err(|_| Error::BadCheckpoint(next.to_owned()))?,
        // All pages are stored; only the last word of the run was missing.
        (_, None) => return Ok(()),
    };
    let mut seen = HashSet::from([first.clone()]);
    let mut pages = paginate((stored.done(), first), |(index, url)| linked_page(job, index, url)).pages();
    while let Some(Some(page)) = job.unless_stopped(pages.next()).await {
        let ([page], next) = page?;
        let number = page.index + 1;
        queue.put(Arc::new(page)).await?;
        if next.is_some_and(|(_, next)| !seen.insert(next)) {
            return Err(Error::Loop { page: number });
        }
    }
    Ok(())
}

/// A page with its number, and number and URL of the next one.
async fn linked_page(job: &Job, index: u64, url: Url) -> Result<([Page; 1], Option<(u64, Url)>), Error> {
    let Answer { link, body } = job.fetcher.get(&name(index), &url).await?;
    let mut page = Page { index, ..Page::default() };
    page.take(&body, &job.items, &job.key).map_err(|error| Error::on_page(index, error))?;
    let next = job.paging.after(&url, link.as_deref(), &body).map_err(|error| Error::on_page(index, error))?;
    page.next = next.as_ref().map(Url::to_string);
    if let (0, Some(pointer)) = (index, job.paging.lacks_next(&body)) {
        warn!(
            "page 1 has nothing at {pointer} and is taken for the only one: if there are more, give --next another pointer"
        );
    }
    Ok(([page], next.map(|next| (index + 1, next))))
}

fn name(index: u64) -> String {
    format!("page {}", index + 1)
}
