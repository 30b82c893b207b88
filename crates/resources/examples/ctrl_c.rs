//! What becomes of open resources on Ctrl-C?
//!
//! The signal cancels the root. Its work is dropped in the middle of a query, both resources are released, the inner one first, and only then the
//! program ends. The program interrupts itself here, so that it shows without a hand on the keyboard.
//!
//! Run: `cargo run -p bowline-resources --example ctrl_c`
//!
//! Expected output:
//!
//! ```text
//! pool opened
//! transaction begun
//! ^C in the middle of a query
//! transaction rolled back: Cancelled(Shutdown)
//! pool closed: Cancelled(Shutdown)
//! a signal ended the program before it had a value
//! ```

use std::{convert::Infallible, future::pending, io, process::Command};

use bowline_concurrency::{RunError, run};
use bowline_resources::{Exit, Resource, resource, with};
use tokio::task::yield_now;

/// Says what happens to it, and takes a moment for it.
fn said(opened: &'static str, closed: &'static str) -> impl Resource<Value = (), Error = Infallible> + use<> {
    resource(
        async move || {
            println!("{opened}");
            Ok(())
        },
        async move |(), exit: Exit| {
            yield_now().await; // Says goodbye to the server.
            println!("{closed}: {exit:?}");
            Ok(())
        },
    )
}

async fn query() -> io::Result<()> {
    println!("^C in the middle of a query");
    interrupt_this_process()?;
    pending().await
}

fn interrupt_this_process() -> io::Result<()> {
    let status = Command::new("kill").args(["-INT", &std::process::id().to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("kill failed")) }
}

async fn work() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    with(said("pool opened", "pool closed"), async |()| {
        with(said("transaction begun", "transaction rolled back"), async |()| Ok(query().await?)).await
    })
    .await
}

fn main() {
    match run(work()) {
        Ok(_) => unreachable!("the query has no end"),
        Err(RunError::Interrupted(_)) => println!("a signal ended the program before it had a value"),
        Err(error) => println!("{error}"),
    }
}
