//! One page, five mirrors: the first that answers, the second try of a slow one, two that agree, all in time, each as it comes.
//!
//! Each way drops the requests that it does not need any more, and returns when they are gone: the last line counts what is left.
//!
//! Run: `cargo run -p bowline-concurrency --example several_futures`
//!
//! Expected output:
//! ```text
//! first_ok, staggered: page of the second, asked 2 mirrors
//! hedge: page of the third, at attempt 2
//! quorum of 2: [(1, "page of the second"), (2, "page of the third")]
//! gather, within 30 ms: 3 pages, and the fifth did not finish within 30ms
//! as_completed: second third fourth
//! requests that still run: 0
//! ```

use std::{
    error::Error,
    io,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use bowline_concurrency::{as_completed, first_ok, gather, hedge, quorum, run};
use tokio::time::sleep;

const MIRRORS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

static ASKED: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Counts as running until it is dropped.
struct Request;

impl Request {
    fn begin() -> Self {
        ASKED.fetch_add(1, SeqCst);
        RUNNING.fetch_add(1, SeqCst);
        Request
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

/// The first one is down, the fifth never answers, and the others take their time.
async fn fetch(mirror: &str) -> io::Result<String> {
    let _request = Request::begin();
    match mirror {
        "first" => return Err(io::Error::other("the first is down")),
        "second" => sleep(Duration::from_millis(2)).await,
        "third" => sleep(Duration::from_millis(6)).await,
        "fourth" => sleep(Duration::from_millis(12)).await,
        _ => std::future::pending().await,
    }
    Ok(format!("page of the {mirror}"))
}

fn main() -> Result<(), Box<dyn Error>> {
    run(async {
        // The first one fails, so the second is asked at once; the third would be asked a second later.
        let page = first_ok(MIRRORS.map(fetch)).staggered(Duration::from_secs(1)).await?;
        println!("first_ok, staggered: {page}, asked {} mirrors", ASKED.load(SeqCst));

        let mut attempt = 0;
        let (page, attempt) = hedge(Duration::from_millis(5), || {
            attempt += 1;
            // The first attempt meets a mirror that hangs.
            let (mirror, attempt) = (if attempt == 1 { "fifth" } else { "third" }, attempt);
            async move { fetch(mirror).await.map(|page| (page, attempt)) }
        })
        .await?;
        println!("hedge: {page}, at attempt {attempt}");

        let two = NonZeroUsize::new(2).expect("it is 2");
        println!("quorum of 2: {:?}", quorum(two, MIRRORS.map(fetch)).await?);

        let pages = gather(MIRRORS.map(fetch)).within(Duration::from_millis(30)).named("the fifth").await;
        let in_time = pages.iter().filter(|page| matches!(page, Ok(Ok(_)))).count();
        let late = pages[4].as_ref().expect_err("it never answers").to_string();
        let late = late.split(" (deadline").next().unwrap_or_default();
        println!("gather, within 30 ms: {in_time} pages, and {late}");

        // The body leaves when it has enough: the request to the fifth goes with it.
        let order = as_completed(MIRRORS.map(|mirror| (mirror, fetch(mirror))), async |mut pages| {
            let mut order = Vec::new();
            while let Some((mirror, page)) = pages.next().await {
                order.extend(page.is_ok().then_some(mirror));
                if order.len() == 3 {
                    break;
                }
            }
            order
        })
        .await;
        println!("as_completed: {}", order.join(" "));

        println!("requests that still run: {}", RUNNING.load(SeqCst));
        Ok::<_, Box<dyn Error>>(())
    })?
}
