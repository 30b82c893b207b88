//! Stopped at any instant, asked or killed: the command goes on where it was, with nothing missing and nothing doubled.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, Instant},
};

use harvest::server::{Faults, Options};
use tokio::{process::Command, time::sleep};

use crate::support::{Ended, Running, Server, documents, expected, options, rows, rows_and_checkpoint_agree, scratch};

const PAGE_SIZE: u64 = 20;

fn up_to(milliseconds: u64) -> Duration {
    Duration::from_millis(RandomState::new().build_hasher().finish() % (milliseconds + 1))
}

/// Kills harvest `kills` times, every other time during a commit, lets it finish then, and compares.
async fn killed_again_and_again(style: &str, records: usize, latency_ms: u64, kills: usize) {
    let server = Server::start(Options { records, latency_ms: 0..=latency_ms, ..options(Faults::none()) }).await;
    let file = scratch(&format!("killed-{style}")).join("copy.sqlite");
    let url = format!("{}/{style}", server.base);
    let size = PAGE_SIZE.to_string();
    let arguments = ["--url", &url, "--style", style, "--db", file.to_str().unwrap(), "--page-size", &size];
    let slowly = [&arguments[..], &["--concurrency", "2", "--slow-commit-ms", "20"]].concat();

    let mut during_commit = 0;
    for kill in 0..kills {
        let mut running = Running::start(&slowly);
        if kill % 2 == 0 {
            assert!(running.says("committing").await, "it ended before it was killed");
            sleep(up_to(22)).await;
            during_commit += 1;
        } else {
            sleep(up_to(100)).await;
        }
        let killed = running.kill().await;
        assert_eq!(killed.code, None, "it ended before it was killed: {}", killed.stderr);
        if file.exists() && !rows(&file, "SELECT 1 FROM sqlite_master WHERE name = 'records'", |_| Ok(())).is_empty() {
            rows_and_checkpoint_agree(&file, records as u64, PAGE_SIZE);
        }
    }
    let rest = Running::start(&arguments).end().await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert!(rest.stderr.contains("run 1 goes on after"), "{}", rest.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api), "0 missing, 0 wrong");
    let counted = rows(&file, "SELECT new, changed + unchanged + dead FROM harvest_runs", |row| {
        Ok((row.get::<_, usize>(0)?, row.get::<_, usize>(1)?))
    });
    assert_eq!(counted, [(records, 0)], "0 doubled: each record was stored once, in one run");
    println!("{style}: {kills} kills, {during_commit} of them during a commit");
    server.stop().await;
}

/// The latency is wide, so that pages come out of order and a commit leaves gaps.
#[tokio::test]
async fn killed_twenty_times_while_fetching_in_parallel() {
    killed_again_and_again("page", 8_000, 30, 20).await;
}

#[tokio::test]
async fn killed_ten_times_while_following_cursors() {
    killed_again_and_again("cursor", 4_000, 3, 10).await;
}

/// Pastes the line below "to resume" into a shell.
async fn paste_resume_line(ended: &Ended) -> Ended {
    let (_, line) = ended.stderr.split_once("to resume:\n").expect("a line to paste");
    Running::of(Command::new("sh").args(["-c", line.trim()])).end().await
}

async fn interrupted_and_resumed(style: &str, signal: &str) {
    let server = Server::start(Options { records: 3_000, latency_ms: 10..=20, ..options(Faults::none()) }).await;
    // A name that a shell would take apart.
    let file = scratch(&format!("interrupted {style}")).join("it's a $copy.sqlite");
    let url = format!("{}/{style}?q=a&b=c", server.base);
    let arguments = ["--url", &url, "--style", style, "--db", file.to_str().unwrap(), "--page-size", "20", "-vv"];
    let mut running = Running::start(&arguments);
    for _ in 0..3 {
        assert!(running.says("a batch is committed").await);
    }
    running.signal(signal).await;
    let interrupted = running.end().await;
    assert_eq!(interrupted.code, Some(130), "{}", interrupted.stderr);
    let stored = rows_and_checkpoint_agree(&file, 3_000, PAGE_SIZE);
    assert!(0 < stored && stored < 3_000);
    assert!(interrupted.stderr.contains("is interrupted; what was fetched is stored"), "{}", interrupted.stderr);

    let resumed = paste_resume_line(&interrupted).await;
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("run 1 goes on after"), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("3000 new, 0 changed, 0 unchanged, 0 dead letters"), "{}", resumed.stderr);
    assert_eq!(documents(&file, "records"), expected(&server.api));
    server.stop().await;
}

#[tokio::test]
async fn ctrl_c_in_parallel() {
    interrupted_and_resumed("page", "-INT").await;
}

#[tokio::test]
async fn sigterm_in_sequence() {
    interrupted_and_resumed("cursor", "-TERM").await;
}

#[tokio::test]
async fn ctrl_c_does_not_wait_for_a_page_that_hangs() {
    let server = Server::start(options(Faults::none())).await;
    let file = scratch("interrupted-hang").join("copy.sqlite");
    let url = format!("{}/trouble/hang", server.base);
    let mut running = Running::start(&["--url", &url, "--db", file.to_str().unwrap(), "--concurrency", "1", "-vv"]);
    assert!(running.says("a batch is committed").await);
    while server.api.counts().requests < 3 {
        sleep(Duration::from_millis(1)).await;
    }
    let started = Instant::now();
    running.signal("-INT").await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(started.elapsed().as_secs() < 5, "neither the page nor the timeout of 30 s was waited for");
    assert_eq!(documents(&file, "records").len(), 100);
    server.stop().await;
}
