//! Timeouts, shields and scopes inside each other, in any order: which deadline and which cancellation holds where.

use std::{pin::Pin, time::Duration};

use bowline_concurrency::{
    TaskGroup, cancelled, deadline, effective_deadline, is_cancelled, move_on_after, scope, shield, timeout, timeout_at,
};
use proptest::prelude::*;
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{LONG, forever, paused, timed};

#[test]
fn cs_15_effective_deadline_is_the_earliest_of_those_around() {
    timed(|_| async {
        let now = Instant::now();
        let at = move |seconds| now + Duration::from_secs(seconds);
        assert_eq!(effective_deadline(), None);
        timeout_at(at(50), async move {
            assert_eq!(effective_deadline(), Some(at(50)));
            // A later one inside changes nothing, an earlier one does, also for a child of a scope inside.
            timeout_at(at(60), async { assert_eq!(effective_deadline(), Some(at(50))) }).await.unwrap();
            timeout_at(at(40), async move {
                let seen = scope(async |group| group.spawn(async { effective_deadline() }).await).await;
                assert_eq!(seen, Some(at(40)));
            })
            .await
            .unwrap();
            shield(LONG, async move {
                assert_eq!(effective_deadline(), None, "shielded work has a budget of its own");
                timeout_at(at(70), async { assert_eq!(effective_deadline(), Some(at(70))) }).await.unwrap();
            })
            .await;
            assert_eq!(effective_deadline(), Some(at(50)));
        })
        .await
        .unwrap();
        assert_eq!(effective_deadline(), None);
    });
}

#[test]
fn cs_15_effective_deadline_is_now_once_cancelled() {
    timed(|scale| async move {
        let result = TaskGroup::builder()
            .deadline(LONG)
            .grace(LONG)
            .try_scope(async |group: &TaskGroup<&str>| {
                assert!(is_cancelled().is_none());
                assert!(effective_deadline().unwrap() > Instant::now() + scale.units(1));
                group.cancel("stop");
                assert!(effective_deadline().unwrap() <= Instant::now());
                timeout(LONG, async { assert!(effective_deadline().unwrap() <= Instant::now()) }).await.unwrap();
                Ok(())
            })
            .await;
        assert!(result.is_ok());
        let expired = timeout(scale.units(1), async {
            cancelled().await;
            effective_deadline().unwrap() <= Instant::now()
        });
        assert!(expired.grace(LONG).await.unwrap());
    });
}

#[test]
fn ended_timeout_leaves_no_deadline_and_no_cancellation_on_a_future_that_outlives_it() {
    timed(|scale| async move {
        let (ask, asked) = oneshot::channel::<()>();
        let mut future = Box::pin(scope(async move |group| {
            let child = group.spawn(async move {
                let _ = asked.await;
                (effective_deadline(), is_cancelled().map(|reason| reason.to_string()))
            });
            assert!(is_cancelled().is_none(), "it listens, so that the grace cancels it");
            let seen = child.await;
            sleep(scale.units(1)).await;
            assert_eq!((effective_deadline(), is_cancelled().map(|reason| reason.to_string())), seen);
            seen
        }));
        assert!(timeout(scale.units(1), &mut future).grace(scale.units(1)).await.is_err());
        ask.send(()).unwrap();
        assert_eq!(future.await, (None, None));
    });
}

#[test]
fn timeout_that_was_lost_half_way_leaves_no_deadline_on_a_future_that_outlives_it() {
    timed(|scale| async move {
        let mut future = Box::pin(scope(async move |_| {
            assert!(effective_deadline().is_some());
            sleep(scale.units(1)).await;
            effective_deadline()
        }));
        {
            let guarded = std::pin::pin!(timeout(LONG, &mut future));
            tokio::select! { biased; _ = guarded => unreachable!("it sleeps"), () = async {} => {} }
        }
        assert_eq!(future.await, None);
    });
}

#[derive(Clone, Copy, Debug)]
enum Layer {
    Timeout(u64),
    MoveOn(u64),
    Deadline(u64),
    NoLimit,
    Shield,
    Scope,
    /// A scope whose child holds the rest.
    Child,
    ScopeDeadline(u64),
    /// A scope that is cancelled, and whose body goes on in its grace.
    Cancelled,
}

/// What is to be seen at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct View {
    deadline: Option<Instant>,
    /// By the layer with this number.
    cancelled: Option<usize>,
}

impl View {
    fn here() -> Self {
        let cancelled = is_cancelled().map(|reason| reason.to_string().parse().unwrap());
        View { deadline: effective_deadline(), cancelled }
    }

    fn with_deadline(self, at: Instant) -> Self {
        View { deadline: Some(self.deadline.map_or(at, |deadline| deadline.min(at))), ..self }
    }

    /// In `layer`, which is entered now.
    fn inside(self, layer: Layer, number: usize) -> Self {
        let now = Instant::now();
        match layer {
            Layer::Timeout(s) | Layer::MoveOn(s) | Layer::Deadline(s) | Layer::ScopeDeadline(s) => {
                self.with_deadline(now + Duration::from_secs(s))
            }
            Layer::NoLimit | Layer::Scope | Layer::Child => self,
            Layer::Shield => View::default(),
            Layer::Cancelled => View { cancelled: Some(number), ..self.with_deadline(now) },
        }
    }
}

type Nest = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Opens the layers from `number` on; gives how many were open at the innermost place.
fn nest(layers: Vec<Layer>, number: usize, expected: View) -> Nest {
    Box::pin(async move {
        assert_eq!(View::here(), expected, "before layer {number} of {layers:?}");
        yield_now().await;
        let Some(&layer) = layers.get(number) else { return number };
        let inner = nest(layers.clone(), number + 1, expected.inside(layer, number));
        let depth = match layer {
            Layer::Timeout(s) => timeout(Duration::from_secs(s), inner).await.unwrap(),
            Layer::MoveOn(s) => move_on_after(Duration::from_secs(s), inner).await.unwrap(),
            Layer::Deadline(s) => deadline(Duration::from_secs(s), |_| inner).await.unwrap(),
            Layer::NoLimit => timeout(None::<Duration>, inner).await.unwrap(),
            Layer::Shield => shield(LONG, inner).await,
            Layer::Scope => scope(async |_| inner.await).await,
            Layer::Child => scope(async |group| group.spawn(inner).await).await,
            Layer::ScopeDeadline(s) => {
                let scope = TaskGroup::builder().deadline(Duration::from_secs(s));
                scope.try_scope(async |_: &TaskGroup<String>| Ok(inner.await)).await.unwrap()
            }
            Layer::Cancelled => {
                let body = async |group: &TaskGroup<String>| {
                    is_cancelled();
                    group.cancel(number.to_string());
                    Ok(inner.await)
                };
                TaskGroup::builder().grace(LONG).try_scope(body).await.unwrap()
            }
        };
        assert_eq!(View::here(), expected, "after layer {number} of {layers:?}");
        yield_now().await;
        assert_eq!(View::here(), expected, "later, after layer {number} of {layers:?}");
        depth
    })
}

fn layer() -> impl Strategy<Value = Layer> {
    let seconds = 1..100_u64;
    prop_oneof![
        seconds.clone().prop_map(Layer::Timeout),
        seconds.clone().prop_map(Layer::MoveOn),
        seconds.clone().prop_map(Layer::Deadline),
        seconds.prop_map(Layer::ScopeDeadline),
        Just(Layer::NoLimit),
        Just(Layer::Shield),
        Just(Layer::Scope),
        Just(Layer::Child),
        Just(Layer::Cancelled),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cs_15_deadline_and_cancellation_are_those_of_the_layers_around(layers in prop::collection::vec(layer(), 0..9)) {
        let deep = layers.len();
        paused(async move { assert_eq!(nest(layers, 0, View::default()).await, deep) });
    }
}

#[test]
fn deadlines_in_a_task_that_is_dropped_half_way_are_forgotten_by_its_thread() {
    timed(|scale| async move {
        let lost = timeout(LONG, async {
            let inner = timeout(scale.units(1), shield(LONG, async { timeout(LONG, forever::<()>()).await }));
            inner.settle_within(Duration::ZERO).await.unwrap_err();
            assert!(effective_deadline().unwrap() > Instant::now());
            7
        });
        assert_eq!(lost.await.unwrap(), 7);
        assert_eq!(View::here(), View::default());
    });
}
