//! The layers of the feature `tower`.

use std::{
    convert::Infallible,
    future::{Ready, poll_fn, ready},
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bowline_sync::{
    Admission, Limiter, Rate, RateLimiter,
    tower::{Refused, RejectLayer, Rejected, WaitLayer},
};
use bowline_testing::assert_cancel_safe;
use tokio::{runtime::Builder, sync::Semaphore, time::Instant};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    limiter::counts,
    support::{ByHand, on_both_runtimes},
};

/// With a clock that stands still until everybody waits.
fn paused(case: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(case);
}

/// Answers when the gate opens, and must be asked whether it is ready before each call; a clone is not.
struct Inner {
    gate: Arc<Semaphore>,
    limiter: Option<Arc<Limiter>>,
    is_ready: bool,
}

impl Inner {
    fn new(open: usize) -> Self {
        Self { gate: Arc::new(Semaphore::new(open)), limiter: None, is_ready: false }
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate), limiter: self.limiter.clone(), is_ready: false }
    }
}

/// Sees that its permit is out for as long as it is there.
struct InUse(Option<Arc<Limiter>>);

impl Drop for InUse {
    fn drop(&mut self) {
        assert!(
            self.0.as_ref().is_none_or(|limiter| limiter.statistics().in_use > 0),
            "the permit came back too early"
        );
    }
}

impl Service<&'static str> for Inner {
    type Response = String;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<String, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been ready");
        assert_ne!(request, "panic");
        let (gate, in_use) = (Arc::clone(&self.gate), InUse(self.limiter.clone()));
        Box::pin(async move {
            let _in_use = in_use;
            gate.acquire().await.expect("nobody closes it").forget();
            if request == "fail" { Err("it failed") } else { Ok(format!("{request}!")) }
        })
    }
}

/// As tower's `ServiceExt::ready` and a call.
async fn ask<S: Service<&'static str>>(service: &mut S, request: &'static str) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

#[test]
fn clones_of_a_waiting_service_share_one_limiter_in_order() {
    let limiter = Arc::new(Limiter::new(1));
    let inner = Inner::new(0);
    let layer = WaitLayer::new(Arc::clone(&limiter));
    let (mut first, mut second) = (layer.layer(inner.clone()), layer.clone().layer(inner.clone()));
    let mut third = first.clone();
    let mut runs = ByHand::new(ask(&mut first, "one")).waits();
    let mut next = ByHand::new(ask(&mut second, "two")).waits();
    let last = ByHand::new(ask(&mut third, "three")).waits();
    assert_eq!(counts(&limiter), (1, 2));
    inner.gate.add_permits(2);
    assert_eq!(runs.poll(), Poll::Ready(Ok("one!".to_owned())));
    assert_eq!(counts(&limiter), (1, 1), "the permit is back when the response is there");
    assert_eq!((next.wakes(), last.wakes()), (1, 0));
    assert_eq!(next.poll(), Poll::Ready(Ok("two!".to_owned())));
    drop(last);
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn ready_or_called_and_not_polled_it_takes_nothing() {
    let limiter = Arc::new(Limiter::new(1));
    let mut waits = WaitLayer::new(Arc::clone(&limiter)).layer(Inner::new(1));
    let mut rejects = RejectLayer::new(Arc::clone(&limiter)).layer(Inner::new(1));
    assert!(ByHand::new(poll_fn(|cx| waits.poll_ready(cx))).finish().is_ok());
    assert!(ByHand::new(poll_fn(|cx| rejects.poll_ready(cx))).finish().is_ok());
    let kept = (waits.call("kept"), rejects.call("kept"));
    assert_eq!(counts(&limiter), (0, 0));
    assert_eq!(ByHand::new(ask(&mut waits, "again")).finish(), Ok("again!".to_owned()));
    drop(kept);
}

#[test]
fn the_permit_comes_back_after_the_response_has_gone() {
    let limiter = Arc::new(Limiter::new(1));
    let inner = Inner { limiter: Some(Arc::clone(&limiter)), ..Inner::new(0) };
    let mut waits = WaitLayer::new(Arc::clone(&limiter)).layer(inner.clone());
    let mut rejects = RejectLayer::new(Arc::clone(&limiter)).layer(inner.clone());
    drop(ByHand::new(ask(&mut waits, "dropped")).waits());
    drop(ByHand::new(ask(&mut rejects, "dropped")).waits());
    inner.gate.add_permits(2);
    assert_eq!(ByHand::new(ask(&mut waits, "fail")).finish(), Err("it failed"));
    assert_eq!(ByHand::new(ask(&mut rejects, "fail")).finish(), Err(Rejected::Inner("it failed")));
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn the_permit_comes_back_from_a_service_that_panics() {
    let limiter = Arc::new(Limiter::new(1));
    let mut waits = WaitLayer::new(Arc::clone(&limiter)).layer(Inner::new(1));
    let mut response = ByHand::new(ask(&mut waits, "panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| response.poll())).is_err());
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn polling_a_response_after_completion_panics() {
    let mut waits = WaitLayer::new(Arc::new(Limiter::new(1))).layer(Inner::new(2));
    let _ = ByHand::new(poll_fn(|cx| waits.poll_ready(cx))).finish();
    let mut response = ByHand::new(waits.call("once"));
    let _ = response.poll();
    let _ = response.poll();
}

#[test]
fn a_waiting_response_that_is_dropped_anywhere_leaves_nothing_behind() {
    assert_cancel_safe(
        async || {
            let limiter = Arc::new(Limiter::new(1));
            let (held, inner) = (limiter.acquire_owned().await, Inner::new(0));
            let gate = Arc::clone(&inner.gate);
            let opens = tokio::spawn(async move {
                drop(held);
                tokio::task::yield_now().await;
                gate.add_permits(1);
            });
            let state = (Arc::clone(&limiter), opens);
            (async move { ask(&mut WaitLayer::new(limiter).layer(inner), "hello").await }, state)
        },
        async |(limiter, opens)| {
            opens.await.unwrap();
            assert_eq!(counts(&limiter), (0, 0));
        },
    )
    .at_least(2);
}

#[test]
fn requests_wait_for_their_slots_and_a_cancelled_one_costs_none() {
    paused(async {
        let limiter = Arc::new(RateLimiter::new(Rate::per_second(NonZeroU32::new(10).unwrap())));
        let service = WaitLayer::new(Arc::clone(&limiter)).layer(Inner::new(9));
        let start = Instant::now();
        drop(ByHand::new(ask(&mut service.clone(), "one")).finish());
        drop(ByHand::new(ask(&mut service.clone(), "cancelled")).waits());
        let (mut second, mut third) = (service.clone(), service);
        let (second, third) = tokio::join!(ask(&mut second, "two"), ask(&mut third, "three"));
        assert!(second.is_ok() && third.is_ok());
        assert_eq!(start.elapsed(), Duration::from_millis(200));
        assert_eq!(limiter.statistics().granted, 3);
    });
}

#[test]
fn without_a_permit_a_request_is_rejected_and_nobody_is_overtaken() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(Limiter::new(1));
        let mut service = RejectLayer::new(Arc::clone(&limiter)).layer(Inner::new(1));
        let held = limiter.acquire().await;
        let rejected = ask(&mut service.clone(), "no").await.unwrap_err();
        let Rejected::Refused(refused) = rejected else { panic!("{rejected:?}") };
        assert_eq!(refused.retry_after(), None);
        let waiter = ByHand::new(limiter.acquire()).waits();
        drop(held);
        assert!(ask(&mut service, "no").await.is_err(), "the permit is promised");
        drop(waiter.finish());
        assert_eq!(ask(&mut service, "yes").await, Ok("yes!".to_owned()));
        assert_eq!(counts(&limiter), (0, 0));
    });
}

#[test]
fn without_a_slot_a_rejection_says_when_to_try_again() {
    paused(async {
        let limiter = Arc::new(RateLimiter::new(Rate::per_second(NonZeroU32::MIN)));
        let mut service = RejectLayer::new(limiter).layer(Inner::new(9));
        assert!(ask(&mut service, "one").await.is_ok());
        let rejected = ask(&mut service, "two").await.unwrap_err();
        let Rejected::Refused(refused) = rejected else { panic!("{rejected:?}") };
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(refused.to_string(), "the limit is reached, try again in 1s");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(ask(&mut service, "three").await.is_ok());
    });
}

/// A handler of axum: it cannot fail.
#[derive(Clone)]
struct Handler;

impl Service<&'static str> for Handler {
    type Response = String;
    type Error = Infallible;
    type Future = Ready<Result<String, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        ready(Ok(request.to_owned()))
    }
}

/// What axum asks of a layer.
fn fits_axum<L>(layer: L) -> L::Service
where
    L: Layer<Handler> + Clone + Send + Sync + 'static,
    L::Service: Service<&'static str, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<&'static str>>::Future: Send + 'static,
{
    layer.layer(Handler)
}

#[test]
fn both_fit_a_server_whose_services_cannot_fail() {
    let (limiter, seen) = (Arc::new(Limiter::new(1)), Arc::new(Mutex::new(Vec::new())));
    let note = Arc::clone(&seen);
    let mut service = fits_axum(RejectLayer::respond_with(Arc::clone(&limiter), move |refused: Refused| {
        note.lock().unwrap().push(refused);
        "429".to_owned()
    }));
    let held = limiter.try_acquire().unwrap();
    assert_eq!(ByHand::new(ask(&mut service, "no")).finish(), Ok("429".to_owned()));
    drop(held);
    assert_eq!(ByHand::new(ask(&mut service, "yes")).finish(), Ok("yes".to_owned()));
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(ByHand::new(ask(&mut fits_axum(WaitLayer::new(limiter)), "yes")).finish(), Ok("yes".to_owned()));
    fits_axum(WaitLayer::new(Arc::new(RateLimiter::new(Rate::per_second(NonZeroU32::MIN)))));
}

#[test]
fn an_admission_rejects_for_want_of_room_and_then_of_a_slot() {
    paused(async {
        let admission = Arc::new(Admission::new(1, Rate::per_second(NonZeroU32::MIN)));
        let inner = Inner::new(0);
        let service = RejectLayer::new(Arc::clone(&admission)).layer(inner.clone());
        let call = |request| {
            let mut service = service.clone();
            async move {
                poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(request).await
            }
        };
        let first = ByHand::new(call("first")).waits();
        let Err(Rejected::Refused(full)) = call("second").await else { panic!("there is room for one") };
        assert_eq!(full.retry_after(), None);
        inner.gate.add_permits(2);
        assert!(first.finish().is_ok());
        let Err(Rejected::Refused(early)) = call("third").await else { panic!("one a second") };
        assert_eq!(early.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(admission.statistics().in_use, 0);

        // Those who wait come after each other.
        let mut waiting = WaitLayer::new(Arc::clone(&admission)).layer(inner);
        poll_fn(|cx| waiting.poll_ready(cx)).await.unwrap();
        let began = Instant::now();
        assert!(waiting.call("fourth").await.is_ok());
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    });
}
