//! The test server is tested with an independent client, in plain loops: what it promises, harvest is judged by.

use std::{
    ops::Range,
    time::{Duration, Instant, SystemTime},
};

use harvest::server::{ADDED_PER_RUN, Api, CHANGED_PER_RUN, Counters, Faults, Options};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};

use crate::support::{Server, body, options, quick_faults};

/// Path, and how the next page is found.
const STYLES: [&str; 5] = ["/page", "/offset", "/cursor", "/link", "/next-url"];

impl Server {
    /// Fetches all pages, trying each again at once until it comes; the entries, and the statuses of the tries.
    async fn walk(&self, style: &str, size: usize) -> (Vec<Value>, Vec<String>) {
        let mut items = Vec::new();
        let mut tries = Vec::new();
        let mut next = Some(format!("{}{}", self.base, first_page(style, size)));
        while let Some(url) = next.take() {
            let response = self.client.get(&url).send().await.unwrap();
            let status = response.status();
            let link = next_link(&response);
            let page = match (status, body(response).await) {
                (StatusCode::OK, Ok(page)) => page,
                (StatusCode::OK, Err(_)) => {
                    tries.push("cut".to_owned());
                    next = Some(url);
                    continue;
                }
                (status, _) => {
                    tries.push(status.as_str().to_owned());
                    next = Some(url);
                    continue;
                }
            };
            tries.push("200".to_owned());
            let before = items.len();
            items.extend(
                page.pointer(if style == "/link" { "" } else { "/items" }).unwrap().as_array().unwrap().clone(),
            );
            next = match style {
                "/page" => (page["page"] != page["total_pages"])
                    .then(|| format!("{}/page?page={}&per_page={size}", self.base, page["page"].as_u64().unwrap() + 1)),
                "/offset" => {
                    (items.len() > before).then(|| format!("{}/offset?offset={}&limit={size}", self.base, items.len()))
                }
                "/cursor" => page["next"].as_str().map(|c| format!("{}/cursor?cursor={c}&limit={size}", self.base)),
                "/link" => link,
                _ => page["links"]["next"].as_str().map(str::to_owned),
            };
        }
        (items, tries)
    }
}

fn first_page(style: &str, size: usize) -> String {
    let name = if ["/page", "/link"].contains(&style) { "per_page" } else { "limit" };
    format!("{style}?{name}={size}")
}

fn next_link(response: &Response) -> Option<String> {
    let links = response.headers().get("link")?.to_str().unwrap();
    let next = links.split(", ").find(|link| link.ends_with("; rel=\"next\""))?;
    Some(next.split_once('<')?.1.split_once('>')?.0.to_owned())
}

fn well_formed(items: &[Value]) -> Vec<Value> {
    items.iter().filter(|item| item["id"].is_u64()).cloned().collect()
}

#[tokio::test]
async fn all_styles_serve_the_same_records() {
    let server = Server::start(options(Faults::none())).await;
    let expected = server.api.records();
    assert_eq!(expected.len(), 1_000);
    for (style, size) in STYLES.into_iter().zip([7, 50, 64, 100, 100]) {
        let before = server.api.counts();
        let (items, tries) = server.walk(style, size).await;
        assert_eq!(items, expected, "{style}");
        let after = server.api.counts();
        assert_eq!(after.records - before.records, 1_000, "{style}");
        assert_eq!(after.pages - before.pages, tries.len() as u64, "{style}");
        assert_eq!(after.faulty_answers(), 0, "{style}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_fault_happens_exactly_once_in_each_style_and_page_size() {
    for (style, size) in STYLES.into_iter().flat_map(|style| [(style, 13), (style, 100)]) {
        let server = Server::start(options(quick_faults())).await;
        let (items, tries) = server.walk(style, size).await;
        let seen = |status: &str| tries.iter().filter(|&seen| seen == status).count() as u64;
        let counts = server.api.counts();

        assert_eq!(items.len(), 1_007, "{style}");
        assert_eq!(well_formed(&items), server.api.records(), "{style}");
        assert_eq!((counts.refused_in_seconds, counts.refused_by_date), (10, 10), "{style}");
        assert_eq!((seen("429"), seen("500"), seen("cut")), (20, 20, 10), "{style} {size}");
        assert_eq!((counts.errors, counts.cut_bodies, counts.slow_pages), (20, 10, 1), "{style}");
        assert_eq!((counts.records, counts.malformed), (1_000, 7), "{style}");
        assert_eq!(counts.pages, seen("200"), "{style}");
        assert_eq!(counts.requests, counts.pages + counts.faulty_answers(), "{style}");
        assert_eq!(counts.peak_in_flight, 1, "{style}");
        server.stop().await;
    }
}

#[tokio::test]
async fn the_default_spreads_the_faults_so_that_few_retries_are_enough() {
    let server = Server::start(Options { records: 5_000, ..options(quick_faults()) }).await;
    let (_, tries) = server.walk("/page", 50).await;
    let in_a_row = tries.split(|status| status == "200").map(<[String]>::len).max().unwrap();
    assert!(in_a_row <= 2, "a page of the default size failed {in_a_row} times");
    server.stop().await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults_and_another_seed_others() {
    let mut all = Vec::new();
    for seed in [1, 1, 2] {
        let server = Server::start(Options { seed, ..options(quick_faults()) }).await;
        all.push(server.walk("/page", 10).await);
        server.stop().await;
    }
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0].0, all[2].0, "the records");
    assert_ne!(all[0].1, all[2].1, "the faults");
}

#[tokio::test]
async fn both_forms_of_retry_after_name_a_wait_of_one_to_two_seconds() {
    let faults = Faults { refusals_in_seconds: 3, refusals_by_date: 3, ..Faults::none() };
    let server = Server::start(options(faults)).await;
    let (mut seconds, mut dates) = (0, 0);
    for _pass in 0..6 {
        for page in 1..=10 {
            let response = server.get(&format!("/page?page={page}&per_page=100")).await;
            let Some(after) = response.headers().get(RETRY_AFTER) else {
                continue;
            };
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            match after.to_str().unwrap() {
                "1" => seconds += 1,
                date => {
                    let wait = httpdate::parse_http_date(date).unwrap().duration_since(SystemTime::now()).unwrap();
                    assert!(wait <= Duration::from_secs(2), "{wait:?}");
                    dates += 1;
                }
            }
        }
    }
    assert_eq!((seconds, dates), (3, 3));
    server.stop().await;
}

#[tokio::test]
async fn malformed_entries_come_in_every_kind_and_stay_malformed() {
    let server = Server::start(options(Faults { malformed: 7, ..Faults::none() })).await;
    let (items, _) = server.walk("/link", 100).await;
    let malformed: Vec<&Value> = items.iter().filter(|item| !item["id"].is_u64()).collect();
    assert_eq!(malformed.len(), 7);
    assert!(malformed.iter().any(|item| item.is_object() && item.get("id").is_none()), "no key");
    assert!(malformed.iter().any(|item| item.get("id") == Some(&Value::Null)), "a null key");
    assert!(malformed.iter().any(|item| item.is_string()), "a string");
    assert!(malformed.iter().any(|item| item.is_null()), "null");
    assert!(malformed.iter().any(|item| item.is_array()), "a list");
    assert_eq!(server.walk("/link", 100).await.0, items);
    server.stop().await;
}

#[tokio::test]
async fn each_run_adds_and_changes_a_known_number_of_records() {
    let server = Server::start(options(quick_faults())).await;
    let mut runs = Vec::new();
    for run in 1..=3 {
        server.api.mutate(run);
        let (items, tries) = server.walk("/cursor", 100).await;
        let records = well_formed(&items);
        assert_eq!(records, server.api.records());
        assert_eq!(tries.iter().filter(|status| *status == "429").count(), 20, "the faults are back in run {run}");
        runs.push(records);
    }
    for pair in runs.windows(2) {
        assert_eq!(pair[1].len(), pair[0].len() + ADDED_PER_RUN);
        assert_eq!(pair[0].iter().zip(&pair[1]).filter(|(old, new)| old != new).count(), CHANGED_PER_RUN);
    }
    server.api.mutate(2);
    assert_eq!(server.api.records(), runs[1], "the number of the run is absolute");
    server.stop().await;
}

#[test]
fn records_have_about_the_size_that_was_asked_for() {
    for record_bytes in [300, 2_048] {
        let api = Api::new(Options { record_bytes, ..options(Faults::none()) });
        let sizes: Vec<usize> = api.records().iter().map(|record| record.to_string().len()).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((record_bytes * 9 / 10..record_bytes * 11 / 10).contains(&mean), "{mean} for {record_bytes}");
    }
}

#[tokio::test]
async fn the_latency_lies_in_its_bounds_and_requests_run_side_by_side() {
    let server = Server::start(Options { latency_ms: 20..=80, ..options(Faults::none()) }).await;
    let started = Instant::now();
    let fetches: Vec<_> = (1..=20)
        .map(|page| tokio::spawn(server.client.get(format!("{}/page?page={page}", server.base)).send()))
        .collect();
    for fetch in fetches {
        assert_eq!(fetch.await.unwrap().unwrap().status(), StatusCode::OK);
        assert!(started.elapsed() >= Duration::from_millis(20));
    }
    assert_eq!(server.api.counts().peak_in_flight, 20);
    server.stop().await;
}

#[test]
fn requests_are_early_while_a_client_was_told_to_wait_and_has_read_it() {
    let counters = Counters::default();
    let start = Instant::now();
    let early_at = |ms: Range<u64>| {
        let before = counters.counts().early;
        for ms in ms.step_by(50) {
            drop(counters.arrive(start + Duration::from_millis(ms)));
        }
        counters.counts().early - before
    };
    assert_eq!(early_at(0..100), 0, "nobody has been refused");
    counters.silence(start + Duration::from_millis(100), Duration::from_secs(1));
    assert_eq!(early_at(100..350), 0, "the answer is on its way");
    assert_eq!(early_at(350..1_100), 15);
    assert_eq!(early_at(1_100..2_000), 0, "the wait is over");
}

#[tokio::test]
async fn wrong_parameters_and_paths_are_refused() {
    let server = Server::start(options(Faults::none())).await;
    for path in ["/page?page=0", "/page?page=x", "/offset?offset=-1", "/cursor?cursor=tomorrow"] {
        assert_eq!(server.get(path).await.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    for path in ["/", "/pages", "/trouble/none"] {
        assert_eq!(server.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(server.get_json("/page?page=999").await["items"], json!([]));
    assert_eq!(server.get_json("/offset?offset=999999").await["items"], json!([]));
    assert_eq!(server.get_json("/page?per_page=5000").await["items"].as_array().unwrap().len(), 100);
    server.stop().await;
}

#[tokio::test]
async fn troubles_are_what_their_names_say() {
    let server = Server::start(options(Faults::none())).await;

    let mut cursors = Vec::new();
    let mut path = "/trouble/loop".to_owned();
    for _ in 0..4 {
        let next = server.get_json(&path).await["next"].as_str().unwrap().to_owned();
        path = format!("/trouble/loop?cursor={next}");
        cursors.push(next);
    }
    assert_eq!(cursors, ["two", "three", "two", "three"]);

    let html = server.get("/trouble/not-json").await;
    assert_eq!(html.status(), StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(&html.bytes().await.unwrap()).is_err());

    assert_eq!(server.get_json("/trouble/shape").await.pointer("/items"), None);

    for _ in 0..3 {
        assert_eq!(server.get("/trouble/broken?page=2").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(server.get("/trouble/broken?page=3").await.status(), StatusCode::OK);

    for _ in 0..2 {
        let refused = server.get("/trouble/unavailable?page=1").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[RETRY_AFTER], "1");
    }
    assert_eq!(server.get("/trouble/unavailable?page=1").await.status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn stops_at_once_although_a_page_hangs() {
    let server = Server::start(options(Faults::none())).await;
    let url = format!("{}/trouble/hang?page=3", server.base);
    let hanging = tokio::spawn(server.client.get(&url).send());
    while server.api.counts().requests == 0 {
        tokio::task::yield_now().await;
    }
    let (api, client) = (server.api.clone(), server.client.clone());
    server.stop().await;
    assert!(hanging.await.unwrap().is_err(), "the page never came");
    assert!(client.get(&url).send().await.unwrap_err().is_connect(), "nobody listens");
    assert_eq!(api.counts().pages, 0);
}
