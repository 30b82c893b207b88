//! Scopes in scopes, whose owner goes at any moment.

use std::sync::{Arc, Mutex, PoisonError};

use bowline_concurrency::{scope, settled};

use crate::support::{BoxFuture, Census, any, moments, tree};

pub(crate) async fn lost_select() {
    let census = Census::default();
    scope(async |_| {
        tokio::select! {
            biased;
            () = tree(2, census.clone()) => {}
            () = moments(8) => {}
        }
    })
    .await;
    census.assert_empty("the scope");
}

pub(crate) async fn settled_in_a_loop() {
    let census = Census::default();
    scope(async |_| {
        for _ in 0..2 {
            tokio::select! {
                biased;
                () = tree(1, census.clone()) => {}
                () = moments(5) => {}
            }
            settled().await;
            census.assert_empty("`settled`");
        }
    })
    .await;
}

pub(crate) async fn scope_that_moves() {
    let census = Census::default();
    scope(async |group| {
        let counted = census.clone();
        // No lease in this future itself: dropped outside of every scope, it would go to the process root.
        let work: BoxFuture = Box::pin(scope(async |group| group.spawn(tree(1, counted)).await));
        let slot = Arc::new(Mutex::new(Some(work)));
        let pollers = [(); 2].map(|()| group.spawn(poll_for_a_while(slot.clone())));
        for poller in pollers {
            poller.await;
        }
        // If nobody saw its end, it is dropped here, or by a task that belongs to no scope.
        if any(2) == 0 {
            let _ = tokio::spawn(async { drop(slot) }).await;
        }
    })
    .await;
    census.assert_empty("the scope");
}

/// Takes the future out of its slot, polls it some times and puts it back; twice.
async fn poll_for_a_while(slot: Arc<Mutex<Option<BoxFuture>>>) {
    for _ in 0..2 {
        let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut work) = taken {
            tokio::select! {
                biased;
                () = &mut work => return,
                () = moments(4) => {}
            }
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        }
        moments(3).await;
    }
}
