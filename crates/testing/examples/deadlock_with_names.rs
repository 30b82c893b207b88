//! Who waits for whom, when a test hangs?
//!
//! On the paused clock a deadlock is a panic that lists the live tasks by name. A `Sequencer` makes it happen every time: both tasks hold one lock
//! before either asks for the other.
//!
//! Run: `cargo run -p bowline-testing --example deadlock_with_names`
//!
//! Expected output:
//!
//! ```text
//! on current_thread: nothing can progress; 2 tasks are alive
//!   - alice to bob in a scope, spawned at …
//!   - bob to alice in a scope, spawned at …
//! ```

use std::{
    error::Error,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bowline_concurrency::scope;
use bowline_testing::{Sequencer, on_current_thread};
use tokio::sync::Mutex;

async fn transfer(from: Arc<Mutex<u32>>, to: Arc<Mutex<u32>>, sequencer: Sequencer, number: usize) {
    let mut from = from.lock().await;
    sequencer.step(number).await; // Step 0 and step 1 …
    sequencer.step(number + 2).await; // … are over before step 2 begins.
    *to.lock().await += 10;
    *from -= 10;
}

fn main() -> Result<(), Box<dyn Error>> {
    panic::set_hook(Box::new(|_| {})); // The panic is the finding; it is printed below.
    let found = catch_unwind(AssertUnwindSafe(|| {
        on_current_thread(async || {
            let (alice, bob) = (Arc::new(Mutex::new(100)), Arc::new(Mutex::new(100)));
            let sequencer = Sequencer::default();
            scope(async |group| {
                let there = transfer(alice.clone(), bob.clone(), sequencer.clone(), 0);
                let back = transfer(bob, alice, sequencer, 1);
                let there = group.named("alice to bob").spawn(there);
                let back = group.named("bob to alice").spawn(back);
                there.await;
                back.await;
            })
            .await;
        });
    }));
    let found = found.err().ok_or("the deadlock should have been found")?;
    let text = found.downcast_ref::<String>().ok_or("the finding is a text")?;
    // Without its last line, advice for tests that wait for real threads.
    text.lines().take(3).for_each(|line| println!("{line}"));
    Ok(())
}
