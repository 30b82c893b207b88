//! Progress on standard error: bars where somebody looks on, else a line every second.

use std::{
    io::{IsTerminal, stderr},
    sync::Arc,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use crate::{copy::Job, tally::Figures};

/// Shows how far the job is, for ever. Dropping the future takes the bars away.
pub async fn show(job: Arc<Job>, quiet_terminal: bool) {
    if stderr().is_terminal() && quiet_terminal { bars(&job).await } else { lines(&job).await }
}

async fn lines(job: &Job) {
    let mut ticks = interval(Duration::from_secs(1));
    let mut last = String::new();
    loop {
        ticks.tick().await;
        let Figures { pages, stored, retries, in_flight, .. } = job.tally().figures();
        let line = format!(
            "  {pages} pages fetched, {} records stored, {retries} retries, {in_flight} requests under way",
            stored.records(),
        );
        if line != last {
            eprintln!("{line}");
            last = line;
        }
    }
}

async fn bars(job: &Job) {
    let stages = Stages::new();
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = job.tally().figures();
        if let Some(pages) = job.pages() {
            stages.fetched.set_length(pages);
        }
        stages.fetched.set_position(now.pages);
        stages.fetched.set_message(format!("{} under way, {} retries", now.in_flight, now.retries));
        stages.stored.set_position(now.stored.records());
        stages.stored.set_message(now.stored.to_string());
    }
}

struct Stages {
    all: MultiProgress,
    fetched: ProgressBar,
    stored: ProgressBar,
}

impl Stages {
    fn new() -> Self {
        let style = |template| ProgressStyle::with_template(template).expect("the template is well formed");
        let all = MultiProgress::new();
        let fetched = all.add(ProgressBar::no_length());
        fetched.set_style(style("  pages fetched   {pos:>7} {bar:32}  {msg}"));
        let stored = all.add(ProgressBar::no_length());
        stored.set_style(style("  records stored  {pos:>7} {spinner}  {msg}"));
        Stages { all, fetched, stored }
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.all.clear().ok();
    }
}
