//! A session is committed after success, rolled back after everything else, and always closed: what if the rollback fails, too?
//!
//! It is closed all the same. The caller gets the first error; the one of the rollback goes to the observer.
//!
//! Run: `cargo run -p bowline-resources --example db_session`
//!
//! Expected output:
//!
//! ```text
//! [1] INSERT ada
//! [1] COMMIT
//! [1] closed
//! [2] INSERT bob
//! [2] ROLLBACK
//! [2] closed
//! not stored: bob is not wanted
//! [3] INSERT eve
//! [3] ROLLBACK
//! [3] closed
//! observed: the release of … failed: Custom { kind: Other, error: "connection lost" }
//! too late: storing eve did not finish within 50ms (deadline set at …)
//! ```

use std::{error::Error, io, time::Duration};

use bowline_concurrency::{Scope, root_scope, timeout};
use bowline_resources::{Exit, Resource, with};
use tokio::time::sleep;

/// `get_db_session()`, with a number to tell the sessions apart.
struct DbSession(u32);

struct Session(u32);

impl Session {
    async fn send(&mut self, statement: &str) -> io::Result<()> {
        sleep(Duration::from_millis(1)).await; // the network
        println!("[{}] {statement}", self.0);
        if (self.0, statement) == (3, "ROLLBACK") { Err(io::Error::other("connection lost")) } else { Ok(()) }
    }
}

impl Resource for DbSession {
    type Value = Session;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<Session> {
        Ok(Session(self.0))
    }

    async fn release(&mut self, mut session: Session, exit: Exit) -> io::Result<()> {
        let ended = session.send(if exit.is_completed() { "COMMIT" } else { "ROLLBACK" }).await;
        println!("[{}] closed", session.0); // The `finally` of the original.
        ended
    }
}

async fn store(name: &str, session: u32) -> io::Result<()> {
    with(DbSession(session), async |session| {
        session.send(&format!("INSERT {name}")).await?;
        match name {
            "bob" => Err(io::Error::other("bob is not wanted")),
            "eve" => std::future::pending().await,
            _ => Ok(()),
        }
    })
    .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    root_scope(async {
        Scope::current().observe_failures(|failure| println!("observed: {failure}"));
        store("ada", 1).await?;
        if let Err(error) = store("bob", 2).await {
            println!("not stored: {error}");
        }
        if let Err(elapsed) = timeout(Duration::from_millis(50), store("eve", 3)).named("storing eve").await {
            println!("too late: {elapsed}"); // The session has been rolled back and closed.
        }
        Ok(())
    })
    .await?
}
