//! Outputs that are handled as they come.

use std::{
    cell::Cell,
    future::{pending, ready},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bowline_concurrency::{Completed, Reason, Scope, as_completed, move_on_after, scope, timeout};
use bowline_testing::{Polled, on_both_runtimes};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::{
    sync::{Mutex, oneshot},
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{
    support::{on_both, on_drop, paused, timed},
    world::World,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// No input yields so often.
const NEVER: usize = usize::MAX;

async fn after_yields(yields: usize) -> usize {
    for _ in 0..yields {
        yield_now().await;
    }
    yields
}

/// A failure after so many yields, where it is odd.
async fn odd_fails(yields: usize) -> Result<usize, usize> {
    let yields = after_yields(yields).await;
    if yields % 2 == 1 { Err(yields) } else { Ok(yields) }
}

#[test]
fn ga_19_outputs_come_in_the_order_of_their_ends_each_once() {
    on_both_runtimes(async || {
        let order = as_completed([3, 1, 2, 0].map(|yields| ((), after_yields(yields))), async |mut outputs| {
            let mut order = Vec::new();
            while let Some(((), output)) = outputs.next().await {
                order.push(output);
            }
            assert!(outputs.next().await.is_none());
            order
        });
        assert_eq!(order.await, [0, 1, 2, 3]);
    });
}

#[test]
fn ga_20_each_output_comes_with_the_key_of_its_input() {
    on_both_runtimes(async || {
        let names = ["a".to_owned(), "bc".to_owned(), "def".to_owned()];
        let inputs = names.iter().map(|name| (name.as_str(), after_yields(10 - name.len())));
        let order = as_completed(inputs, async |outputs| outputs.collect::<Vec<_>>().await);
        assert_eq!(order.await, [("def", 7), ("bc", 8), ("a", 9)]);
    });
}

#[test]
fn ga_21_a_deadline_in_the_middle_drops_and_settles_the_rest() {
    timed(|scale| async move {
        let world = World::default();
        let got = Cell::new(0);
        let inputs = (0..4).map(|number| {
            let world = world.clone();
            let input = async move {
                let _lease = world.lease();
                sleep(scale.units(4 * number)).await;
                scope(async |_| {}).await;
                number
            };
            (number, input)
        });
        let work = as_completed(inputs, async |mut outputs| {
            while outputs.next().await.is_some() {
                got.set(got.get() + 1);
            }
        });
        assert!(timeout(scale.units(6), work).await.is_err());
        assert_eq!(got.get(), 2);
        world.assert_clean();
    });
}

#[test]
fn ga_22_an_iteration_that_is_broken_off_goes_on_without_loss() {
    on_both_runtimes(async || {
        let all = as_completed((0..6).map(|yields| (yields, after_yields(yields))), async |mut outputs| {
            let mut got = Vec::new();
            for _ in 0..2 {
                got.extend(outputs.next().await);
            }
            // A wait that was given up.
            for _ in 0..3 {
                got.extend(outputs.next().now_or_never().flatten());
            }
            while let Some(output) = outputs.next().await {
                got.push(output);
            }
            got.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        });
        assert_eq!(all.await, (0..6).collect::<Vec<_>>());
    });
}

#[test]
fn ga_14_after_the_first_the_others_are_pending_and_go_on() {
    on_both_runtimes(async || {
        let progress = Cell::new(0);
        let (go, gate) = oneshot::channel::<()>();
        let slow = async {
            gate.await.unwrap();
            progress.set(1);
            "slow"
        };
        let inputs: [(_, Boxed<&str>); 2] = [("fast", Box::pin(ready("fast"))), ("slow", Box::pin(slow))];
        as_completed(inputs, async |mut outputs| {
            assert_eq!(outputs.next().await, Some(("fast", "fast")));
            assert_eq!(outputs.pending().collect::<Vec<_>>(), [&"slow"]);
            go.send(()).unwrap();
            // Nobody asks for the next one, and it goes on.
            while progress.get() == 0 {
                yield_now().await;
            }
            assert_eq!(outputs.next().await, Some(("slow", "slow")));
        })
        .await;
    });
}

#[test]
fn ga_15_until_the_first_failure_failed_already_or_later() {
    async fn first_failure(mut outputs: Completed<usize, Result<usize, usize>>) -> (Option<usize>, Vec<usize>) {
        while let Some((key, output)) = outputs.next().await {
            if output.is_err() {
                return (Some(key), outputs.pending().copied().collect());
            }
        }
        (None, Vec::new())
    }
    on_both_runtimes(async || {
        let inputs = |yields: &[usize]| {
            let input = |yields| async move { if yields == NEVER { pending().await } else { odd_fails(yields).await } };
            yields.iter().map(|yields| (*yields, input(*yields))).collect::<Vec<_>>()
        };
        assert_eq!(as_completed(inputs(&[1, NEVER]), first_failure).await, (Some(1), vec![NEVER]));
        assert_eq!(as_completed(inputs(&[0, 2, 13, NEVER]), first_failure).await, (Some(13), vec![NEVER]));
        assert_eq!(as_completed(inputs(&[0, 2]), first_failure).await, (None, vec![]));
    });
}

#[test]
fn ga_16_a_wait_with_a_time_limit_parts_them_and_cancels_nobody() {
    timed(|scale| async move {
        let inputs = [1, 2, 30].map(|units| {
            let input = async move {
                sleep(scale.units(units)).await;
                units
            };
            (units, input)
        });
        as_completed(inputs, async |mut outputs| {
            let (began, mut done) = (Instant::now(), Vec::new());
            let limit = move_on_after(scale.units(10), async {
                while let Some((key, _)) = outputs.next().await {
                    done.push(key);
                }
            });
            assert!(limit.await.is_none());
            scale.assert_took(began, 10);
            assert_eq!((done, outputs.pending().copied().collect::<Vec<_>>()), (vec![1, 2], vec![30]));
            assert_eq!(outputs.next().await, Some((30, 30)), "it went on");
        })
        .await;
    });
}

#[test]
fn ga_17_what_has_ended_and_was_not_taken_is_not_pending() {
    on_both_runtimes(async || {
        as_completed([("done", ready(1).left_future()), ("not", pending().right_future())], async |mut outputs| {
            yield_now().await;
            assert_eq!(outputs.pending().collect::<Vec<_>>(), [&"not"]);
            assert_eq!(outputs.size_hint(), (2, Some(2)));
            assert_eq!(outputs.try_next(), Some(("done", 1)));
            assert_eq!(outputs.try_next(), None);
        })
        .await;
    });
}

#[test]
fn ga_24_failures_of_one_tick_are_all_delivered_and_others_go_on() {
    on_both_runtimes(async || {
        let results = as_completed([1, 1, 1, 4].map(|yields| (yields, odd_fails(yields))), async |outputs| {
            outputs.map(|(_, result)| result).collect::<Vec<_>>().await
        });
        assert_eq!(results.await, [Err(1), Err(1), Err(1), Ok(4)]);
    });
}

#[test]
fn the_end_of_the_body_drops_and_settles_what_still_runs() {
    on_both(|| async {
        let world = World::default();
        let reason = std::sync::Mutex::new(None);
        let (inside, noted) = (world.clone(), &reason);
        let running = async move {
            let _guard = on_drop(|| *noted.lock().unwrap() = Some(Scope::current().reason_for_drop()));
            scope(async |group| group.spawn(inside.clone().endless()).await).await
        };
        let untaken = {
            let world = world.clone();
            async move { Some(world.lease()) }
        };
        let inputs: [(_, Pin<Box<dyn Future<Output = _> + Send>>); 2] =
            [(1, Box::pin(running.map(|()| None))), (2, Box::pin(untaken))];
        let left_early = as_completed(inputs, async |outputs| {
            for _ in 0..3 {
                yield_now().await;
            }
            drop(outputs);
            "early"
        });
        assert_eq!(left_early.await, "early");
        assert!(matches!(reason.into_inner().unwrap(), Some(Reason::NotNeeded)));
        world.assert_clean();
    });
}

#[test]
fn the_inputs_go_on_while_the_body_wants_a_lock_that_one_of_them_holds() {
    // The "futurelock": an iterator over futures that are polled only when they are asked for waits for ever here.
    on_both(|| async {
        let lock = Arc::new(Mutex::new(0));
        let inputs = (0..10).map(|number| {
            let lock = lock.clone();
            let input = async move {
                let mut held = lock.lock().await;
                yield_now().await;
                *held += 1;
            };
            (number, input)
        });
        as_completed(inputs, async |mut outputs| {
            while outputs.next().await.is_some() {
                *lock.lock().await += 1;
            }
        })
        .await;
        assert_eq!(*lock.lock().await, 20);
    });
}

#[test]
fn outputs_that_were_carried_out_of_the_body_end() {
    on_both_runtimes(async || {
        let mut outside = as_completed([(1, ready(1)), (2, ready(2))], async |outputs| outputs).await;
        assert!(outside.next().await.is_none());
        assert!(format!("{outside:?}").starts_with("Completed"));
    });
}

#[test]
fn the_body_is_polled_only_when_it_was_woken() {
    let polls = Cell::new(0);
    let ((first, at_first), (second, at_second)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
    let input = async {
        at_first.await.unwrap();
        at_second.await.unwrap();
    };
    let mut polled = Polled::new(as_completed([((), input)], async |mut outputs| {
        let mut next = pin!(outputs.next());
        std::future::poll_fn(|cx| {
            polls.set(polls.get() + 1);
            next.as_mut().poll(cx)
        })
        .await
    }));
    polled.assert_pending();
    first.send(()).unwrap();
    polled.assert_pending();
    assert_eq!(polls.get(), 1, "only the input was woken");
    second.send(()).unwrap();
    assert!(polled.assert_ready().is_some());
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_body_that_yields_lets_other_tasks_run() {
    paused(async {
        let mut polled = Polled::new(as_completed([((), pending::<()>())], async |_outputs| {
            loop {
                yield_now().await;
            }
        }));
        for _ in 0..3 {
            let _: std::task::Poll<()> = polled.poll();
        }
    });
}

#[test]
fn a_panic_of_the_body_or_of_an_input_is_resumed_after_the_rest_is_gone() {
    on_both(|| async {
        let world = World::default();
        let inputs = || [((), world.clone().endless())];
        let body = as_completed(inputs(), async |_outputs| {
            yield_now().await;
            panic!("the body")
        });
        assert!(AssertUnwindSafe(body).catch_unwind().await.is_err_and(|_: Box<_>| true));
        world.assert_clean();
        let panicking = [((), async { panic!("an input") })];
        let of_an_input = as_completed(panicking, async |_outputs: Completed<(), ()>| {
            world.clone().endless().await;
        });
        assert!(AssertUnwindSafe(of_an_input).catch_unwind().await.is_err());
        world.assert_clean();
    });
}

#[test]
fn it_goes_into_a_task() {
    on_both(|| async {
        let task = tokio::spawn(async {
            as_completed((0..1_000_usize).map(|key| (key, after_yields(key % 3))), async |mut outputs| {
                let mut sum = 0;
                while let Some((key, _)) = outputs.next().await {
                    tokio::time::sleep(Duration::ZERO).await;
                    sum += key;
                }
                sum
            })
            .await
        });
        assert_eq!(task.await.unwrap(), 499_500);
    });
}
