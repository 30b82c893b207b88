//! How are subsystems stopped one after the other, in a fixed order, after one signal?
//!
//! Each has a `BackgroundTasks` of its own, and these are shut down in that order: a subsystem is told when the last task of the one
//! before is gone. They are shielded from the signal itself, which would tell all of them at once.
//!
//! Asked for as #80 of tokio-graceful-shutdown.
//!
//! Run: `cargo run -p bowline-concurrency --example sequential_shutdown`
//!
//! Expected output:
//! ```text
//! the signal has come
//! web server: told
//! web server: done
//! workers: told
//! workers: done
//! database: told
//! database: done
//! all ended by themselves: true
//! ```

use std::{error::Error, time::Duration};

use bowline_concurrency::{BackgroundTasks, cancelled, root_scope};
use tokio::{
    sync::oneshot::{self, error::RecvError},
    time::sleep,
};

async fn subsystem(name: &'static str) {
    cancelled().await;
    println!("{name}: told");
    sleep(Duration::from_secs(2)).await; // Finishes what it had begun.
    println!("{name}: done");
}

/// Stands in for `shutdown_requested()`, which waits for Ctrl-C or SIGTERM.
async fn signal() -> Result<(), RecvError> {
    let (ctrl_c, pressed) = oneshot::channel();
    tokio::spawn(async {
        sleep(Duration::from_secs(60)).await;
        ctrl_c.send(())
    });
    pressed.await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    root_scope(async {
        let [web, workers, database] = [(); 3].map(|()| BackgroundTasks::new().shielded());
        database.spawn("database", subsystem("database"))?;
        workers.spawn("workers", subsystem("workers"))?;
        web.spawn("web server", subsystem("web server"))?;

        signal().await?;
        println!("the signal has come");

        let mut all = true;
        for tasks in [web, workers, database] {
            let report = tasks.shutdown(Duration::from_secs(10)).await;
            all &= report.aborted.is_empty() && report.stuck.is_empty();
        }
        println!("all ended by themselves: {all}");
        Ok(())
    })
    .await?
}
