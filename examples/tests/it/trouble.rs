//! APIs and databases that do not work: what is said, and that nothing is lost.

use std::{fs, path::Path, time::Instant};

use harvest::server::Faults;
use tokio::net::TcpListener;

use crate::support::{Ended, Server, documents, harvest, options, rows, rows_and_checkpoint_agree, scratch};

async fn fails(url: &str, file: &Path, more: &[&str]) -> Ended {
    let mut arguments = vec!["--url", url, "--db", file.to_str().unwrap()];
    arguments.extend(more);
    let ended = harvest(&arguments).await;
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("to resume:\n"), "{}", ended.stderr);
    ended
}

fn says(ended: &Ended, message: &str) {
    assert!(ended.stderr.contains(message), "expected {message:?} in\n{}", ended.stderr);
}

#[tokio::test]
async fn an_unreachable_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page", listener.local_addr().unwrap());
    drop(listener);
    let file = scratch("unreachable").join("copy.sqlite");
    let ended = fails(&url, &file, &["--retries", "1"]).await;
    says(&ended, "error: page 1: error sending request");
    says(&ended, "Connection refused");
    says(&ended, "(tried 2 times)");
}

#[tokio::test]
async fn a_host_without_a_name_server() {
    let file = scratch("nowhere").join("copy.sqlite");
    let ended = fails("http://harvest.invalid/page", &file, &["--retries", "0"]).await;
    says(&ended, "error: page 1: error sending request");
    says(&ended, "dns error");
}

#[tokio::test]
async fn a_body_that_is_not_json() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("not-json").join("copy.sqlite");
    let ended = fails(&format!("{}/trouble/not-json", server.base), &file, &[]).await;
    says(&ended, "error: page 1: the answer is not JSON");
    says(&ended, "it begins with \"<html><body>Please log in");
    assert_eq!(server.api.counts().requests, 1, "another try would not change it");
    server.stop().await;
}

#[tokio::test]
async fn json_of_another_shape() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("shape").join("copy.sqlite");
    let ended = fails(&format!("{}/trouble/shape", server.base), &file, &[]).await;
    says(&ended, "page 1: expected a list of records at /items (--items), but found nothing in an object with results");
    server.stop().await;
}

#[tokio::test]
async fn a_path_that_does_not_exist() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("not-found").join("copy.sqlite");
    let ended = fails(&format!("{}/trouble/none", server.base), &file, &[]).await;
    says(&ended, "error: page 1: 404 Not Found: {\"error\":\"no such path\"}");
    server.stop().await;
}

#[tokio::test]
async fn a_record_without_its_key() {
    let server = Server::start(options(Faults { malformed: 7, ..Faults::none() })).await;
    let file = scratch("no-key").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let ended = harvest(&["--url", &url, "--db", file.to_str().unwrap(), "--page-size", "50"]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    says(&ended, "7 items could not be stored: see harvest_dead_letters");
    assert_eq!(documents(&file, "records").len(), 1_000, "the run went on");
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let dead = rows(&file, "SELECT reason, raw FROM harvest_dead_letters ORDER BY page, position", read);
    assert_eq!(dead.len(), 7);
    let keyless = dead.iter().find(|(_, raw)| raw.contains("\"version\"")).expect("a record");
    assert!(keyless.0.starts_with("no key at /id: it is an object with"), "{}", keyless.0);
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_hangs() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("hangs").join("copy.sqlite");
    let url = format!("{}/trouble/hang", server.base);
    let ended = fails(&url, &file, &["--timeout", "0.3", "--retries", "1", "--concurrency", "3"]).await;
    says(&ended, "error: page 3 did not finish within 300ms");
    says(&ended, "(tried 2 times)");
    let keys = documents(&file, "records");
    assert!(keys.contains_key("1") && keys.contains_key("100"), "what had come is stored");
    assert!(!keys.contains_key("101"), "page 3 never came");
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_is_broken_for_good() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("broken").join("copy.sqlite");
    let url = format!("{}/trouble/broken", server.base);
    let started = Instant::now();
    let ended = fails(&url, &file, &["--retries", "2", "--concurrency", "2"]).await;
    says(
        &ended,
        "error: page 2: 500 Internal Server Error: {\"error\":\"this page is broken for good\"} (tried 3 times)",
    );
    assert_eq!(server.api.counts().errors, 3);
    assert!(started.elapsed().as_secs() < 10, "it was given up");
    assert!(documents(&file, "records").len() >= 50, "what had come is stored");
    server.stop().await;
}

#[tokio::test]
async fn cursors_in_a_circle() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("circle").join("copy.sqlite");
    let ended = fails(&format!("{}/trouble/loop", server.base), &file, &["--style", "cursor"]).await;
    says(&ended, "error: page 3 leads back to a page that came before: the API's cursors go in a circle");
    assert_eq!(documents(&file, "records").len(), 3, "what had come is stored");
    assert_eq!(server.api.counts().requests, 3);
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_pointer_to_the_next_page_is_a_warning() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("wrong-next").join("copy.sqlite");
    let url = format!("{}/cursor", server.base);
    let file = file.to_str().unwrap();
    let ended = harvest(&["--url", &url, "--style", "cursor", "--next", "/nxt", "--db", file]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    says(&ended, "page 1 has nothing at /nxt and is taken for the only one");
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_written() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("read-only").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let path = file.to_str().unwrap();
    assert_eq!(harvest(&["--url", &url, "--db", path, "--limit", "100"]).await.code, Some(0));
    let before = documents(&file, "records");

    // Not by its permissions: tests may run as root.
    let read_only = format!("file:{path}?mode=ro");
    let ended = fails(&url, Path::new(&read_only), &[]).await;
    says(&ended, "cannot open it: it is read-only");
    assert_eq!(documents(&file, "records"), before, "nothing is lost");
    let rest = harvest(&["--url", &url, "--db", path]).await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert_eq!(documents(&file, "records").len(), 1_000);
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_opened() {
    let directory = scratch("no-database");
    let ended = fails("http://127.0.0.1:1/", &directory.join("none/copy.sqlite"), &[]).await;
    says(&ended, "cannot open it: unable to open database file");
    fs::write(directory.join("text"), "no database at all, but a text that is longer than a header").unwrap();
    let ended = fails("http://127.0.0.1:1/", &directory.join("text"), &[]).await;
    says(&ended, "cannot open it: file is not a database");
}

#[tokio::test]
async fn a_database_that_refuses_a_row_keeps_nothing_of_its_batch() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("refused-row").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let path = file.to_str().unwrap();
    assert_eq!(harvest(&["--url", &url, "--db", path, "--limit", "100", "--page-size", "50"]).await.code, Some(0));
    let connection = rusqlite::Connection::open(&file).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON records WHEN NEW.key = '777'
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    connection.execute_batch(refuse).unwrap();
    let ended = fails(&url, &file, &["--page-size", "50"]).await;
    says(&ended, "cannot store a batch: not this one");
    rows_and_checkpoint_agree(&file, 1_000, 50);
    connection.execute_batch("DROP TRIGGER refuse").unwrap();
    drop(connection);
    let rest = harvest(&["--url", &url, "--db", path, "--page-size", "50"]).await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    says(&rest, "goes on after");
    assert_eq!(documents(&file, "records").len(), 1_000);
    server.stop().await;
}
