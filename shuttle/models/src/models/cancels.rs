//! Cancelling one child, or a group from outside.

use std::future::pending;

use bowline_concurrency::{TaskGroup, scope, try_scope};
use tokio::sync::oneshot;

use crate::support::{Census, any, moments, tree};

pub(crate) async fn one_child() {
    let census = Census::default();
    scope(async |group| {
        let sibling = group.spawn(async {
            moments(6).await;
            7
        });
        let child = group.spawn(tree(1, census.clone()));
        moments(6).await;
        // One that had ended already has left its lease to the scope, as any child does.
        if child.cancel().await.is_none() {
            census.assert_empty("`cancel`");
        }
        assert_eq!(sibling.await, 7, "siblings go on");
    })
    .await;
}

pub(crate) async fn from_outside() {
    let census = Census::default();
    scope(async |outer| {
        let (give, given) = oneshot::channel();
        let counted = census.clone();
        let server = outer.spawn(try_scope(async move |group: &TaskGroup<String>| {
            let _ = give.send(group.spawner());
            drop(group.spawn(tree(1, counted)));
            moments(4).await;
            if any(2) == 0 { pending().await } else { Ok(()) }
        }));
        let spawner = given.await.expect("nothing can end the body before");
        moments(4).await;
        spawner.cancel_and_wait("enough").await;
        census.assert_empty("`cancel_and_wait`");
        let _ = server.await;
    })
    .await;
}
