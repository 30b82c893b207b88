//! Where does a transfer lose money when its request is cancelled?
//!
//! At the second point where it suspends, as the test says. The fixed one survives a drop at every point.
//!
//! Run: `cargo run -p bowline-testing --example cancel_unsafe_transfer`
//!
//! Expected output:
//!
//! ```text
//! hasty:   on current_thread, dropped at await point 2: 90 + 0: money was lost
//! careful: sound after a drop at each of its 2 await points
//! ```

use std::{
    error::Error,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bowline_testing::{Visited, assert_cancel_safe};
use tokio::{sync::Mutex, task::yield_now};

#[derive(Clone)]
struct Bank {
    alice: Arc<Mutex<u32>>,
    bob: Arc<Mutex<u32>>,
}

/// The remote service that has to agree.
async fn approve() {
    yield_now().await;
}

async fn hasty(bank: Bank) {
    approve().await;
    *bank.alice.lock().await -= 10;
    approve().await; // Dropped here, the money has left Alice and never reaches Bob.
    *bank.bob.lock().await += 10;
}

async fn careful(bank: Bank) {
    approve().await;
    approve().await;
    let (mut alice, mut bob) = (bank.alice.lock().await, bank.bob.lock().await);
    *alice -= 10; // From here on there is no await.
    *bob += 10;
}

fn survives_every_drop<F: Future>(transfer: impl Fn(Bank) -> F) -> Visited {
    assert_cancel_safe(
        async || {
            let bank = Bank { alice: Arc::new(Mutex::new(100)), bob: Arc::default() };
            (transfer(bank.clone()), bank)
        },
        async |bank| {
            let (alice, bob) = (*bank.alice.lock().await, *bank.bob.lock().await);
            assert!(alice + bob == 100, "{alice} + {bob}: money was lost");
        },
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    panic::set_hook(Box::new(|_| {})); // The panic is the finding; it is printed below.
    let found = catch_unwind(AssertUnwindSafe(|| survives_every_drop(hasty)));
    let found = found.err().ok_or("the hasty transfer should have been caught")?;
    println!("hasty:   {}", found.downcast_ref::<String>().ok_or("the finding is a text")?);

    let visited = survives_every_drop(careful);
    visited.at_least(2);
    println!("careful: sound after a drop at each of its {} await points", visited.current_thread);
    Ok(())
}
