//! The two generators of the pattern catalogue: a paginated source with a session, and the lines of a file.

use std::{
    io,
    path::{Path, PathBuf},
    pin::pin,
};

use bowline_concurrency::scope;
use bowline_streams::{Closed, try_generate};
use bowline_testing::on_both_runtimes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream::iter};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    task::yield_now,
};

use crate::support::Sessions;

/// Three pages, inside a session that is closed however the consumer ends.
fn fetch_paginated(sessions: Sessions) -> impl Stream<Item = Result<u32, Closed>> + Unpin {
    try_generate(async move |out| {
        sessions.open().await;
        let result = async {
            for page in 0..3 {
                yield_now().await; // The request.
                for row in 0..2 {
                    out.emit(10 * page + row).await?;
                }
            }
            Ok(())
        }
        .await;
        sessions.close().await; // The `finally`.
        result
    })
}

#[test]
fn fetch_paginated_closes_its_session_before_the_enclosing_scope_returns() {
    on_both_runtimes(async || {
        for rows in 1..=6 {
            let sessions = Sessions::default();
            scope(async |_| {
                let mut pages = fetch_paginated(sessions.clone());
                for _ in 0..rows {
                    assert!(pages.next().await.is_some());
                }
                assert_eq!(sessions.closed(), 0);
            })
            .await;
            assert_eq!((sessions.opened(), sessions.closed()), (1, 1), "after {rows} rows");
        }
        let sessions = Sessions::default();
        assert_eq!(fetch_paginated(sessions.clone()).try_collect().await, Ok(vec![0, 1, 10, 11, 20, 21]));
        assert_eq!(sessions.closed(), 1);
    });
}

fn read_lines(path: PathBuf) -> impl Stream<Item = io::Result<String>> {
    try_generate(async move |out| {
        let mut lines = BufReader::new(tokio::fs::File::open(&path).await?).lines();
        while let Some(line) = lines.next_line().await? {
            out.emit(line.trim().to_owned()).await?;
        }
        Ok(())
    })
}

#[test]
fn read_lines_reads_a_file_to_its_end_or_not() {
    on_both_runtimes(async || {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let text = std::fs::read_to_string(&path)?;
        let expected: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(read_lines(path.clone()).try_collect::<Vec<_>>().await?, expected);

        let mut lines = pin!(read_lines(path.clone()));
        assert_eq!(lines.next().await.transpose()?.as_ref(), expected.first());

        let mut missing = pin!(read_lines(path.join("missing")));
        assert!(missing.next().await.expect("the error").is_err());
        assert!(missing.next().await.is_none());
        Ok::<_, io::Error>(())
    });
}

#[test]
fn gen_21_adapter_that_owns_closes_its_generators() {
    on_both_runtimes(async || {
        let sessions = Sessions::default();
        scope(async |_| {
            assert_eq!(fetch_paginated(sessions.clone()).take(2).count().await, 2);
            let short = iter([()]);
            assert_eq!(fetch_paginated(sessions.clone()).zip(short).count().await, 1, "the longer one of a zip");
            let mut chained = iter([()]).chain(fetch_paginated(sessions.clone()).map(drop));
            assert!(chained.next().await.is_some(), "the rest of a chain: never started");
        })
        .await;
        assert_eq!((sessions.opened(), sessions.closed()), (2, 2));
    });
}
