//! A root that is interrupted.

use bowline_concurrency::{Scope, root_scope, scope, shutdown_requested};
use tokio::{
    signal::unix::{SignalKind, raise},
    sync::oneshot,
};

use crate::support::{Census, any, moments, tree};

pub(crate) async fn interrupted() {
    let census = Census::default();
    // The signal comes when the root hears it, and once: a further one may end the wait for what is left.
    let (listening, begun) = oneshot::channel();
    let signals = tokio::spawn(async {
        let _ = begun.await;
        moments(8).await;
        raise(if any(2) == 0 { SignalKind::interrupt() } else { SignalKind::terminate() });
    });
    scope(async |_| {
        // The only signal never ends the wait for what is left.
        Scope::current().observe_failures(|failure| panic!("{failure}"));
        let asks = any(2) == 0;
        let outcome = root_scope(async {
            let _ = listening.send(());
            if asks {
                tokio::select! {
                    () = tree(1, census.clone()) => false,
                    () = shutdown_requested() => {
                        moments(3).await;
                        true
                    }
                }
            } else {
                tree(1, census.clone()).await;
                false
            }
        })
        .await;
        match outcome {
            Ok(false) => {}
            Ok(true) => census.assert_empty("the root that was asked"),
            Err(_) => {
                census.assert_empty("the interrupted root");
                assert!(!asks, "who asks has time to end");
            }
        }
    })
    .await;
    census.assert_empty("the scope around the root");
    signals.await.expect("it does not panic");
}
