//! Several futures, all of whose outputs are wanted.

use std::{
    cell::Cell,
    future::{pending, ready},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Reason, Scope, gather, move_on_after, scope, try_gather};
use bowline_testing::{Polled, on_both_runtimes};
use futures_util::FutureExt;
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    support::{Census, Owes, on_both, on_drop},
    world::World,
};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Yields so often, then gives its number.
async fn after_yields(yields: usize, number: usize) -> usize {
    for _ in 0..yields {
        yield_now().await;
    }
    number
}

#[test]
fn ga_01_outputs_come_in_the_order_of_the_inputs_whatever_the_order_of_their_ends() {
    on_both_runtimes(async || {
        let backwards = gather((0..200).map(|number| after_yields(200 - number, number))).await;
        assert_eq!(backwards, (0..200).collect::<Vec<_>>());
        let mixed = gather((0..200).map(|number| after_yields(number * 7 % 5, number))).await;
        assert_eq!(mixed, (0..200).collect::<Vec<_>>());
        assert_eq!(gather([after_yields(2, 0), after_yields(0, 1), after_yields(1, 2)]).await, [0, 1, 2]);
        assert_eq!(gather(vec![after_yields(1, 0), after_yields(0, 1)]).await, [0, 1]);
    });
}

#[test]
fn ga_01_tuples_of_two_to_eight_come_back_in_their_places() {
    on_both_runtimes(async || {
        assert_eq!(gather((after_yields(1, 1), async { "b" })).await, (1, "b"));
        assert_eq!(gather((ready(1), async { "b" }, ready('c'))).await, (1, "b", 'c'));
        let (a, b, c, d) = gather((ready(1), ready("b"), after_yields(3, 3), ready(4.0))).await;
        assert_eq!((a, b, c, d), (1, "b", 3, 4.0));
        assert_eq!(gather((ready(1), ready(2), ready(3), ready(4), ready("5"))).await, (1, 2, 3, 4, "5"));
        assert_eq!(gather((ready(1), ready(2), ready(3), ready(4), ready(5), ready("6"))).await, (1, 2, 3, 4, 5, "6"));
        let seven = gather((ready(1), ready(2), ready(3), ready(4), ready(5), ready(6), ready("7")));
        assert_eq!(seven.await, (1, 2, 3, 4, 5, 6, "7"));
        let eight = gather((ready(1), ready(2), ready(3), ready(4), ready(5), ready(6), ready(7), ready("8")));
        assert_eq!(eight.await, (1, 2, 3, 4, 5, 6, 7, "8"));
    });
}

#[test]
fn inputs_may_borrow_and_be_turned_into_futures() {
    struct Later(u32);
    impl IntoFuture for Later {
        type Output = u32;
        type IntoFuture = std::future::Ready<u32>;
        fn into_future(self) -> Self::IntoFuture {
            ready(self.0)
        }
    }
    on_both_runtimes(async || {
        let names = ["a".to_owned(), "bc".to_owned()];
        let mut total = Cell::new(0);
        assert_eq!(gather(names.iter().map(|name| async { name.len() })).await, [1, 2]);
        gather(names.iter().map(|name| async { total.set(total.get() + name.len()) })).await;
        assert_eq!(*total.get_mut(), 3);
        assert_eq!(gather([Later(1), Later(2)]).await, [1, 2]);
        assert_eq!(gather((Later(1), ready("b"))).await, (1, "b"));
    });
}

#[test]
fn it_goes_into_a_task_and_into_a_box() {
    async fn length(text: String) -> usize {
        yield_now().await;
        text.len()
    }
    on_both_runtimes(async || {
        let texts = ["a".to_owned(), "bc".to_owned()];
        let task = tokio::spawn(async move {
            let lengths = gather(texts.iter().cloned().map(length)).limit(TWO).await;
            let (first, all) =
                gather((length(texts[0].clone()), gather(texts.iter().map(|text| length(text.clone()))))).await;
            (lengths, first, all)
        });
        assert_eq!(task.await.unwrap(), (vec![1, 2], 1, vec![1, 2]));
        let boxed: std::pin::Pin<Box<dyn Future<Output = Vec<usize>> + Send>> =
            Box::pin(gather(vec![length("d".into())]));
        assert_eq!(boxed.await, [1]);
    });
}

#[test]
fn ga_02_at_the_first_error_the_others_are_dropped_and_settled_first() {
    on_both(|| async {
        let world = World::default();
        let (worker, failing) = (world.clone(), world.clone());
        let result = try_gather((
            async {
                // Below: a scope with a task that is slow to drop.
                scope(async |group| group.spawn(worker.clone().endless()).await).await;
                Ok(0)
            },
            worker.clone().endless().map(|()| Ok(1)),
            async {
                let _lease = failing.lease();
                yield_now().await;
                Err::<u32, _>("boom")
            },
        ))
        .await;
        assert_eq!(result, Err("boom"));
        world.assert_clean();
    });
}

#[test]
fn ga_02_the_others_learn_why_they_are_dropped() {
    on_both_runtimes(async || {
        let reason = Cell::new(None);
        let result = try_gather((
            async {
                let _guard = on_drop(|| reason.set(Some(Scope::current().reason_for_drop())));
                pending::<Result<(), &str>>().await
            },
            async { Err::<(), _>("boom") },
        ));
        assert_eq!(result.await, Err("boom"));
        assert!(matches!(reason.take(), Some(Reason::SiblingFailed)));
    });
}

#[test]
fn ga_04_a_task_that_was_cancelled_alone_is_an_outcome_in_its_place() {
    on_both_runtimes(async || {
        let tasks = BackgroundTasks::new();
        let first = tasks.spawn("first", async { 1 }).unwrap();
        let cancelled = tasks.spawn("cancelled", pending::<u32>()).unwrap().cancel();
        let (first, cancelled) = gather((first, cancelled)).await;
        assert_eq!((first, cancelled), (Some(1), None));

        // Tokio's own handles say so too.
        let handles = [tokio::spawn(pending::<u32>()), tokio::spawn(async { 2 })];
        handles[0].abort();
        let outcomes = gather(handles).await;
        assert!(outcomes[0].as_ref().is_err_and(|error| error.is_cancelled()) && matches!(outcomes[1], Ok(2)));
    });
}

#[test]
fn ga_05_of_a_task_that_was_cancelled_alone_the_gather_fails_and_is_not_itself_cancelled() {
    on_both_runtimes(async || {
        let handles = [tokio::spawn(async { 1 }), tokio::spawn(pending())];
        handles[1].abort();
        assert!(try_gather(handles).await.unwrap_err().is_cancelled());
    });
}

#[test]
fn ga_06_nothing_gathered_is_empty_at_once() {
    let mut nothing = Polled::new(gather(std::iter::empty::<std::future::Ready<u32>>()));
    assert!(nothing.assert_ready().is_empty());
    let mut nothing = Polled::new(try_gather(Vec::<std::future::Ready<Result<u32, u32>>>::new()).limit(TWO));
    assert_eq!(nothing.assert_ready(), Ok(vec![]));
    let empty: [std::future::Ready<u32>; 0] = [];
    assert!(Polled::new(gather(empty)).assert_ready().is_empty());
}

#[test]
fn ga_07_a_shared_future_passed_twice_runs_once() {
    on_both_runtimes(async || {
        let runs = AtomicUsize::new(0);
        let shared = async {
            yield_now().await;
            runs.fetch_add(1, SeqCst)
        }
        .boxed_local()
        .shared();
        assert_eq!(gather((shared.clone(), shared)).await, (0, 0));
        assert_eq!(runs.load(SeqCst), 1);
    });
}

#[test]
fn ga_09_nothing_is_polled_after_the_first_error() {
    on_both_runtimes(async || {
        let polled = Cell::new(0);
        let inputs = (0..5).map(|number| {
            let polled = &polled;
            async move {
                polled.set(polled.get() + 1);
                if number == 2 { Err(number) } else { Ok(number) }
            }
        });
        assert_eq!(try_gather(inputs).await, Err(2));
        assert_eq!(polled.get(), 3, "the fourth and the fifth would have failed for nobody");
    });
}

#[test]
fn ga_10_outputs_of_tasks_that_were_done_when_the_gather_was_dropped_are_still_there() {
    // The caller that is dropped loses what it had; handles that it only borrowed keep theirs.
    on_both_runtimes(async || {
        let tasks = BackgroundTasks::new();
        let (mut first, mut second) =
            (tasks.spawn("first", async { 1 }).unwrap(), tasks.spawn("second", async { 2 }).unwrap());
        drop(gather((&mut first, &mut second)));
        assert_eq!(gather((&mut first, &mut second)).await, (Some(1), Some(2)));
    });
}

#[test]
fn ga_11_a_cancelled_caller_is_no_outcome() {
    on_both(|| async {
        let census = Census::default();
        let (inside, outcomes) = (census.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = outcomes.clone();
        scope(async |group| {
            let task = group.spawn(async move {
                let _here = inside.enter();
                let _ = gather([pending::<Result<(), ()>>(), pending()]).await;
                counted.fetch_add(1, SeqCst);
            });
            while census.alive() == 0 {
                yield_now().await;
            }
            assert_eq!(task.cancel().await, None);
        })
        .await;
        assert_eq!((outcomes.load(SeqCst), census.alive()), (0, 0));
    });
}

#[test]
fn ga_12_an_iterator_that_panics_takes_with_it_what_it_gave() {
    let census = Census::default();
    let inputs = (0..3).map(|number| {
        assert!(number < 2, "no third one");
        let alive = census.enter();
        async move { drop(alive) }
    });
    assert!(catch_unwind(AssertUnwindSafe(|| gather(inputs))).is_err());
    assert_eq!(census.alive(), 0);
}

#[test]
fn ga_34_never_more_than_the_limit_run_and_they_start_in_order() {
    on_both_runtimes(async || {
        let (running, most, started) = (Cell::new(0), Cell::new(0), std::cell::RefCell::new(Vec::new()));
        let inputs = (0..20).map(|number| {
            let (running, most, started) = (&running, &most, &started);
            async move {
                started.borrow_mut().push(number);
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                after_yields(number % 4, number).await;
                running.set(running.get() - 1);
                number
            }
        });
        assert_eq!(gather(inputs).limit(NonZeroUsize::new(3).unwrap()).await, (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
        assert_eq!(started.into_inner(), (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn ga_34_with_a_limit_the_first_error_keeps_the_rest_from_starting() {
    on_both_runtimes(async || {
        let started = Cell::new(0);
        let inputs = (0..20).map(|number| {
            let started = &started;
            async move {
                started.set(started.get() + 1);
                yield_now().await;
                if number == 3 { Err(number) } else { Ok(number) }
            }
        });
        assert_eq!(try_gather(inputs).limit(TWO).await, Err(3));
        assert!(started.get() <= 5, "{}", started.get());
    });
}

#[test]
fn what_inputs_leave_behind_has_settled_when_the_outputs_come() {
    on_both(|| async {
        let census = Census::default();
        let (open, gate) = oneshot::channel();
        let owes = Owes::new(census.enter(), gate);
        let mut gathered = Polled::new(gather((async { drop(owes) }, async { 2 })));
        gathered.assert_pending();
        open.send(()).unwrap();
        crate::support::finish(&mut gathered).await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn inputs_are_polled_only_when_they_were_woken() {
    let polls = Cell::new(0);
    let (first, first_woken) = oneshot::channel::<()>();
    let (_second, second_woken) = oneshot::channel::<()>();
    let inputs = [first_woken, second_woken].map(|woken| {
        let mut woken = Box::pin(woken);
        std::future::poll_fn({
            let polls = &polls;
            move |cx| {
                polls.set(polls.get() + 1);
                woken.as_mut().poll(cx)
            }
        })
    });
    let mut gathered = Polled::new(gather(inputs));
    gathered.assert_pending();
    assert_eq!(polls.get(), 2);
    first.send(()).unwrap();
    gathered.assert_pending();
    assert_eq!(polls.get(), 3, "only the first was woken");
}

#[test]
fn others_run_while_a_hundred_thousand_are_ready() {
    let mut gathered = Polled::new(gather((0..100_000).map(ready)));
    gathered.assert_pending();
    assert!(gathered.is_woken(), "it has given way, and goes on");
}

#[test]
fn a_hundred_thousand_handles_of_tasks_stay_linear() {
    // Tokio's budget makes a handle that is polled too often pend: quadratic, 13 s and more, where a set polls all of them again.
    on_both(|| async {
        let sum = scope(async |group| {
            let tasks: Vec<_> = (0..100_000_u64).map(|number| group.spawn(async move { number })).collect();
            gather(tasks).await.into_iter().sum::<u64>()
        });
        assert_eq!(sum.await, 4_999_950_000);
        let handles: Vec<_> = (0..20_000_u64).map(|number| tokio::spawn(async move { number })).collect();
        assert_eq!(try_gather(handles).await.unwrap().len(), 20_000);
    });
}

#[test]
fn nested_a_hundred_deep_it_settles_at_the_bottom_first() {
    fn nested(depth: usize, world: World) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send>> {
        Box::pin(async move {
            let _lease = world.lease();
            match depth {
                0 => world.clone().work().await,
                _ => gather([nested(depth - 1, world.clone()), Box::pin(async { 1 })]).await.into_iter().sum(),
            }
        })
    }
    on_both(|| async {
        let world = World::default();
        assert_eq!(gather([nested(100, world.clone())]).await, [101]);
        world.assert_clean();
        // And dropped half-way: the enclosing timeout waits.
        let mut polled = Polled::new(move_on_after(Duration::from_millis(2), async {
            gather([nested(100, world.clone()), Box::pin(pending())]).await
        }));
        assert!(crate::support::finish(&mut polled).await.is_none());
        world.assert_clean();
    });
}
