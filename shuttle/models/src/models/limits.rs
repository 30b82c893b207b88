//! Scopes with a deadline, a grace and a limit, all of which may pass at any moment.

use std::{future::pending, num::NonZeroUsize};

use bowline_concurrency::{TaskGroup, cancelled};

use crate::support::{ANY_MOMENT, Census, any, moments, tree};

const CHILDREN_MAX: NonZeroUsize = NonZeroUsize::new(2).expect("it is 2");

pub(crate) async fn all_at_once() {
    let (census, running) = (Census::default(), Census::default());
    let result = TaskGroup::builder().limit(CHILDREN_MAX).grace(ANY_MOMENT).deadline(ANY_MOMENT);
    let result = result.try_scope(async |group: &TaskGroup<String>| {
        for _ in 0..3 {
            drop(group.spawn(child(census.clone(), running.clone())));
            moments(2).await;
        }
        Ok(())
    });
    let _ = result.await;
    census.assert_empty("the scope");
    running.assert_empty("the scope");
}

async fn child(census: Census, running: Census) {
    let _running = running.enter();
    assert!(running.alive() <= CHILDREN_MAX.get(), "more children run than the limit");
    match any(3) {
        0 => drop(cancelled().await),
        1 => tree(1, census).await,
        _ => pending().await,
    }
}
