//! Futures that are lent to timeouts, moved between them, and dropped with them at any point.

use std::{future::ready, pin::Pin, sync::Arc, time::Duration};

use bowline_concurrency::{
    Elapsed, Scope, Timeout, deadline, effective_deadline, hand_off, is_cancelled, move_on_after, scope, settled,
    timeout, timeout_at,
};
use bowline_testing::assert_cancel_safe;
use tokio::{
    runtime::Handle,
    sync::{Mutex, oneshot},
    task::yield_now,
    time::Instant,
};

use crate::support::{Census, LONG, SlowDrop, forever, on_both, timed};

#[test]
fn tokios_timeout_is_replaced_without_another_change() {
    /// Written for `tokio::time::{timeout, timeout_at}`.
    async fn written_for_tokio(limit: Duration) -> std::io::Result<u32> {
        let (send, mut receive) = tokio::sync::mpsc::channel(1);
        send.send(1).await.unwrap();
        let owned = timeout(limit, receive.recv()).await?.unwrap();
        let mut lent = Box::pin(async { 2 });
        let lent = timeout(limit, &mut lent).await?;
        let mut pinned = std::pin::pin!(async { 3 });
        let pinned = timeout(limit, pinned.as_mut()).await?;
        let boxed: Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(ready(4));
        let at = timeout_at(Instant::now() + limit, boxed).await?;
        // A timeout is a future that can be kept, selected over, and spawned.
        let kept: Timeout<_> = timeout(limit, async { 5 });
        let kept = tokio::spawn(kept).await.unwrap()?;
        tokio::select! {
            late = timeout(limit, forever::<u32>()) => unreachable!("{late:?}"),
            () = yield_now() => {}
        }
        let into_future = timeout(limit, IntoSix).await?;
        Ok(owned + lent + pinned + at + kept + into_future)
    }

    struct IntoSix;
    impl IntoFuture for IntoSix {
        type Output = u32;
        type IntoFuture = std::future::Ready<u32>;
        fn into_future(self) -> Self::IntoFuture {
            ready(6)
        }
    }

    on_both(|| async {
        assert_eq!(written_for_tokio(LONG).await.unwrap(), 21);
        let nested: Result<Result<(), Elapsed>, Elapsed> =
            timeout(LONG, timeout(Duration::from_millis(1), forever())).await;
        assert!(nested.unwrap().is_err());
    });
}

#[test]
fn future_moved_between_timeouts_sees_the_one_in_which_it_is_polled() {
    timed(|scale| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = seen.clone();
        let mut future = Box::pin(scope(async move |_| {
            loop {
                list.lock().await.push(effective_deadline());
                yield_now().await;
            }
        }));
        let now = Instant::now();
        let at = |units| now + scale.units(units);
        let mut future: Pin<&mut (dyn Future<Output = ()> + Send)> = future.as_mut();
        for limit in [Some(1000), None, Some(2000), Some(500)] {
            let once = async {
                tokio::select! { biased; () = future.as_mut() => unreachable!("it is endless"), () = async {} => {} }
            };
            match limit {
                Some(limit) => timeout_at(at(limit), once).await.unwrap(),
                None => scope(async |_| once.await).await,
            }
        }
        assert_eq!(*seen.lock().await, [Some(at(1000)), None, Some(at(2000)), Some(at(500))]);
    });
}

#[test]
fn future_that_was_cancelled_in_the_grace_of_one_timeout_is_not_in_the_next_one() {
    timed(|scale| async move {
        let (go, gone) = oneshot::channel::<()>();
        let mut future = Box::pin(scope(async move |_| {
            let reason = bowline_concurrency::cancelled().await;
            assert_eq!(is_cancelled().unwrap().to_string(), reason.to_string());
            gone.await.unwrap();
            is_cancelled().map(|reason| reason.to_string())
        }));
        let first = timeout(scale.units(1), &mut future).grace(scale.units(1)).await;
        assert!(first.is_err());
        go.send(()).unwrap();
        assert_eq!(timeout(LONG, &mut future).await.unwrap(), None);
    });
}

#[test]
fn hand_off_below_a_lent_future_is_waited_for_by_the_timeout_in_which_it_is_polled() {
    on_both(|| async {
        let (release, released) = oneshot::channel::<()>();
        let mut future = Box::pin(async move {
            yield_now().await; // Polled by the first timeout up to here.
            hand_off(&Handle::current(), "release", async move { drop(released.await) });
            forever::<()>().await;
        });
        let first = timeout(LONG, async {
            tokio::select! { biased; () = &mut future => unreachable!("it is endless"), () = async {} => {} }
        });
        first.await.expect("nothing is left behind yet");
        let second = timeout(Duration::from_millis(1), &mut future).settle_within(Duration::ZERO).await.unwrap_err();
        assert_eq!(second.stragglers(), ["release"]);
        release.send(()).unwrap();
        Scope::current().settled().await;
    });
}

/// Suspends a few times with a local, in a scope with a child and a release, below whatever is current.
async fn work(census: Census) {
    struct Release(#[expect(dead_code, reason = "held for its drop")] SlowDrop);
    let release = Release(SlowDrop::new(census.enter()));
    impl Drop for Release {
        fn drop(&mut self) {
            hand_off(&Handle::current(), "release", async { yield_now().await });
        }
    }
    let inside = SlowDrop::new(census.enter());
    scope(async |group| {
        let child = group.spawn(async move {
            let _inside = inside;
            for _ in 0..3 {
                yield_now().await;
            }
        });
        yield_now().await;
        child.await;
    })
    .await;
    drop(release);
    yield_now().await;
}

#[test]
fn timeout_of_any_kind_dropped_at_any_point_leaves_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let census = Census::default();
            let (a, b, c) = (census.clone(), census.clone(), census.clone());
            let future = async move {
                let moved = deadline(LONG, |deadline| async move {
                    deadline.reschedule(None).unwrap();
                    work(a).await;
                });
                timeout(LONG, moved).await.unwrap().unwrap();
                move_on_after(LONG, async move { timeout(None::<Duration>, work(b)).await.unwrap() }).await.unwrap();
                let mut lent = Box::pin(work(c));
                // Suspended below a timeout of its own, and dropped outside of it.
                let once = async {
                    tokio::select! { biased; () = &mut lent => unreachable!("it yields"), () = async {} => {} }
                };
                timeout(LONG, once).await.unwrap();
                yield_now().await;
            };
            (future, census)
        },
        async |census| {
            settled().await;
            assert_eq!(census.alive(), 0, "something outlived its timeout");
        },
    );
    visited.at_least(6);
}
