//! What harvest spares a server, and what it keeps from servers that are not meant.

use std::{fs, time::Instant};

use harvest::server::{Faults, Options};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
    task::JoinHandle,
};

use crate::support::{PROGRAM, Running, Server, documents, figure, harvest, options, scratch};

#[tokio::test]
async fn a_refusal_pauses_all_requests_and_not_one() {
    let faults = Faults { refusals_in_seconds: 1, refusals_by_date: 1, ..Faults::none() };
    let server = Server::start(Options { records: 6_000, latency_ms: 5..=10, ..options(faults) }).await;
    let file = scratch("pause").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let started = Instant::now();
    let ended = harvest(&["--url", &url, "--db", file.to_str().unwrap(), "--page-size", "5"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(started.elapsed().as_secs_f64() > 1.0, "both refusals asked for a second at least");
    let counts = server.api.counts();
    assert_eq!((counts.refused_in_seconds, counts.refused_by_date), (1, 1));
    // Seven others, each with a page in 8 ms, would have come some hundred times.
    assert!(counts.early < 3, "{} requests came while harvest had been told to wait", counts.early);
    server.stop().await;
}

#[tokio::test]
async fn unavailable_pauses_and_then_goes_on() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("unavailable").join("copy.sqlite");
    let url = format!("{}/trouble/unavailable", server.base);
    let started = Instant::now();
    let ended = harvest(&["--url", &url, "--db", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(started.elapsed().as_secs() >= 2, "two times a second");
    assert_eq!((figure(&ended.stderr, "retries"), documents(&file, "records").len()), (2, 1_000));
    assert_eq!(server.api.counts().early, 0);
    server.stop().await;
}

#[tokio::test]
async fn the_rate_is_kept() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("rate").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let started = Instant::now();
    let arguments = ["--url", &url, "--db", file.to_str().unwrap(), "--rate", "20", "--total", "/total_pages"];
    let ended = harvest(&[&arguments[..], &["--page-size", "50"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(server.api.counts().requests, 20);
    assert!(started.elapsed().as_secs_f64() >= 0.95, "19 intervals of 50 ms");
    server.stop().await;
}

#[tokio::test]
async fn concurrency_is_kept() {
    let server = Server::start(Options { latency_ms: 5..=10, ..options(Faults::none()) }).await;
    let file = scratch("concurrency").join("copy.sqlite");
    let url = format!("{}/page", server.base);
    let arguments = ["--url", &url, "--db", file.to_str().unwrap(), "--concurrency", "3", "--page-size", "20"];
    let ended = harvest(&arguments).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(server.api.counts().peak_in_flight, 3);
    server.stop().await;
}

/// Answers every request with `answer`, and returns the requests when it is stopped by a request for `/stop`.
async fn listen(answer: impl Fn(&str) -> String + Send + 'static) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8_192];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("").to_owned();
            stream.write_all(answer(&path).as_bytes()).await.unwrap();
            if path == "/stop" {
                return requests;
            }
            requests.push(request);
        }
    });
    (base, requests)
}

async fn stop(base: &str, requests: JoinHandle<Vec<String>>) -> Vec<String> {
    reqwest::get(format!("{base}/stop")).await.unwrap();
    requests.await.unwrap()
}

fn page(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[tokio::test]
async fn headers_go_to_the_api_and_nowhere_else() {
    let (other, at_other) = listen(|_| page("", r#"[{"id":2}]"#)).await;
    let next = format!("{other}/2");
    let (api, at_api) = listen(move |path| match path {
        "/linked" => page(&format!("link: <{next}>; rel=\"next\"\r\n"), r#"[{"id":1}]"#),
        "/moved" => format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {next}\r\ncontent-length: 0\r\n\r\n"),
        _ => page("", "[]"),
    })
    .await;
    let file = scratch("origins").join("copy.sqlite");
    for path in ["linked", "moved"] {
        let url = format!("{api}/{path}");
        let arguments = ["--url", &url, "--style", "link", "--items", "", "--db", file.to_str().unwrap()];
        let arguments = [&arguments[..], &["-H", "X-Api-Key: s3cret"]].concat();
        let refused = harvest(&arguments).await;
        assert_eq!(refused.code, Some(4), "{}", refused.stderr);
        let hint =
            format!("it is on another origin, {other}: follow links there, without the headers, with --allow-origin");
        assert!(refused.stderr.contains(&hint), "{}", refused.stderr);
        let allowed = harvest(&[&arguments[..], &["--allow-origin", &other]].concat()).await;
        assert_eq!(allowed.code, Some(0), "{}", allowed.stderr);
        assert!(documents(&file, "records").contains_key("2"));
    }
    let at_api = stop(&api, at_api).await;
    assert!(!at_api.is_empty() && at_api.iter().all(|request| request.contains("x-api-key: s3cret")), "{at_api:?}");
    let at_other = stop(&other, at_other).await;
    assert!(!at_other.is_empty() && !at_other.iter().any(|request| request.contains("s3cret")), "{at_other:?}");
}

#[tokio::test]
async fn secrets_are_nowhere_to_be_found() {
    let directory = scratch("secrets");
    let (api, requests) = listen(|path| match path {
        "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[".to_owned(),
        _ => page("", r#"[{"id":1}]"#),
    })
    .await;
    for (path, code) in [("cut", 4), ("whole", 0)] {
        let url = format!("{api}/{path}");
        let file = directory.join("copy.sqlite");
        let mut command = Command::new(PROGRAM);
        command.env("TOKEN", "s3cret-one").args(["--url", &url, "--style", "link", "--items", "", "-vv"]);
        command.args(["--retries", "1", "--db", file.to_str().unwrap()]);
        command.args(["--header", "Authorization: @env:TOKEN", "--header", "X-Api-Key: s3cret-two"]);
        let ended = Running::of(&mut command).end().await;
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
        if code == 4 {
            assert!(
                ended.stderr.contains("set HARVEST_X_API_KEY first: the value is not shown here"),
                "{}",
                ended.stderr
            );
            assert!(ended.stderr.contains("--header 'Authorization: @env:TOKEN'"), "{}", ended.stderr);
        }
    }
    for entry in fs::read_dir(&directory).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"), "in the database");
    }
    let requests = stop(&api, requests).await;
    assert!(requests.iter().all(|request| request.contains("s3cret-one") && request.contains("s3cret-two")));
}
