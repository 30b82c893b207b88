//! The first success: at once, staggered, hedged.

use std::{
    cell::{Cell, RefCell},
    future::{pending, ready},
    num::NonZeroUsize,
    panic::AssertUnwindSafe,
    time::Duration,
};

use bowline_concurrency::{NoneOk, Reason, Scope, first_ok, hedge, scope, timeout};
use bowline_testing::{Polled, on_both_runtimes};
use futures_util::FutureExt;
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{
    support::{on_both, on_drop, paused, timed},
    world::World,
};

async fn fails_after(yields: usize, error: usize) -> Result<&'static str, usize> {
    for _ in 0..yields {
        yield_now().await;
    }
    Err(error)
}

#[test]
fn ga_29_errors_leave_the_race_and_all_of_them_come_back_if_none_succeeds() {
    on_both_runtimes(async || {
        let value = first_ok((fails_after(0, 0), async { Ok("value") }, fails_after(0, 2))).await;
        assert_eq!(value.unwrap(), "value");
        // In the order of the inputs, whatever the order of the failures.
        let none = first_ok((0..5).map(|number| fails_after(5 - number, number))).await.unwrap_err();
        assert_eq!(none.errors(), [0, 1, 2, 3, 4]);
        assert_eq!(none.to_string(), "none of 5 succeeded; the first failed: 0");
        assert_eq!(none.into_errors().len(), 5);
        let only = first_ok([fails_after(0, 7)]).await.unwrap_err();
        assert_eq!(only.to_string(), "7");
    });
}

#[test]
fn ga_30_nothing_to_try_is_an_error_at_once() {
    let mut nothing = Polled::new(first_ok(Vec::<std::future::Ready<Result<(), u32>>>::new()));
    let none = nothing.assert_ready().unwrap_err();
    assert!(none.errors().is_empty());
    assert_eq!(none.to_string(), "there was nothing to try: give at least one future");
}

#[test]
fn the_losers_are_dropped_for_a_reason_and_settled_first() {
    on_both(|| async {
        let world = World::default();
        let reason = std::sync::Mutex::new(None);
        let loser = world.clone();
        let value = first_ok((
            async {
                let _guard = on_drop(|| *reason.lock().unwrap() = Some(Scope::current().reason_for_drop()));
                scope(async |group| group.spawn(loser.clone().endless()).await).await;
                Err("never")
            },
            async {
                yield_now().await;
                Ok(1)
            },
        ));
        assert_eq!(value.await.unwrap(), 1);
        assert!(matches!(reason.into_inner().unwrap(), Some(Reason::NotNeeded)));
        world.assert_clean();
    });
}

#[test]
fn with_a_limit_the_next_starts_when_one_has_failed() {
    on_both_runtimes(async || {
        let started = Cell::new(0);
        let inputs = (0..10).map(|number| {
            let started = &started;
            async move {
                started.set(started.get() + 1);
                yield_now().await;
                if number == 3 { Ok(number) } else { Err(number) }
            }
        });
        assert_eq!(first_ok(inputs).limit(NonZeroUsize::MIN).await.unwrap(), 3);
        assert_eq!(started.get(), 4);
    });
}

#[test]
fn ga_31_the_next_starts_when_the_delay_has_passed_or_at_once_when_one_fails() {
    timed(|scale| async move {
        let began = Instant::now();
        let starts = RefCell::new(Vec::new());
        let attempt = |number: u32, takes: u32, ok: bool| {
            let starts = &starts;
            async move {
                starts.borrow_mut().push((number, began.elapsed()));
                sleep(scale.units(takes)).await;
                if ok { Ok(number) } else { Err(number) }
            }
        };
        // 0 never ends; 1 starts after the delay and fails 2 later; 2 starts then, and wins 3 later, before the delay for 3 is over.
        let inputs = vec![attempt(0, 1000, true), attempt(1, 2, false), attempt(2, 3, true), attempt(3, 0, true)];
        assert_eq!(first_ok(inputs).staggered(scale.units(5)).await.unwrap(), 2);
        scale.assert_took(began, 10);
        let starts = starts.into_inner();
        assert_eq!(
            starts.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [0, 1, 2],
            "the fourth was not needed"
        );
        for ((_, at), expected) in starts.iter().zip([0, 5, 7]) {
            assert!(*at >= scale.units(expected), "{at:?}");
        }
    });
}

#[test]
fn ga_31_the_first_error_starts_the_second_without_a_wait() {
    paused(async {
        let began = Instant::now();
        let value = first_ok((fails_after(1, 0), async { Ok("second") })).staggered(Duration::from_secs(60)).await;
        assert_eq!((value.unwrap(), began.elapsed()), ("second", Duration::ZERO));
    });
}

#[test]
fn ga_32_of_two_winners_in_one_tick_there_is_one_and_the_other_is_dropped() {
    paused(async {
        let world = World::default();
        let attempt = |number: u64| {
            let world = world.clone();
            async move {
                let _here = world.enter();
                let _lease = world.lease();
                sleep(Duration::from_secs(4 - number)).await;
                Ok::<_, ()>(number)
            }
        };
        // Started at 0 s and at 1 s, both are ready at 4 s.
        let value = first_ok((0..2).map(attempt)).staggered(Duration::from_secs(1)).await.unwrap();
        assert_eq!(value, 0);
        world.assert_clean();
    });
}

#[test]
fn ga_32_without_a_winner_all_errors_come_back() {
    paused(async {
        let none = first_ok((0..4).map(|number| fails_after(number, number))).staggered(Duration::from_secs(1)).await;
        assert_eq!(none.unwrap_err().errors(), [0, 1, 2, 3]);
        let mut nothing =
            Polled::new(first_ok(Vec::<std::future::Ready<Result<(), u32>>>::new()).staggered(Duration::ZERO));
        assert!(nothing.assert_ready().is_err());
    });
}

#[test]
fn staggered_and_limited_at_once_it_keeps_both() {
    paused(async {
        let began = Instant::now();
        let running = Cell::new(0);
        let inputs = (0..4).map(|number| {
            let running = &running;
            async move {
                running.set(running.get() + 1);
                assert!(running.get() <= 2);
                sleep(Duration::from_secs(10)).await;
                running.set(running.get() - 1);
                if number == 3 { Ok(number) } else { Err(number) }
            }
        });
        let limit = NonZeroUsize::new(2).unwrap();
        assert_eq!(first_ok(inputs).staggered(Duration::from_secs(1)).limit(limit).await.unwrap(), 3);
        // Starts: 0, 1, then at the failures at 10 and 11.
        assert_eq!(began.elapsed().as_secs(), 21);
    });
}

#[test]
fn a_hedge_makes_its_second_attempt_only_if_the_first_is_slow() {
    timed(|scale| async move {
        let made = Cell::new(0_u32);
        let fast = hedge(scale.units(5), || {
            made.set(made.get() + 1);
            async { Ok::<_, ()>("fast") }
        });
        assert_eq!(fast.await.unwrap(), "fast");
        assert_eq!(made.replace(0), 1);

        let began = Instant::now();
        let slow = hedge(scale.units(5), || {
            let number = made.replace(made.get() + 1);
            async move { if number == 0 { pending().await } else { Ok::<_, ()>(number) } }
        });
        assert_eq!(slow.await.unwrap(), 1);
        scale.assert_took(began, 5);
        assert_eq!(made.get(), 2);
    });
}

#[test]
fn a_hedge_makes_no_more_attempts_than_allowed_and_gives_all_errors() {
    on_both(|| async {
        let made = std::sync::atomic::AtomicUsize::new(0);
        let attempt = || {
            let number = made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move { Err::<(), _>(number) }
        };
        let none: NoneOk<usize> = hedge(Duration::from_secs(60), attempt).await.unwrap_err();
        assert_eq!(none.errors(), [0, 1]);
        let none = hedge(Duration::from_secs(60), attempt).attempts(NonZeroUsize::new(3).unwrap()).await.unwrap_err();
        assert_eq!(none.errors(), [2, 3, 4]);
    });
}

#[test]
fn a_hedge_that_is_timed_out_leaves_no_attempt() {
    paused(async {
        let world = World::default();
        let attempt = || {
            let world = world.clone();
            async move {
                world.endless().await;
                Ok::<(), ()>(())
            }
        };
        let hedged = hedge(Duration::from_secs(1), attempt).attempts(NonZeroUsize::new(5).unwrap());
        assert!(timeout(Duration::from_secs(3), hedged).await.is_err());
        assert_eq!(world.leases(), 4, "at 0, 1, 2 and 3 seconds");
        world.assert_clean();
    });
}

#[test]
fn results_of_any_shape_are_taken() {
    on_both_runtimes(async || {
        assert_eq!(first_ok([ready(Err(1)), ready(Ok("b"))]).await.unwrap(), "b");
        let (mut first, mut second) = (ready(Err::<(), _>(1)), ready(Err(2)));
        assert_eq!(first_ok((&mut first, &mut second)).await.unwrap_err().errors(), [1, 2]);
    });
}

#[test]
fn others_run_while_a_hundred_thousand_fail() {
    for options in 0..3 {
        let inputs = first_ok((0..100_000).map(|number| ready(Err::<(), _>(number))));
        let mut inputs = Polled::new(match options {
            0 => inputs,
            1 => inputs.limit(NonZeroUsize::MIN),
            _ => inputs.staggered(Duration::ZERO),
        });
        paused(async {
            inputs.assert_pending();
            assert!(inputs.is_woken(), "it has given way, and goes on");
        });
    }
}

#[test]
fn errors_that_accompany_a_panic_go_to_the_observer() {
    on_both(|| async {
        scope(async |_| {
            let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let list = heard.clone();
            Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
            let panics = async {
                yield_now().await;
                panic!("boom")
            };
            let raced = first_ok((async { Err::<(), _>("lost") }, panics));
            assert!(AssertUnwindSafe(raced).catch_unwind().await.is_err());
            let panics = async {
                yield_now().await;
                panic!("boom")
            };
            let voted = bowline_concurrency::quorum(NonZeroUsize::MIN, (async { Err::<(), _>("lost") }, panics));
            assert!(AssertUnwindSafe(voted).catch_unwind().await.is_err());
            let expected = [r#"an input of a first_ok failed: "lost""#, r#"an input of a quorum failed: "lost""#];
            assert_eq!(*heard.lock().unwrap(), expected);
        })
        .await;
    });
}
