//! Who is polled, who is woken, and how often.

use std::{
    future::{pending, poll_fn, ready},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use bowline_concurrency::{in_task_scope, live_tasks, track_live_tasks};
use bowline_testing::Polled;
use tokio::{
    sync::{Notify, oneshot},
    task::yield_now,
};

use super::Counted;
use crate::support::on_both;

#[test]
fn only_the_child_that_was_woken_is_polled_and_the_task_is_woken_once() {
    let (bells, polls) = ([Notify::new(), Notify::new()], [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let body_polls = AtomicUsize::new(0);
    let mut scope = Polled::new(in_task_scope(|group| {
        for (bell, polls) in bells.iter().zip(&polls) {
            drop(group.spawn(async move { Counted(Box::pin(bell.notified()), polls).await }));
        }
        Counted(Box::pin(async move { pending::<()>().await }), &body_polls)
    }));
    let counts = || [polls[0].load(SeqCst), polls[1].load(SeqCst), body_polls.load(SeqCst)];
    scope.assert_pending();
    assert_eq!((counts(), scope.wakes()), ([1, 1, 1], 0));
    scope.assert_pending();
    assert_eq!((counts(), scope.wakes()), ([1, 1, 1], 0), "polled though nothing was woken");
    bells[1].notify_one();
    assert_eq!(scope.wakes(), 1);
    scope.assert_pending();
    assert_eq!((counts(), scope.wakes()), ([1, 2, 1], 1));
}

#[test]
fn handle_wakes_the_body_within_the_same_poll() {
    let bell = Notify::new();
    let mut scope = Polled::new(in_task_scope(async |group| {
        let child = group.spawn(async {
            bell.notified().await;
            7
        });
        child.await + group.spawn(ready(1)).await
    }));
    scope.assert_pending();
    bell.notify_one();
    assert_eq!(scope.assert_ready(), 8);
    assert_eq!(scope.wakes(), 1);
}

#[test]
fn tg_14_empty_group_neither_ends_nor_spins_while_the_body_runs() {
    let (give, given) = oneshot::channel();
    let mut scope = Polled::new(in_task_scope(async |group| {
        let child = group.spawn(ready(1));
        child.await + given.await.unwrap()
    }));
    for _ in 0..3 {
        scope.assert_pending();
    }
    assert_eq!(scope.wakes(), 0);
    give.send(1).unwrap();
    assert_eq!((scope.assert_ready(), scope.wakes()), (2, 1));
}

#[test]
fn child_pushed_from_outside_the_poll_wakes_the_task() {
    let (polls, kept) = (AtomicUsize::new(0), Mutex::new(None));
    let mut scope = Polled::new(in_task_scope(async |group| {
        *kept.lock().unwrap() = Some(group);
        pending::<()>().await;
    }));
    scope.assert_pending();
    std::thread::scope(|threads| {
        let (kept, polls) = (&kept, &polls);
        threads.spawn(move || {
            let group = kept.lock().unwrap().take().unwrap();
            drop(group.spawn(Counted(ready(()), polls)));
        });
    });
    assert_eq!((scope.wakes(), polls.load(SeqCst)), (1, 0));
    scope.assert_pending();
    assert_eq!(polls.load(SeqCst), 1);
}

#[test]
fn body_that_spawns_for_ever_gives_way() {
    let spawned = AtomicUsize::new(0);
    let mut scope = Polled::new(in_task_scope(async |group| {
        loop {
            group.spawn(async { spawned.fetch_add(1, SeqCst) }).await;
        }
    }));
    scope.assert_pending();
    assert_eq!(scope.wakes(), 1, "it must ask for its next turn");
    assert!((1..1000).contains(&spawned.load(SeqCst)), "{spawned:?}");
}

#[test]
fn child_that_wakes_itself_gives_way() {
    let polls = AtomicUsize::new(0);
    let mut scope = Polled::new(in_task_scope(|group| {
        let restless = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        drop(group.spawn(Counted(restless, &polls)));
        pending::<()>()
    }));
    scope.assert_pending();
    assert_eq!(scope.wakes(), 1, "it must ask for its next turn");
    assert!(polls.load(SeqCst) <= 2, "{polls:?}");
}

#[test]
fn tg_22_named_child_is_on_the_list_of_live_tasks_while_it_runs() {
    let listed = || live_tasks().iter().any(|task| task.name.as_deref() == Some("an in-task child"));
    track_live_tasks(true);
    let (give, given) = oneshot::channel::<()>();
    let mut scope = Polled::new(in_task_scope(async |group| {
        group.named("an in-task child").spawn(async { drop(given.await) }).await;
        assert!(!listed());
    }));
    scope.assert_pending();
    assert!(listed());
    give.send(()).unwrap();
    scope.assert_ready();
}

/// If a poll touched every child, or the body were polled for each child that ends, this would not be linear.
#[test]
fn tg_85_hundred_thousand_children_are_linear() {
    const MANY: usize = 100_000;
    on_both(|| async {
        let (numbers, polls, body_polls) = ((0..MANY).collect::<Vec<_>>(), AtomicUsize::new(0), AtomicUsize::new(0));
        let sum = in_task_scope(|group| {
            let (numbers, polls) = (&numbers, &polls);
            let body = async move {
                let children: Vec<_> =
                    numbers.iter().map(|number| group.spawn(Counted(Box::pin(twice(number)), polls))).collect();
                let mut sum = 0;
                for child in children {
                    sum += child.await;
                }
                sum
            };
            Counted(Box::pin(body), &body_polls)
        });
        assert_eq!(sum.await, MANY * (MANY - 1));
        assert_eq!(polls.load(SeqCst), 2 * MANY);
        assert!(body_polls.load(SeqCst) < MANY / 50, "{body_polls:?}");
    });
}

async fn twice(number: &usize) -> usize {
    yield_now().await;
    2 * number
}
