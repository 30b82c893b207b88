//! Without `--url`: an API of our own that misbehaves, copied twice, and every figure checked against those of the server.

use bowline_resources::with;
use reqwest::Url;

use crate::{
    args::Options,
    copy::{Ended, Job},
    error::Error,
    own_api::{Listening, OwnApi},
    paging::Style,
    server::{self, ADDED_PER_RUN, CHANGED_PER_RUN, Counts, Faults},
    session::{OpenStore, Outcome, run_once},
    store::{Run, Store, Stored},
    tally::Tally,
};

const RUNS: usize = 2;
const PAGE_SIZE: u64 = 50;

/// Serves, copies, lets the API change, copies again.
///
/// # Errors
///
/// A run fails, or its figures are not those of the server.
pub async fn demo(options: &Options) -> Result<Outcome, Error> {
    let options = &for_own_api(options);
    let own_api = OwnApi { options: server_options(options), port: 0 };
    with(own_api, async |listening: &mut Listening| {
        let faults = if options.no_faults { "that behaves" } else { "that misbehaves on purpose" };
        let url = own_url(options.style, &format!("http://{}", listening.address));
        eprintln!("no --url: copying an API of our own, {} records at {url}, {faults}", options.records);
        with(OpenStore(options.clone()), async |store: &mut Store| {
            let mut outcome = checked_run(options, listening, &url, store).await?;
            for _ in 1..RUNS {
                if outcome.ended == Ended::Complete {
                    outcome = checked_run(options, listening, &url, store).await?;
                }
            }
            Ok(outcome)
        })
        .await
    })
    .await
}

/// Only serves, until somebody stops it.
///
/// # Errors
///
/// The port is taken.
pub async fn serve_only(options: &Options, port: u16) -> Result<(), Error> {
    let options = server::Options { latency_ms: 0..=0, ..server_options(options) };
    with(OwnApi { options, port }, async |listening: &mut Listening| {
        eprintln!("serving at http://{}", listening.address);
        bowline_concurrency::shutdown_requested().await;
        Ok(())
    })
    .await
}

fn server_options(options: &Options) -> server::Options {
    let faults = if options.no_faults { Faults::none() } else { Faults::default() };
    let (records, record_bytes) = (options.records, options.record_bytes);
    server::Options { records, record_bytes, faults, ..server::Options::default() }
}

/// The options that fit our own API, where the defaults do not.
fn for_own_api(options: &Options) -> Options {
    let mut options = options.clone();
    let pointer = |text: &str| text.parse().expect("a pointer begins with a slash");
    options.items = pointer(if options.style == Style::Link { "" } else { "/items" });
    options.page_size = options.page_size.or(std::num::NonZeroU64::new(PAGE_SIZE));
    match options.style {
        Style::Page => options.total = Some(pointer("/total_pages")),
        Style::Offset => options.total = Some(pointer("/total")),
        Style::NextUrl => options.next = pointer("/links/next"),
        Style::Cursor | Style::Link => {}
    }
    options
}

fn own_url(style: Style, base: &str) -> Url {
    let path = match style {
        Style::Page => "page",
        Style::Offset => "offset",
        Style::Cursor => "cursor",
        Style::Link => "link",
        Style::NextUrl => "next-url",
    };
    Url::parse(&format!("{base}/{path}")).expect("it is made of an address and a word")
}

async fn checked_run(
    options: &Options,
    Listening { api, .. }: &Listening,
    url: &Url,
    store: &Store,
) -> Result<Outcome, Error> {
    // The port is another one each time, and the API is the same.
    let name = format!("our own API {} {} {}", options.records, options.record_bytes, options.no_faults);
    let job = Job::new(options, url, &name, Tally::default())?;
    let before = api.counts();
    let mut begun = None;
    let outcome = run_once(options, job, store, |run| {
        // What this run of the API sees does not depend on what happened to the process.
        api.mutate(run.ordinal);
        begun = Some(run.clone());
    })
    .await?;
    let after = api.counts();
    if let (Ended::Complete, Some(run)) = (outcome.ended, begun) {
        let mut wrong = disagreements(&outcome, &before, &after);
        wrong.extend(unexpected(options, &run, outcome.whole_run));
        if !wrong.is_empty() {
            return Err(Error::Disagree(wrong));
        }
        eprintln!(
            "  these are the server's own figures ({} requests came while told to wait)\n",
            after.early - before.early
        );
    }
    Ok(outcome)
}

/// The figures of the session that are not those of the server.
fn disagreements(outcome: &Outcome, before: &Counts, after: &Counts) -> Vec<String> {
    let ours = &outcome.figures;
    [
        ("pages", ours.pages, after.pages - before.pages),
        ("records", ours.stored.records(), after.records - before.records),
        ("dead letters", ours.stored.dead, after.malformed - before.malformed),
        ("retries", ours.retries - ours.timeouts, after.faulty_answers() - before.faulty_answers()),
    ]
    .into_iter()
    .filter(|(_, ours, theirs)| ours != theirs)
    .map(|(name, ours, theirs)| format!("{name}: {ours}, but the server counted {theirs}"))
    .collect()
}

/// What the run should have found, if the database has seen nothing but runs like this one.
fn unexpected(options: &Options, run: &Run, found: Stored) -> Option<String> {
    let (new, changed) = match run.ordinal {
        1 => (options.records, 0),
        _ => (ADDED_PER_RUN, CHANGED_PER_RUN),
    };
    let expected = (found.new, found.changed) == (new as u64, changed as u64);
    let comparable = run.number == i64::from(run.ordinal);
    (comparable && !expected).then(|| format!("{found}, but {new} are new and {changed} changed"))
}
