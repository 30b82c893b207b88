//! How does a program start subsystems from its top level, in loops and with what it has at hand, and from elsewhere?
//!
//! The body of a scope is the top level: it borrows the locals around it, and what one task gives may start the next one. Code elsewhere
//! gets a `Spawner`, a handle for which the scope does not stay open: when it has returned, the handle gives the future back.
//!
//! Asked for as #54 and #55 of tokio-graceful-shutdown.
//!
//! Run: `cargo run -p bowline-concurrency --example spawn_from_outside`
//!
//! Expected output:
//! ```text
//! serving on port 8080
//! serving on port 8081
//! serving on port 9000
//! noted by the body: [8080, 8081]
//! after the scope: no more tasks are taken: the group is being cancelled, was shut down or has returned
//! ```

use bowline_concurrency::{Spawner, scope};
use tokio::task::{JoinError, yield_now};

struct Socket(u16);

async fn bind(port: u16) -> Socket {
    yield_now().await; // Simulates I/O.
    Socket(port)
}

async fn serve(Socket(port): Socket) {
    println!("serving on port {port}");
}

/// Somewhere else in the program, such as in a handler of a web server.
async fn elsewhere(spawner: Spawner) -> Spawner {
    if let Err(refused) = spawner.spawn(serve(Socket(9000))) {
        println!("elsewhere: {refused}");
    }
    spawner
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    let ports = vec![8080, 8081];
    let mut bound = Vec::new();

    let spawner = scope(async |group| {
        for port in &ports {
            let socket = group.spawn(bind(*port)).await;
            bound.push(port); // Locals of `main`: no `Arc`, no lock, and not `'static`.
            drop(group.spawn(serve(socket)));
        }
        tokio::spawn(elsewhere(group.spawner())).await
    })
    .await?;

    println!("noted by the body: {bound:?}");
    if let Err(refused) = spawner.spawn(serve(Socket(9001))) {
        println!("after the scope: {refused}");
    }
    Ok(())
}
