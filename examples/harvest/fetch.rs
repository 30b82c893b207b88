//! One page over HTTP, tried until it comes or until trying again makes no sense.

use std::{
    error::Error,
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use bowline_concurrency::{Elapsed, timeout};
use bowline_sync::{Rate, RateLimiter};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{HeaderMap, LINK, LOCATION, RETRY_AFTER},
    redirect,
};
use serde_json::Value;
use thiserror::Error;
use tokio::time::sleep;
use tracing::info;

use crate::{
    args::Options,
    retry::{self, Budget, PAUSE_MAX},
    tally::Tally,
};

/// A page that is larger is refused: it would not be flat memory.
const BODY_BYTES_MAX: usize = 64 << 20;
const REDIRECTS_MAX: usize = 10;
/// The rate where none is asked for: far above what one client can do.
const UNLIMITED: NonZeroU32 = NonZeroU32::new(1_000_000).expect("it is not zero");

/// Fetches pages of one API, as politely as it was told to. All pages share one rate, and one pause after a refusal.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    headers: HeaderMap,
    origin: String,
    also_allowed: Vec<String>,
    rate: RateLimiter,
    timeout: Duration,
    retries: u32,
    budget: Budget,
    tally: Tally,
}

/// A page that came.
#[derive(Debug)]
pub struct Answer {
    /// Its header `Link`.
    pub link: Option<String>,
    /// Its body.
    pub body: Value,
}

/// A page that did not come, and will not.
#[derive(Debug)]
pub struct FetchError {
    page: String,
    cause: Cause,
    tries: u32,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            // The deadline has the name of the page.
            Cause::TimedOut(elapsed) => elapsed.fmt(f)?,
            cause => write!(f, "{}: {cause}", self.page)?,
        }
        if self.tries > 1 { write!(f, " (tried {} times)", self.tries) } else { Ok(()) }
    }
}

impl Error for FetchError {}

/// Why one try failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// Not within `--timeout`.
    #[error(transparent)]
    TimedOut(Elapsed),
    /// No connection, or it broke.
    #[error("{}", chain(.0))]
    Transport(#[source] reqwest::Error),
    /// Refused for now.
    #[error("refused with {status}; the server asks to wait {wait:?}")]
    Refused {
        /// 429, 503, or another one with `Retry-After`.
        status: StatusCode,
        /// How long everybody should wait.
        wait: Duration,
    },
    /// An error of the server or of the request.
    #[error("{status}: {excerpt}")]
    Status {
        /// What it answered.
        status: StatusCode,
        /// The beginning of its explanation.
        excerpt: String,
    },
    /// Success, but no JSON.
    #[error("the answer is not JSON ({error}): it begins with {excerpt:?}")]
    NotJson {
        /// What the parser says.
        error: serde_json::Error,
        /// The beginning of the body.
        excerpt: String,
    },
    /// More than fits.
    #[error("the answer is larger than {} MB: ask for smaller pages with --page-size", BODY_BYTES_MAX >> 20)]
    TooLarge,
    /// It leads elsewhere.
    #[error("it is on another origin, {0}: follow links there, without the headers, with --allow-origin {0}")]
    ForeignOrigin(String),
    /// It leads nowhere.
    #[error("it is redirected in circles, or without saying where to")]
    Redirected,
    /// Too many retries in all.
    #[error("{0}; not tried again, because too many requests failed in this run")]
    BudgetSpent(Box<Cause>),
}

impl Fetcher {
    /// A client for the origin of `url`.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be built.
    pub fn new(options: &Options, url: &Url, tally: Tally) -> Result<Self, reqwest::Error> {
        // Redirects are followed here: the client would send the headers along.
        let client = Client::builder().redirect(redirect::Policy::none()).user_agent("harvest").build()?;
        let rate = match options.rate {
            Some(rate) => RateLimiter::new(Rate::per_second(rate)),
            None => RateLimiter::with_burst(Rate::per_second(UNLIMITED), UNLIMITED),
        };
        Ok(Fetcher {
            client,
            headers: options.header.iter().map(|header| header.pair()).collect(),
            origin: origin(url),
            also_allowed: options.allow_origin.iter().map(origin).collect(),
            rate,
            timeout: options.timeout,
            retries: options.retries,
            budget: Budget::new(),
            tally,
        })
    }

    /// Fetches `url`; `page` is its name in messages.
    ///
    /// # Errors
    ///
    /// It failed for good, or so often that it was given up.
    pub async fn get(&self, page: &str, url: &Url) -> Result<Answer, FetchError> {
        let mut tries = 0;
        loop {
            self.rate.acquire().await;
            tries += 1;
            let result = timeout(self.timeout, self.exchange(url)).named(page).await;
            let cause = match result.unwrap_or_else(|elapsed| Err(Cause::TimedOut(elapsed))) {
                Ok(answer) => {
                    self.budget.earn();
                    self.tally.count(|figures| figures.pages += 1);
                    return Ok(answer);
                }
                Err(cause) => cause,
            };
            info!("{page}, try {tries}: {cause}");
            if let Err(cause) = self.before_next_try(tries, cause).await {
                return Err(FetchError { page: page.to_owned(), cause, tries });
            }
        }
    }

    /// Waits as long as the failure asks for, or gives it back.
    async fn before_next_try(&self, tries: u32, cause: Cause) -> Result<(), Cause> {
        if let Cause::Refused { wait, .. } = cause {
            // It was this request, but it concerns all of them.
            self.rate.pause_for(wait.min(PAUSE_MAX));
            self.tally.count(|figures| figures.pauses += 1);
        }
        if !cause.is_transient() || tries > self.retries {
            return Err(cause);
        }
        if !self.budget.spend() {
            return Err(Cause::BudgetSpent(Box::new(cause)));
        }
        self.tally.count(|figures| {
            figures.retries += 1;
            figures.timeouts += u64::from(matches!(cause, Cause::TimedOut(_)));
        });
        // After a refusal, this page waits with the others.
        if !matches!(cause, Cause::Refused { .. }) {
            sleep(retry::backoff(tries, RandomState::new().build_hasher().finish())).await;
        }
        Ok(())
    }

    async fn exchange(&self, url: &Url) -> Result<Answer, Cause> {
        let _under_way = self.tally.request();
        let response = self.follow(url.clone()).await?;
        let link = response.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
        let link = Some(link.collect::<Vec<_>>().join(", ")).filter(|link| !link.is_empty());
        if !response.status().is_success() {
            return Err(failure(response).await);
        }
        let body = read(response).await?;
        match serde_json::from_slice(&body) {
            Ok(body) => Ok(Answer { link, body }),
            Err(error) => Err(Cause::NotJson { error, excerpt: excerpt(&body) }),
        }
    }

    async fn follow(&self, mut url: Url) -> Result<Response, Cause> {
        for _ in 0..REDIRECTS_MAX {
            let mut request = self.client.get(url.clone());
            if self.is_own(&url)? {
                request = request.headers(self.headers.clone());
            }
            let response = request.send().await.map_err(transport)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            url = target.and_then(|target| url.join(target).ok()).ok_or(Cause::Redirected)?;
        }
        Err(Cause::Redirected)
    }

    /// Whether the headers may be sent there; an error if nothing may.
    fn is_own(&self, url: &Url) -> Result<bool, Cause> {
        let origin = origin(url);
        if origin == self.origin {
            Ok(true)
        } else if self.also_allowed.contains(&origin) {
            Ok(false)
        } else {
            Err(Cause::ForeignOrigin(origin))
        }
    }
}

impl Cause {
    fn is_transient(&self) -> bool {
        match self {
            Cause::TimedOut(_) | Cause::Transport(_) => true,
            Cause::Refused { wait, .. } => *wait <= PAUSE_MAX,
            Cause::Status { status, .. } => retry::is_transient(status.as_u16()),
            _ => false,
        }
    }
}

async fn failure(response: Response) -> Cause {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if retry_after.is_some() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return Cause::Refused { status, wait: retry::pause(retry_after.as_deref(), SystemTime::now()) };
    }
    let body = read(response).await.unwrap_or_default();
    Cause::Status { status, excerpt: excerpt(&body) }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Cause::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The URL may hold a secret, and the name of the page says enough.
fn transport(error: reqwest::Error) -> Cause {
    Cause::Transport(error.without_url())
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(120).collect()
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// An error with its causes: the outermost of HTTP alone says nothing.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
