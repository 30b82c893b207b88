//! The whole program, from the command line to the rows.

use std::{path::Path, time::Duration};

use harvest::server::{ADDED_PER_RUN, CHANGED_PER_RUN, Faults, Options};

use crate::support::{Ended, Server, documents, expected, figure, harvest, options, rows, scratch};

/// Style, path, and the pointers that it needs.
const STYLES: [(&str, &str, &[&str]); 5] = [
    ("page", "/page", &["--total", "/total_pages"]),
    ("offset", "/offset", &["--total", "/total"]),
    ("cursor", "/cursor", &[]),
    ("link", "/link", &["--items", ""]),
    ("next-url", "/next-url", &["--next", "/links/next"]),
];

/// Some of what goes wrong, in a few seconds. How refusals are answered is seen in `politeness`.
fn some_faults() -> Faults {
    Faults {
        refusals_in_seconds: 1,
        refusals_by_date: 0,
        errors: 5,
        cut_bodies: 4,
        slow_pages: 1,
        slow_for: Duration::from_millis(300),
        malformed: 7,
    }
}

async fn copy(server: &Server, path: &str, file: &Path, more: &[&str]) -> Ended {
    let url = format!("{}{path}", server.base);
    let mut arguments = vec!["--url", &url, "--db", file.to_str().unwrap()];
    arguments.extend(more);
    harvest(&arguments).await
}

async fn copies_every_record_once(style: &str, path: &str, more: &[&str]) {
    let server = Server::start(Options { latency_ms: 0..=5, ..options(some_faults()) }).await;
    let file = scratch(&format!("every-record-{style}")).join("copy.sqlite");
    let ended = copy(&server, path, &file, &[&["--style", style, "--page-size", "20"], more].concat()).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api), "{style}");

    // Every figure is the server's.
    let counts = server.api.counts();
    let stderr = &ended.stderr;
    assert_eq!(figure(stderr, "pages"), counts.pages, "{stderr}");
    assert_eq!(figure(stderr, "records"), counts.records);
    assert_eq!(figure(stderr, "dead letters"), 7);
    assert_eq!(figure(stderr, "retries"), counts.faulty_answers());
    assert_eq!((counts.faulty_answers(), counts.malformed), (10, 7));
    assert!(figure(stderr, "peak in flight") >= counts.peak_in_flight);
    assert!(stderr.contains("1000 new, 0 changed, 0 unchanged"));

    let raw = rows(&file, "SELECT raw FROM harvest_dead_letters", |row| row.get::<_, String>(0));
    assert_eq!(raw.len(), 7);
    assert!(raw.contains(&r#""not an object""#.to_owned()), "{raw:?}");

    // Another run finds what is new, and nothing else.
    server.api.mutate(2);
    let ended = copy(&server, path, &file, &[&["--style", style, "--page-size", "20"], more].concat()).await;
    let expected_line =
        format!("{ADDED_PER_RUN} new, {CHANGED_PER_RUN} changed, {} unchanged", 1_000 - CHANGED_PER_RUN);
    assert!(ended.stderr.contains(&expected_line), "{}", ended.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api), "{style}");
    let changed = "SELECT count(*) FROM records WHERE run = 2 AND changed_at > first_seen";
    assert_eq!(rows(&file, changed, |row| row.get::<_, usize>(0)), [CHANGED_PER_RUN]);
    server.stop().await;
}

#[tokio::test]
async fn page_copies_every_record_once() {
    let (style, path, more) = STYLES[0];
    copies_every_record_once(style, path, more).await;
}

#[tokio::test]
async fn offset_copies_every_record_once() {
    let (style, path, more) = STYLES[1];
    copies_every_record_once(style, path, more).await;
}

#[tokio::test]
async fn cursor_copies_every_record_once() {
    let (style, path, more) = STYLES[2];
    copies_every_record_once(style, path, more).await;
}

#[tokio::test]
async fn link_copies_every_record_once() {
    let (style, path, more) = STYLES[3];
    copies_every_record_once(style, path, more).await;
}

#[tokio::test]
async fn next_url_copies_every_record_once() {
    let (style, path, more) = STYLES[4];
    copies_every_record_once(style, path, more).await;
}

#[tokio::test]
async fn without_a_total_the_first_empty_page_is_the_end() {
    let server = Server::start(options(Faults::none())).await;
    for (style, path, _) in &STYLES[..2] {
        let file = scratch(&format!("no-total-{style}")).join("copy.sqlite");
        let ended = copy(&server, path, &file, &["--style", style, "--page-size", "30", "--concurrency", "4"]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(documents(&file, "records"), expected(&server.api), "{style}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_a_maximum_of_its_own_loses_nothing() {
    let server = Server::start(options(Faults::none())).await;
    for (style, path, more) in STYLES {
        let file = scratch(&format!("maximum-{style}")).join("copy.sqlite");
        // It gives a hundred at most. No total here: pages of another size would be others.
        let more = if *path == *"/page" { &[] } else { more };
        let ended = copy(&server, path, &file, &[&["--style", style, "--page-size", "350"], more].concat()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(documents(&file, "records"), expected(&server.api), "{style}");
    }
    server.stop().await;
}

#[tokio::test]
async fn sequential_styles_fetch_while_they_store() {
    let server = Server::start(Options { latency_ms: 20..=20, ..options(Faults::none()) }).await;
    let file = scratch("overlap").join("copy.sqlite");
    // Ten pages of 20 ms, and commits of 20 ms: one after the other they would take 400 ms.
    let slow = ["--style", "cursor", "--page-size", "100", "--slow-commit-ms", "20"];
    let ended = copy(&server, "/cursor", &file, &slow).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // Committing and fetching overlap when a batch is committed before the last page has come.
    assert!(ended.stderr.matches("committing").count() > 2, "{}", ended.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api));
    server.stop().await;
}

#[tokio::test]
async fn the_limit_is_exact_and_a_later_call_goes_on() {
    let server = Server::start(options(Faults::none())).await;
    for (style, path, more) in [STYLES[0], STYLES[2]] {
        let file = scratch(&format!("limit-{style}")).join("copy.sqlite");
        let arguments = [&["--style", style, "--page-size", "50", "--table", "books"], more].concat();
        let limited = copy(&server, path, &file, &[&arguments[..], &["--limit", "120"]].concat()).await;
        assert_eq!(limited.code, Some(0), "{}", limited.stderr);
        assert_eq!(documents(&file, "books").len(), 120);
        assert!(limited.stderr.contains("to resume:\n"), "{}", limited.stderr);
        let rest = copy(&server, path, &file, &arguments).await;
        assert_eq!(rest.code, Some(0), "{}", rest.stderr);
        assert!(rest.stderr.contains("run 1 goes on after"), "{}", rest.stderr);
        assert_eq!(documents(&file, "books"), expected(&server.api));
    }
    server.stop().await;
}

#[tokio::test]
async fn fresh_begins_a_new_run() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("fresh").join("copy.sqlite");
    assert_eq!(copy(&server, "/page", &file, &["--limit", "120"]).await.code, Some(0));
    let fresh = copy(&server, "/page", &file, &["--fresh"]).await;
    assert!(fresh.stderr.contains("run 2 begins"), "{}", fresh.stderr);
    assert!(fresh.stderr.contains("880 new, 0 changed, 120 unchanged"), "{}", fresh.stderr);
    server.stop().await;
}

#[tokio::test]
async fn an_option_that_moves_the_pages_does_not_resume_the_wrong_ones() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("moved").join("copy.sqlite");
    assert_eq!(copy(&server, "/page", &file, &["--limit", "120", "--page-size", "50"]).await.code, Some(0));
    let other = copy(&server, "/page", &file, &["--page-size", "40"]).await;
    assert!(other.stderr.contains("run 1 begins"), "{}", other.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api));
    server.stop().await;
}

#[tokio::test]
async fn without_a_url_it_copies_its_own_api_twice_and_checks_itself() {
    for (style, _, _) in STYLES {
        let file = scratch(&format!("own-{style}")).join("own.sqlite");
        let arguments = ["--no-faults", "--records", "400", "--style", style, "--db", file.to_str().unwrap()];
        let ended = harvest(&arguments).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("these are the server's own figures").count(), 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("400 new") && ended.stderr.contains("37 new, 12 changed, 388 unchanged"));
        assert_eq!(documents(&file, "records").len(), 437);
    }
}

#[tokio::test]
async fn wrong_usage_is_told_before_anything_happens() {
    for (arguments, message) in [
        (&["--url", "nonsense"][..], "invalid value 'nonsense'"),
        (&["--url", "http://a/", "--items", "items"], "a JSON pointer begins with a slash: /items"),
        (&["--url", "http://a/", "--no-faults"], "cannot be used with"),
        (&["--url", "http://a/", "--header", "X: @env:HARVEST_NOT_SET"], "HARVEST_NOT_SET"),
        (&["--url", "http://a/", "--table", "harvest_runs"], "are taken"),
        (&["--url", "http://a/", "--timeout", "0"], "not a time that one can wait"),
        (&["--concurrency", "0"], "--concurrency"),
        (&["--nonsense"], "unexpected argument"),
    ] {
        let ended = harvest(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{arguments:?}: {}", ended.stderr);
    }
}
