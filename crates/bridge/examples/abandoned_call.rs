//! What happens to a blocking call when its deadline passes?
//!
//! A thread cannot be stopped from outside. The closure is told, the deadline waits until the thread is really free, and
//! the error that comes too late still finds a listener. A call that was only queued never runs.
//!
//! Run: `cargo run -p bowline-bridge --example abandoned_call`
//!
//! Expected output:
//! ```text
//! compacting block 1
//! compacting block 2
//! too late: disk: compact failed: "stopped after 2 blocks"
//! the deadline has passed, and 0 calls are running
//! the pool disk was shut down: every call was done
//! ```

use std::{error::Error, sync::mpsc, time::Duration};

use bowline_bridge::BlockingPool;
use bowline_concurrency::{Scope, root_scope, timeout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    root_scope(async {
        Scope::current().observe_failures(|failure| println!("too late: {failure}"));
        let disk = BlockingPool::builder().name("disk").threads(1).queue(8).build()?;

        // Stands in for the disk: two blocks come, and then none for a long time.
        let (send, blocks) = mpsc::channel();
        send.send(1)?;
        send.send(2)?;
        let compact = disk
            .run(move |cx| {
                let mut done = 0;
                while !cx.is_cancelled() {
                    if let Ok(block) = blocks.recv_timeout(Duration::from_millis(1)) {
                        println!("compacting block {block}");
                        done += 1;
                    }
                }
                Err::<u32, _>(format!("stopped after {done} blocks"))
            })
            .named("compact")
            .report_orphaned_error();
        let behind = disk.run(|_| println!("this is never printed"));

        let work = async { tokio::join!(compact, behind) };
        if timeout(Duration::from_millis(50), work).await.is_err() {
            println!("the deadline has passed, and {} calls are running", disk.statistics().running);
        }
        drop(send);
        println!("{}", disk.shutdown(Duration::from_secs(5)).await);
        Ok(())
    })
    .await?
}
