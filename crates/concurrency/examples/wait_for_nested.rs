//! How does a program wait for a nested subsystem, and try again when it failed?
//!
//! A nested subsystem is a scope, and to wait for it is to await it. A loop around it is the retry: each round begins when the
//! last task of the one before is gone, and what was set up once lives outside the loop.
//!
//! Asked for as #37 of tokio-graceful-shutdown.
//!
//! Run: `cargo run -p bowline-concurrency --example wait_for_nested`
//!
//! Expected output:
//! ```text
//! expensive setup
//! attempt 1 failed: receive: connection 1 was reset
//! attempt 2 failed: receive: connection 2 was reset
//! attempt 3: 12 messages for user 7
//! ```

use std::{io, time::Duration};

use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
use tokio::time::sleep;

struct Account {
    user: u32,
}

async fn expensive_setup() -> Account {
    println!("expensive setup");
    Account { user: 7 }
}

async fn receive(connection: u32) -> io::Result<u32> {
    sleep(Duration::from_secs(5)).await;
    if connection < 3 { Err(io::Error::other(format!("connection {connection} was reset"))) } else { Ok(12) }
}

async fn keep_alive(_connection: u32) -> io::Result<()> {
    sleep(Duration::from_secs(10)).await;
    Ok(())
}

/// Two tasks with one fate. Whichever fails, the other one is cancelled, and the error is what this returns.
async fn nested_subsystem(account: &Account, connection: u32) -> Result<String, ScopeError<io::Error>> {
    try_scope(async |group: &TaskGroup<io::Error>| {
        drop(group.named("keep alive").try_spawn(keep_alive(connection)));
        let messages = group.named("receive").try_spawn(receive(connection)).await;
        Ok(format!("{messages} messages for user {}", account.user)) // The body borrows what was set up once.
    })
    .await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let account = expensive_setup().await;
    for attempt in 1..=5 {
        match nested_subsystem(&account, attempt).await {
            Ok(result) => return println!("attempt {attempt}: {result}"),
            Err(error) => println!("attempt {attempt} failed: {error}"),
        }
        sleep(Duration::from_secs(1)).await;
    }
}
