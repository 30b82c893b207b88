//! Connections from a pool: used again after a reset, destroyed after a use that did not end, and drained at the end.
//!
//! Run: `cargo run -p bowline-resources --example pool`
//!
//! Expected output:
//!
//! ```text
//! [1] opened
//! [1] SELECT 1
//! [1] RESET
//! [1] SELECT 2
//! [1] RESET
//! [1] SELECT pg_sleep(60)
//! [1] closed
//! too late: the query did not finish within 50ms (deadline set at …)
//! [2] opened
//! [2] SELECT 3
//! [2] RESET
//! 1 idle of at most 1; 2 were opened, 1 was interrupted
//! [2] closed
//! the pool is closed: 1 released
//! ```

use std::{
    error::Error,
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bowline_concurrency::timeout;
use bowline_resources::{AcquireError, Exit, Pool, Pooled, Resource};
use tokio::time::sleep;

/// Opens connections, with numbers to tell them apart.
#[derive(Clone, Default)]
struct Connect(Arc<AtomicU32>);

struct Connection(u32);

impl Connection {
    async fn send(&mut self, statement: &str) -> io::Result<()> {
        println!("[{}] {statement}", self.0);
        sleep(Duration::from_millis(if statement.contains("sleep") { 60_000 } else { 1 })).await; // the network
        Ok(())
    }
}

impl Resource for Connect {
    type Value = Connection;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<Connection> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1; // Relaxed: only a number.
        println!("[{number}] opened");
        Ok(Connection(number))
    }

    async fn release(&mut self, connection: Connection, _: Exit) -> io::Result<()> {
        println!("[{}] closed", connection.0);
        Ok(())
    }
}

impl Pooled for Connect {
    async fn reset(&mut self, connection: &mut Connection, _: &Exit) -> io::Result<()> {
        connection.send("RESET").await
    }
}

type PoolError = AcquireError<io::Error>;

async fn query(pool: &Pool<Connect>, statement: &str) -> Result<(), PoolError> {
    pool.with(async |connection| connection.send(statement).await.map_err(AcquireError::Create)).await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::builder(Connect::default(), NonZeroUsize::MIN).wait_timeout(Duration::from_secs(1)).build();
    query(&pool, "SELECT 1").await?;
    query(&pool, "SELECT 2").await?;
    let slow = timeout(Duration::from_millis(50), query(&pool, "SELECT pg_sleep(60)")).named("the query").await;
    if let Err(elapsed) = slow {
        println!("too late: {elapsed}"); // The answer may still come: nobody else gets this connection.
    }
    query(&pool, "SELECT 3").await?;

    let now = pool.statistics();
    println!(
        "{} idle of at most {}; {} were opened, {} was interrupted",
        now.idle, now.max_size, now.created, now.destroyed.interrupted
    );
    println!("the pool is closed: {}", pool.close(Duration::from_secs(5)).await);
    Ok(())
}
