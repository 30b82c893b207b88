//! How does one wait until a worker is ready, stop it, and learn that it never will be?
//!
//! The worker reports to a `Lifecycle`. If it fails, panics or is dropped, those who wait get an error instead of waiting for ever.
//!
//! Run: `cargo run -p bowline-sync --example worker`
//!
//! Expected output:
//!
//! ```text
//! mail: Starting
//! mail: Ready after 200 ms
//! mail: Stopping
//! mail: Stopped
//! chat: the worker failed before one could use it / … / the port is taken
//! news: the worker was dropped before its end: …
//! ```

use std::{error::Error, io, iter, sync::Arc, time::Duration};

use bowline_sync::{CannotBegin, Lifecycle};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

#[derive(Default)]
struct Server {
    lifecycle: Arc<Lifecycle>,
}

impl Server {
    fn start(&self, port: Result<u16, io::Error>) -> Result<JoinHandle<()>, CannotBegin> {
        // Before the spawn: a task that is dropped before it runs then counts as well.
        let worker = self.lifecycle.begin_owned()?;
        Ok(tokio::spawn(async move {
            if let Err(error) = initialize(port).await {
                return worker.fail(error);
            }
            worker.ready();
            worker.stop_requested().await;
            sleep(Duration::from_millis(100)).await; // the last requests
            worker.end();
        }))
    }
}

async fn initialize(port: Result<u16, io::Error>) -> Result<u16, io::Error> {
    sleep(Duration::from_millis(200)).await;
    port
}

/// What has happened and, where the worker said it, why.
fn told(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<_> = iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    causes.join(" / ")
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mail, begun) = (Server::default(), Instant::now());
    let task = mail.start(Ok(25))?;
    println!("mail: {:?}", mail.lifecycle.phase());
    mail.lifecycle.ready().await?;
    println!("mail: {:?} after {} ms", mail.lifecycle.phase(), begun.elapsed().as_millis());
    mail.lifecycle.stop();
    println!("mail: {:?}", mail.lifecycle.phase());
    mail.lifecycle.stopped().await?;
    println!("mail: {:?}", mail.lifecycle.phase());
    task.await?;

    let chat = Server::default();
    let _task = chat.start(Err(io::Error::other("the port is taken")))?;
    if let Err(error) = chat.lifecycle.ready().await {
        println!("chat: {}", told(&error));
    }

    let news = Server::default();
    news.start(Ok(119))?.abort();
    if let Err(error) = news.lifecycle.stopped().await {
        println!("news: {}", told(&error));
    }
    Ok(())
}
