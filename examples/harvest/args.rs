//! The command line.

use std::{
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use clap::Parser;
use reqwest::Url;

use crate::{header::Header, paging::Style, pointer::Pointer};

/// Copies a paginated JSON API into an SQLite database: politely, in parallel, with flat memory, resumable at any instant.
///
/// Without --url, harvest starts an API of its own that misbehaves on purpose, copies it twice and checks itself against it.
#[derive(Clone, Debug, Parser)]
#[command(name = "harvest", after_help = AFTER_HELP)]
pub struct Options {
    /// Where the first page is
    #[arg(long)]
    pub url: Option<Url>,
    /// How the API tells its pages apart; `page` and `offset` are fetched in parallel
    #[arg(long, value_enum, default_value_t = Style::Page)]
    pub style: Style,
    /// JSON pointer to the list of records; '' if the answer is the list
    #[arg(long, value_name = "POINTER", default_value = "/items")]
    pub items: Pointer,
    /// JSON pointer, in a record, to its key
    #[arg(long, value_name = "POINTER", default_value = "/id")]
    pub key: Pointer,
    /// JSON pointer to the next cursor or URL (styles cursor and next-url)
    #[arg(long, value_name = "POINTER", default_value = "/next")]
    pub next: Pointer,
    /// JSON pointer to the number of pages (style page) or of records (style offset); without it the first empty page is the end
    #[arg(long, value_name = "POINTER")]
    pub total: Option<Pointer>,
    /// Records to ask for per page; the API decides if it is not given (style offset: 100)
    #[arg(long, value_name = "N")]
    pub page_size: Option<NonZeroU64>,
    /// The number of the first page (style page)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub first_page: u64,
    /// Query parameter of the page number
    #[arg(long, value_name = "NAME", default_value = "page")]
    pub page_param: String,
    /// Query parameter of the offset
    #[arg(long, value_name = "NAME", default_value = "offset")]
    pub offset_param: String,
    /// Query parameter of the cursor
    #[arg(long, value_name = "NAME", default_value = "cursor")]
    pub cursor_param: String,
    /// Query parameter of the page size [default: per_page (styles page, link), limit]
    #[arg(long, value_name = "NAME")]
    pub size_param: Option<String>,
    /// Sent with every request to the API, never elsewhere; '@env:NAME' keeps a secret out of the command line
    #[arg(short = 'H', long, value_name = "'NAME: VALUE'")]
    pub header: Vec<Header>,
    /// Follows links to this other origin, too, but without the headers
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Url>,

    /// The SQLite file
    #[arg(long, value_name = "FILE", default_value = "harvest.sqlite")]
    pub db: PathBuf,
    /// The table for the records
    #[arg(long, value_name = "NAME", default_value = "records", value_parser = table)]
    pub table: String,
    /// Begins a new run although the last one can be resumed
    #[arg(long)]
    pub fresh: bool,
    /// Stops after so many records; a later call goes on there
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Requests a second, at most
    #[arg(long, value_name = "N")]
    pub rate: Option<NonZeroU32>,
    /// Pages in work at the same time
    #[arg(long, value_name = "N", default_value = "8")]
    pub concurrency: NonZeroUsize,
    /// Seconds that one request may take
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
    /// Tries after the first one, per page
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
    /// Says what is retried, and why; twice: every batch
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Records of the API of our own
    #[arg(long, value_name = "N", default_value_t = 5_000, conflicts_with = "url")]
    pub records: usize,
    /// Bytes of one of its records
    #[arg(long, value_name = "N", default_value_t = 300, conflicts_with = "url")]
    pub record_bytes: usize,
    /// Lets it behave
    #[arg(long, conflicts_with = "url")]
    pub no_faults: bool,

    /// Only serves our own API, without latency, on this port: to measure the client alone
    #[arg(long, hide = true, value_name = "PORT", conflicts_with = "url")]
    pub serve: Option<u16>,
    /// Holds every transaction open so long before its commit, and says so: to be killed there
    #[arg(long, hide = true, value_name = "MS")]
    pub slow_commit_ms: Option<u64>,
}

const AFTER_HELP: &str = "\
Rows are (key, doc, hash, first_seen, changed_at, run); what cannot be stored is in harvest_dead_letters.
An interrupted run is resumed by the same command; after a finished one, the same command looks for what is new or changed.
Exit codes: 0 done, 2 usage, 3 done but with dead letters, 4 failed, 130 interrupted.";

impl Options {
    /// The query parameter of the page size.
    pub fn size_param(&self) -> &str {
        let usual = match self.style {
            Style::Page | Style::Link => "per_page",
            Style::Offset | Style::Cursor | Style::NextUrl => "limit",
        };
        self.size_param.as_deref().unwrap_or(usual)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a time that one can wait".to_owned()),
    }
}

fn table(name: &str) -> Result<String, String> {
    let first = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("take letters, digits and underscores".to_owned());
    }
    match name.split('_').next() {
        Some("harvest" | "sqlite") => Err("names that begin so are taken".to_owned()),
        _ => Ok(name.to_owned()),
    }
}
