//! What the models share: counting who is alive, chance, and trees of scopes.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{hand_off, scope};
use shuttle::rand::{Rng, thread_rng};
use tokio::{runtime::Handle, task::yield_now, time::SOON};

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A limit that may pass at any moment.
pub(crate) const ANY_MOMENT: Duration = Duration::from_millis(1);
/// A limit that does not pass in the model: what waits for it waits for something else, or for ever.
pub(crate) const NEVER: Duration = SOON.saturating_mul(3600);

/// Counts guards that are alive. Its atomics are real ones: counting adds no steps to the schedule.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<AtomicUsize>);

impl Census {
    pub(crate) fn enter(&self) -> Resident {
        self.0.fetch_add(1, SeqCst);
        Resident(self.clone())
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// The promise of all scopes.
    #[track_caller]
    pub(crate) fn assert_empty(&self, who: &str) {
        assert_eq!(self.alive(), 0, "{who} returned before what is below was gone");
    }
}

/// Alive until its destructor has run to its end, in which others get a turn.
pub(crate) struct Resident(Census);

impl Drop for Resident {
    fn drop(&mut self) {
        turn();
        self.0.0.fetch_sub(1, SeqCst);
    }
}

/// A point in synchronous code at which another task may run.
pub(crate) fn turn() {
    shuttle::thread::sleep(Duration::ZERO); // No time passes in a model.
}

/// One of `0..bound`, decided by the schedule.
pub(crate) fn any(bound: usize) -> usize {
    thread_rng().gen_range(0..bound)
}

/// Ready after fewer than `bound` polls.
pub(crate) async fn moments(bound: usize) {
    for _ in 0..any(bound) {
        yield_now().await;
    }
}

/// Children in scopes of their own, down to `depth`; their leaves end after some moments, or never. Some own a lease.
pub(crate) fn tree(depth: usize, census: Census) -> BoxFuture {
    Box::pin(async move {
        let _here = census.enter();
        let _lease = (any(4) == 0).then(|| Lease(census.clone()));
        if depth == 0 {
            moments(4).await;
            return if any(2) == 0 {
                pending().await
            };
        }
        scope(async |group| {
            let first = group.spawn(tree(depth - 1, census.clone()));
            if any(2) == 0 {
                drop(group.spawn(tree(depth - 1, census.clone())));
            }
            // A scope in the body, and one whose handle nobody awaits.
            if any(4) == 0 {
                scope(async |inner| drop(inner.spawn(tree(0, census.clone())))).await;
            }
            first.await;
        })
        .await;
    })
}

/// Owes an asynchronous release, which is counted as alive from the drop on.
pub(crate) struct Lease(pub(crate) Census);

impl Drop for Lease {
    fn drop(&mut self) {
        let owed = self.0.enter();
        hand_off(&Handle::current(), "lease", async move {
            moments(3).await;
            drop(owed);
        });
    }
}
