//! Children that are polled in the task of their scope, and woken by other tasks.

use bowline_concurrency::{in_task_scope, scope};
use tokio::sync::oneshot;

use crate::support::{Census, moments, tree};

pub(crate) async fn values() {
    let numbers = [1, 2, 3];
    let sum = in_task_scope(async |group| {
        let children = numbers.each_ref().map(|number| {
            group.spawn(async move {
                from_another_task().await;
                *number
            })
        });
        from_another_task().await;
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        sum
    });
    assert_eq!(sum.await, 6);
}

/// Ready when another task says so.
async fn from_another_task() {
    let (give, given) = oneshot::channel();
    drop(tokio::spawn(async move {
        moments(4).await;
        let _ = give.send(());
    }));
    given.await.expect("it is sent");
}

pub(crate) async fn lost_select() {
    let census = Census::default();
    scope(async |_| {
        let inside = in_task_scope(async |group| {
            for _ in 0..2 {
                drop(group.spawn(tree(1, census.clone())));
            }
            moments(3).await;
        });
        tokio::select! {
            biased;
            () = inside => {}
            () = moments(8) => {}
        }
    })
    .await;
    census.assert_empty("the scope");
}
