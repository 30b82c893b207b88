//! What happens to the session of a generator when its consumer stops after three rows?
//!
//! It is closed, with an await, before the scope around the consumer returns. No page is fetched that nobody asked for.
//!
//! Run: `cargo run -p bowline-streams --example stop_early`
//!
//! Expected output:
//! ```text
//! session opened
//! page 1 fetched
//! row 10
//! row 11
//! page 2 fetched
//! row 20
//! that is enough
//! session closed
//! the scope has returned
//! ```

use std::{io, time::Duration};

use bowline_concurrency::scope;
use bowline_streams::{Closed, Emitter, TryGenerate, try_generate};
use futures_util::StreamExt;
use thiserror::Error;
use tokio::time::sleep;

/// An error of one's own: the second variant is all that `?` after `emit` needs.
#[derive(Debug, Error)]
enum Error {
    #[error("cannot fetch")]
    Fetch(#[from] io::Error),
    #[error(transparent)]
    Closed(#[from] Closed),
}

struct Session;

impl Session {
    async fn open() -> io::Result<Self> {
        println!("session opened");
        Ok(Session)
    }

    async fn page(&self, page: u32) -> io::Result<Vec<u32>> {
        sleep(Duration::from_millis(5)).await;
        println!("page {page} fetched");
        Ok(vec![10 * page, 10 * page + 1])
    }

    async fn close(self) -> io::Result<()> {
        sleep(Duration::from_millis(5)).await;
        println!("session closed");
        Ok(())
    }
}

async fn emit_pages(session: &Session, out: &Emitter<u32>) -> Result<(), Error> {
    for page in 1.. {
        for row in session.page(page).await? {
            out.emit(row).await?;
        }
    }
    Ok(())
}

fn fetch_paginated() -> TryGenerate<u32, Error> {
    try_generate(async |out| {
        let session = Session::open().await?;
        let result = emit_pages(&session, &out).await;
        session.close().await?; // The `finally`: an error of it would be reported.
        result
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scope(async |_| {
        let mut rows = fetch_paginated().take(3);
        while let Some(row) = rows.next().await {
            println!("row {}", row?);
        }
        println!("that is enough");
        Ok::<_, Error>(())
    })
    .await?;
    println!("the scope has returned");
    Ok(())
}
