//! How does one wait until a server is up?
//!
//! The child that serves says so itself, with its address. If it cannot, its caller has the error, and nobody else is concerned.
//!
//! Run: `cargo run -p bowline-concurrency --example start_server`
//!
//! Expected output:
//! ```text
//! no server: address in use
//! connected
//! served 1
//! ```

use bowline_concurrency::{Ready, ScopeError, StartError, TaskGroup, try_scope};
use tokio::sync::mpsc;

/// Where one connects to; a real one is an address of the network.
type Address = mpsc::Sender<&'static str>;

async fn serve(
    ready: Ready<Address>,
    bound: Result<(Address, mpsc::Receiver<&'static str>), String>,
) -> Result<u32, String> {
    let (address, mut listener) = bound?;
    ready.signal(address);
    let mut served = 0;
    while listener.recv().await.is_some() {
        served += 1;
    }
    Ok(served)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ScopeError<String>> {
    try_scope(async |group: &TaskGroup<String>| {
        match group.try_start(|ready| serve(ready, Err("address in use".to_owned()))).await {
            Err(StartError::Failed(error)) => println!("no server: {error}"),
            other => unreachable!("{other:?}"),
        }
        let start = group.named("server").try_start(|ready| serve(ready, Ok(mpsc::channel(8))));
        let (address, server) = start.await.map_err(|error| error.to_string())?;
        if address.send("hello").await.is_ok() {
            println!("connected");
        }
        drop(address);
        println!("served {}", server.await);
        Ok(())
    })
    .await
}
