//! A program hangs: what runs in it, and who waits for whom?
//!
//! Two tasks take the same two locks, each in another order. The tree shows both, the locks that they hold, and the circle; and beside
//! them a hundred workers that are all well. Print it where your program can be asked: in a handler of the web server, or at a signal.
//!
//! Run: `cargo run -p bowline-concurrency --example live_tree`
//!
//! Expected output:
//! ```text
//! ! a circle of waits: task `deposit` #… → the mutex `audit` #… → task `refund` #… → the mutex `accounts` #… → task `deposit` #…
//! the process root #… · for … s
//! └─ the root #… · for … s
//!    └─ service #… · 102 tasks · for … s · crates/concurrency/examples/live_tree.rs:…
//!       ├─ worker × 100 · suspended · crates/concurrency/examples/live_tree.rs:…
//!       ├─ deposit #… · suspended for … s · 2 polls · … · waits for the mutex `audit` #…, held by task `refund` #…, for … s
//!       └─ refund #… · suspended for … s · 2 polls · … · waits for the mutex `accounts` #…, held by task `deposit` #…, for … s
//!          └─ a timeout #… · deadline in … s · for … s · crates/concurrency/examples/live_tree.rs:…
//! ```

use std::{future::pending, sync::Arc, time::Duration};

use bowline_concurrency::{
    Root, ScopeError, TaskGroup,
    inspect::{Holding, Resource},
    timeout, tree,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::sleep,
};

/// A lock that the tree shows: what a crate of locks does behind a feature.
struct Shown {
    lock: Arc<Mutex<()>>,
    resource: Resource,
}

impl Shown {
    fn new(name: &'static str) -> Self {
        Shown { lock: Arc::default(), resource: Resource::new("mutex").named(name) }
    }

    async fn lock(&self) -> (OwnedMutexGuard<()>, Holding) {
        let mut lock = Box::pin(self.lock.clone().lock_owned());
        let mut waiting = self.resource.waiting();
        let guard = std::future::poll_fn(|cx| waiting.poll(cx, |cx| lock.as_mut().poll(cx))).await;
        (guard, self.resource.hold())
    }
}

async fn transfer(locks: Arc<[Shown; 2]>, first: usize, second: usize) {
    let _first = locks[first].lock().await;
    sleep(Duration::from_millis(10)).await;
    let _second = locks[second].lock().await;
}

async fn program() -> Result<(), ScopeError<String>> {
    let locks = Arc::new([Shown::new("accounts"), Shown::new("audit")]);
    let service = TaskGroup::builder().name("service");
    service
        .try_scope(async |group: &TaskGroup<String>| {
            let worker: Arc<str> = "worker".into();
            for _ in 0..100 {
                drop(group.named(worker.clone()).spawn(pending::<()>()));
            }
            drop(group.named("deposit").spawn(transfer(locks.clone(), 0, 1)));
            drop(group.named("refund").spawn(timeout(Duration::from_secs(60), transfer(locks.clone(), 1, 0))));
            sleep(Duration::from_secs(3)).await;
            print!("{}", tree());
            group.cancel("seen enough");
            Ok(())
        })
        .await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Root::new().inspect(true).scope(program()).await??;
    Ok(())
}
