//! Timeouts that may pass at any moment.

use std::{pin::pin, time::Duration};

use bowline_concurrency::{scope, timeout};

use crate::support::{ANY_MOMENT, Census, any, moments, tree};

pub(crate) async fn nested() {
    let census = Census::default();
    let outer = timeout(ANY_MOMENT, async {
        let inner = timeout(ANY_MOMENT, tree(1, census.clone())).await;
        census.assert_empty("the inner timeout");
        if let Err(elapsed) = inner {
            assert!(elapsed.stragglers().is_empty());
        }
        tree(1, census.clone()).await;
    });
    drop(outer.await);
    census.assert_empty("the outer timeout");
}

pub(crate) async fn without_patience() {
    let census = Census::default();
    scope(async |_| {
        let result = timeout(ANY_MOMENT, tree(1, census.clone())).settle_within(Duration::ZERO).await;
        if result.is_err_and(|elapsed| elapsed.stragglers().is_empty()) {
            census.assert_empty("a timeout that names nobody");
        }
    })
    .await;
    census.assert_empty("the enclosing scope");
}

pub(crate) async fn outlived() {
    let census = Census::default();
    let mut work = pin!(scope(async |group| {
        let here = census.enter();
        let child = group.spawn(async move {
            let _here = here;
            moments(6).await;
            42
        });
        if any(2) == 0 {
            moments(3).await;
        }
        child.await
    }));
    let value = loop {
        if let Ok(value) = timeout(ANY_MOMENT, &mut work).await {
            break value;
        }
    };
    assert_eq!(value, 42);
    census.assert_empty("the scope");
}
