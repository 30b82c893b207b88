//! Who waits for what a task leaves behind that is aborted, or whose scope has gone.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

use bowline_concurrency::{InScope, Scope, scope};

use crate::support::{BoxFuture, Census, any, moments, tree};

pub(crate) async fn aborted_plain_task() {
    let census = Census::default();
    scope(async |_| {
        let plain = tokio::spawn(tree(2, census.clone()).in_scope(&Scope::current()));
        moments(8).await;
        plain.abort();
        let _ = plain.await;
    })
    .await;
    census.assert_empty("the scope");
}

/// Handles to the scopes of a model. While there is one, a scope must settle by its counts: none is freed meanwhile.
type Places = Arc<Mutex<Vec<Scope>>>;

/// A scope in a child in a scope in a child; the outermost is dropped, while the inner ones may end by themselves.
pub(crate) async fn chain_of_orphans() {
    let (census, places) = (Census::default(), Places::default());
    scope(async |_| link(3, census.clone(), places.clone()).await).await;
    census.assert_empty("the scope");
}

/// Opens a scope with the next link as its child, and drops it at any moment.
fn link(depth: usize, census: Census, places: Places) -> BoxFuture {
    Box::pin(async move {
        let _here = census.enter();
        if depth == 0 {
            moments(3).await;
            return if any(2) == 0 {
                pending().await
            };
        }
        let next = scope(async |group| {
            places.lock().unwrap_or_else(PoisonError::into_inner).push(Scope::current());
            group.spawn(link(depth - 1, census.clone(), places.clone())).await;
        });
        tokio::select! {
            biased;
            () = next => {}
            () = moments(6) => {}
        }
        moments(2).await;
    })
}

pub(crate) async fn settled_of_an_orphan() {
    let census = Census::default();
    scope(async |_| {
        let mut place = None;
        tokio::select! {
            biased;
            () = scope(async |group| {
                place = Some(Scope::current());
                group.spawn(tree(1, census.clone())).await;
            }) => {}
            () = moments(6) => {}
        }
        if let Some(place) = place {
            place.settled().await;
            census.assert_empty("`settled` of the dropped scope");
        }
    })
    .await;
}

pub(crate) async fn below_a_settled_scope() {
    let census = Census::default();
    scope(async |_| {
        // The inner scope returns at once; the plain task runs on below it.
        let plain = scope(async |_| tokio::spawn(tree(1, census.clone()).in_scope(&Scope::current()))).await;
        moments(6).await;
        plain.abort();
        let _ = plain.await;
    })
    .await;
    census.assert_empty("the enclosing scope");
}
