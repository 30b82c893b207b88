//! An HTTP API with five paging styles and planned faults, to harvest from.
//!
//! It is real HTTP on a real socket, in the same process. All that it does follows from its seed: the records, the time that a
//! page takes, and where which fault lies. It counts what it served, so that a client's summary can be checked.
//!
//! | path | next page | items at |
//! |---|---|---|
//! | `/page?page=1&per_page=50` | count up to `total_pages` | `/items` |
//! | `/offset?offset=0&limit=50` | count up to `total` | `/items` |
//! | `/cursor?cursor=…&limit=50` | token at `/next`, null at the end | `/items` |
//! | `/link?per_page=50` | header `Link: <…>; rel="next"` | the document |
//! | `/next-url?limit=50` | URL at `/links/next`, null at the end | `/items` |
//! | `/trouble/…` | see the source of `trouble` | |

mod answer;
mod counters;
mod data;
mod faults;
mod pages;
mod random;
mod trouble;

use std::{
    convert::Infallible,
    io,
    ops::RangeInclusive,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use bowline_concurrency::BackgroundTasks;
use hyper::{Request, StatusCode, body::Incoming, header::HOST, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};

use self::{
    answer::Answer,
    data::Data,
    faults::{Fault, Plan},
    pages::{Page, Style},
    random::Random,
};
pub use self::{
    counters::{Counters, Counts, InFlight},
    data::{ADDED_PER_RUN, CHANGED_PER_RUN},
    faults::Faults,
};

/// What the server serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The same seed gives the same records, latencies and faults.
    pub seed: u64,
    /// Well-formed records in the first run.
    pub records: usize,
    /// The size of a record as JSON, on average.
    pub record_bytes: usize,
    /// How long a page takes, in milliseconds.
    pub latency_ms: RangeInclusive<u64>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 7, records: 5_000, record_bytes: 300, latency_ms: 20..=80, faults: Faults::default() }
    }
}

/// The API behind the socket: a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    data: RwLock<Data>,
    plan: Mutex<Plan>,
    counters: Counters,
}

impl Api {
    /// Makes the API as the first run sees it.
    pub fn new(options: Options) -> Self {
        let data = Data::new(options.seed, options.records, options.record_bytes, options.faults.malformed);
        let plan = Plan::new(&options.faults, options.seed, data.entries());
        Api(Arc::new(Inner { options, data: RwLock::new(data), plan: Mutex::new(plan), counters: Counters::default() }))
    }

    /// Becomes what run number `run` sees (the first is 1), and lets all faults lie in wait again.
    ///
    /// Each run after the first finds [`ADDED_PER_RUN`] more records and [`CHANGED_PER_RUN`] changed ones. The number is
    /// absolute: a program that is started again for run 3 gets there with one call.
    pub fn mutate(&self, run: u32) {
        let mut data = self.0.data.write().unwrap_or_else(PoisonError::into_inner);
        data.mutate(run);
        let plan = Plan::new(&self.0.options.faults, self.0.options.seed, data.entries());
        *self.0.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// Reads what the server has counted so far.
    pub fn counts(&self) -> Counts {
        self.0.counters.counts()
    }

    /// Lists all well-formed records in the order of their ids: what a perfect client ends up with.
    pub fn records(&self) -> Vec<Value> {
        self.read_data(Data::records)
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let _in_flight = self.0.counters.arrive(Instant::now());
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or("");
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let base = format!("http://{host}{path}");
        match (Style::of_path(path), path.strip_prefix("/trouble/")) {
            (Some(style), _) => self.page(style, query, &base).await,
            (None, Some(name)) => trouble::answer(self, name, query, &base).await,
            (None, None) => answer::failure(StatusCode::NOT_FOUND, "no such path"),
        }
    }

    async fn page(&self, style: Style, query: &str, base: &str) -> Answer {
        let Some(page) = Page::parse(style, query) else {
            return answer::failure(StatusCode::BAD_REQUEST, "a parameter is not a number, or not a token from here");
        };
        sleep(self.latency(&page)).await;
        let faults = &self.0.options.faults;
        let counters = &self.0.counters;
        // A slow page is only late: what else lies on it happens all the same.
        while let Some(fault) = self.take_fault(&page) {
            match fault {
                Fault::Slow => {
                    counters.count(|counts| counts.slow_pages += 1);
                    sleep(faults.slow_for).await;
                }
                Fault::CutBody => {
                    counters.count(|counts| counts.cut_bodies += 1);
                    return answer::cut(self.read_data(|data| page.answer(data, base)));
                }
                Fault::Error => {
                    counters.count(|counts| counts.errors += 1);
                    return answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "an error by plan: try again");
                }
                Fault::RefuseInSeconds => {
                    counters.count(|counts| counts.refused_in_seconds += 1);
                    return self.refuse(StatusCode::TOO_MANY_REQUESTS);
                }
                Fault::RefuseByDate => {
                    counters.count(|counts| counts.refused_by_date += 1);
                    return self.refuse_by_date();
                }
            }
        }
        self.full_page(&page, base)
    }

    fn full_page(&self, page: &Page, base: &str) -> Answer {
        self.read_data(|data| {
            let positions = page.positions(data);
            let malformed = positions.clone().filter(|&position| data.is_malformed(position)).count() as u64;
            self.0.counters.count(|counts| {
                counts.pages += 1;
                counts.records += positions.len() as u64 - malformed;
                counts.malformed += malformed;
            });
            page.answer(data, base)
        })
    }

    fn unavailable(&self) -> Answer {
        self.0.counters.count(|counts| counts.unavailable += 1);
        self.refuse(StatusCode::SERVICE_UNAVAILABLE)
    }

    fn refuse(&self, status: StatusCode) -> Answer {
        self.0.counters.silence(Instant::now(), Duration::from_secs(1));
        answer::refusal(status, "1")
    }

    /// Names the next full second that is at least one second away: dates have no fractions.
    fn refuse_by_date(&self) -> Answer {
        let now = SystemTime::now();
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).expect("the clock is past 1970");
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs() + 2);
        self.0.counters.silence(Instant::now(), date.duration_since(now).expect("the date lies ahead"));
        answer::refusal(StatusCode::TOO_MANY_REQUESTS, &httpdate::fmt_http_date(date))
    }

    /// Depends on the page alone, so that the order of the requests changes nothing.
    fn latency(&self, page: &Page) -> Duration {
        let bounds = &self.0.options.latency_ms;
        let spread = bounds.end().saturating_sub(*bounds.start()) as usize + 1;
        let extra = Random::new(self.0.options.seed, 500_000_000 + page.start() as u64).below(spread);
        Duration::from_millis(bounds.start() + extra as u64)
    }

    fn take_fault(&self, page: &Page) -> Option<Fault> {
        let positions = self.read_data(|data| page.positions(data));
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner).take(positions)
    }

    fn read_data<T>(&self, read: impl FnOnce(&Data) -> T) -> T {
        read(&self.0.data.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn counters(&self) -> &Counters {
        &self.0.counters
    }
}

/// Serves `api` on `listener` until `shutdown` resolves; then drops what is in work, hanging pages too.
///
/// # Errors
///
/// When the listener accepts no more connections.
///
/// # Cancel safety
///
/// Dropping the future closes the listener and aborts all connections.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let connections = BackgroundTasks::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                // Small answers go out at once.
                stream.set_nodelay(true).ok();
                let api = api.clone();
                let service = service_fn(move |request| {
                    let api = api.clone();
                    async move { Ok::<_, Infallible>(api.answer(request).await) }
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // It fails when a body is cut or a client goes: both are part of the plan.
                connections.spawn("a connection", connection).ok();
            }
            () = &mut shutdown => break,
        }
    }
    connections.shutdown(Duration::ZERO).await;
    Ok(())
}
