//! Feature `tokio-util`: cancellation that comes from tokens, and goes to them.

use bowline_concurrency::{Reason, Scope, ScopeError, TaskGroup, cancelled, is_cancelled, scope, shield, timeout};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use crate::support::{Census, LONG, SlowDrop, forever, on_both, timed};

type Group = TaskGroup<String>;

#[test]
fn cs_14_token_cancels_the_scope_that_waits_for_it() {
    on_both(|| async {
        let token = CancellationToken::new();
        let census = Census::default();
        let result = TaskGroup::builder()
            .cancel_when(token.clone().cancelled_owned())
            .try_scope(async |group: &Group| -> Result<(), _> {
                let inside = SlowDrop::new(census.enter());
                drop(group.spawn(async move {
                    let _inside = inside;
                    forever::<()>().await;
                }));
                yield_now().await;
                token.cancel();
                forever().await
            })
            .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(Reason::Explicit(_)))), "{result:?}");
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn cs_06_scope_cancelled_before_it_is_entered_goes_to_its_first_await() {
    on_both(|| async {
        let token = CancellationToken::new();
        token.cancel();
        let mut begun = false;
        let result = TaskGroup::builder()
            .cancel_when(token.cancelled_owned())
            .try_scope(async |_: &Group| -> Result<(), _> {
                begun = true;
                forever().await
            })
            .await;
        assert!(begun && matches!(result, Err(ScopeError::Cancelled(_))), "{result:?}");
    });
}

#[test]
fn token_of_a_scope_is_cancelled_with_it_and_with_those_above() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                assert!(is_cancelled().is_none());
                let here = Scope::current().cancellation_token();
                let (below, shielded) = scope(async |_| {
                    let hidden = shield(LONG, async { Scope::current().cancellation_token() }).await;
                    (Scope::current().cancellation_token(), hidden)
                })
                .await;
                assert!(!here.is_cancelled() && !below.is_cancelled());
                let listens = tokio::spawn(below.clone().cancelled_owned());
                group.cancel("stop");
                assert!(here.is_cancelled() && below.is_cancelled() && !shielded.is_cancelled());
                listens.await.unwrap();
                assert!(Scope::current().cancellation_token().is_cancelled(), "asked for after the cancellation");
                Ok(())
            })
            .await;
        assert!(result.is_ok());
    });
}

#[test]
fn token_of_a_timeout_is_cancelled_by_its_deadline() {
    timed(|scale| async move {
        let guarded = timeout(scale.units(1), async {
            let token = Scope::current().cancellation_token();
            let listens = tokio::spawn(token.cancelled_owned());
            cancelled().await;
            listens.await.unwrap();
        });
        guarded.grace(LONG).await.unwrap();
    });
}

#[test]
fn token_that_is_cancelled_cancels_no_scope() {
    on_both(|| async {
        scope(async |_| {
            Scope::current().cancellation_token().cancel();
            yield_now().await;
            assert!(is_cancelled().is_none());
        })
        .await;
    });
}
