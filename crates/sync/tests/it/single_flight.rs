//! [`SingleFlight`].

use std::{
    cell::Cell,
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use bowline_sync::SingleFlight;
use bowline_testing::assert_cancel_safe;
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{ByHand, on_both_runtimes};

type Flights<T = u32> = SingleFlight<&'static str, T>;

/// keys, waiting
fn counts<K, T>(flights: &SingleFlight<K, T>) -> (usize, usize) {
    let statistics = flights.statistics();
    (statistics.keys, statistics.waiting)
}

/// Waits for the value to be sent.
async fn sent<T>(receiver: oneshot::Receiver<T>) -> T {
    receiver.await.expect("the test keeps the sender")
}

/// The text with which the rest of a future panics.
fn panics<F: Future>(mut future: ByHand<F>) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| drop(future.poll()))).expect_err("it was expected to panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn lk_31_concurrent_calls_of_a_key_share_one_execution() {
    on_both_runtimes(|| async {
        let flights = Arc::new(SingleFlight::<String, usize>::new());
        let runs = Arc::new(AtomicUsize::new(0));
        let (open, gate) = tokio::sync::watch::channel(false);
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let (flights, runs, mut gate) = (Arc::clone(&flights), Arc::clone(&runs), gate.clone());
                tokio::spawn(async move {
                    let work = async || {
                        let run = runs.fetch_add(1, Ordering::Relaxed);
                        gate.wait_for(|open| *open).await.expect("the test keeps the sender");
                        run
                    };
                    flights.run("key".to_owned(), work).await
                })
            })
            .collect();
        while counts(&flights) != (1, 9) {
            yield_now().await;
        }
        open.send(true).expect("the calls wait");
        for call in calls {
            assert_eq!(call.await.unwrap(), 0);
        }
        assert_eq!((runs.load(Ordering::Relaxed), counts(&flights)), (1, (0, 0)));
    });
}

#[test]
fn lk_31_other_keys_are_not_blocked() {
    let flights = Flights::new();
    let _busy = ByHand::new(flights.run("a", pending)).waits();
    assert_eq!(ByHand::new(flights.run("b", async || 2)).finish(), 2);
}

#[test]
fn lk_31_a_later_call_begins_anew() {
    let flights = Flights::new();
    assert_eq!(ByHand::new(flights.run("a", async || 1)).finish(), 1);
    assert_eq!(ByHand::new(flights.run("a", async || 2)).finish(), 2);
}

#[test]
fn lk_31_a_failure_is_shared() {
    let flights = Flights::<Result<u32, Arc<str>>>::new();
    let (send, receive) = oneshot::channel();
    let leader = ByHand::new(flights.run("a", async || sent(receive).await)).waits();
    let follower = ByHand::new(flights.run("a", async || Ok(1))).waits();
    send.send(Err("no route".into())).unwrap();
    let [first, second] = [leader.finish().unwrap_err(), follower.finish().unwrap_err()];
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn lk_31_a_panic_is_resumed_in_the_leader_and_told_to_the_followers() {
    let flights = Flights::new();
    let (send, receive) = oneshot::channel::<()>();
    let work = async || {
        sent(receive).await;
        panic!("the bug is {}", "here")
    };
    let leader = ByHand::new(flights.run("a", work)).waits();
    let followers = [(); 2].map(|()| ByHand::new(flights.run("a", async || 1)).waits());
    send.send(()).unwrap();
    assert_eq!(panics(leader), "the bug is here");
    assert_eq!(counts(&flights), (0, 0));
    for follower in followers {
        assert_eq!(follower.wakes(), 1);
        let text = panics(follower);
        assert!(text.contains(r#"key "a""#) && text.ends_with("panicked: the bug is here"), "{text}");
    }
    assert_eq!(ByHand::new(flights.run("a", async || 3)).finish(), 3, "later calls begin anew");
}

#[test]
fn lk_31_work_that_panics_before_it_is_a_future_counts_too() {
    let flights = Flights::new();
    let work = || -> std::future::Ready<u32> { panic!("at once") };
    assert_eq!(panics(ByHand::new(flights.run("a", work))), "at once");
    assert_eq!(counts(&flights), (0, 0));
}

#[test]
fn lk_31_forget_lets_later_calls_begin_anew_and_the_present_ones_finish() {
    let flights = SingleFlight::<String, u32>::new();
    let (send, receive) = oneshot::channel();
    let leader = ByHand::new(flights.run("a".into(), async || sent(receive).await)).waits();
    let follower = ByHand::new(flights.run("a".into(), async || 2)).waits();
    flights.forget("a");
    flights.forget("b");
    assert_eq!(counts(&flights), (0, 0));
    let (send_new, receive_new) = oneshot::channel();
    let new = ByHand::new(flights.run("a".into(), async || sent(receive_new).await)).waits();
    send.send(1).unwrap();
    assert_eq!((leader.finish(), follower.finish()), (1, 1));
    assert_eq!(counts(&flights), (1, 0), "the end of the old flight leaves the new one");
    let follower = ByHand::new(flights.run("a".into(), async || 4)).waits();
    send_new.send(3).unwrap();
    assert_eq!((new.finish(), follower.finish()), (3, 3));
}

#[test]
fn lk_31_a_forgotten_flight_is_taken_over_too() {
    let flights = Flights::new();
    let leader = ByHand::new(flights.run("a", pending)).waits();
    let follower = ByHand::new(flights.run("a", async || 2)).waits();
    flights.forget(&"a");
    let _new = ByHand::new(flights.run("a", pending)).waits();
    drop(leader);
    assert_eq!(follower.finish(), 2);
    assert_eq!(counts(&flights), (1, 0));
}

#[test]
fn lk_31_the_next_takes_over_with_its_own_work() {
    let flights = Flights::new();
    let leader = ByHand::new(flights.run("a", pending)).waits();
    let second = ByHand::new(flights.run("a", async || 2)).waits();
    let third = ByHand::new(flights.run("a", async || 3)).waits();
    drop(leader);
    assert_eq!((second.wakes(), third.wakes(), counts(&flights)), (1, 0, (1, 1)));
    let newcomer = ByHand::new(flights.run("a", async || 4)).waits();
    assert_eq!(second.finish(), 2);
    assert_eq!((third.finish(), newcomer.finish()), (2, 2));
    assert_eq!(counts(&flights), (0, 0));
}

#[test]
fn a_granted_lead_is_passed_on_when_its_call_is_dropped() {
    let flights = Flights::new();
    let leader = ByHand::new(flights.run("a", pending)).waits();
    let second = ByHand::new(flights.run("a", async || 2)).waits();
    let third = ByHand::new(flights.run("a", async || 3)).waits();
    drop(leader);
    drop(second);
    assert_eq!(third.wakes(), 1);
    assert_eq!(third.finish(), 3);
}

#[test]
fn a_follower_that_is_dropped_after_the_landing_changes_nothing() {
    let flights = Flights::new();
    let (send, receive) = oneshot::channel();
    let leader = ByHand::new(flights.run("a", async || sent(receive).await)).waits();
    let [second, third] = [2, 3].map(|own| ByHand::new(flights.run("a", async move || own)).waits());
    send.send(1).unwrap();
    assert_eq!(leader.finish(), 1);
    assert_eq!((second.wakes(), third.wakes()), (1, 1));
    let _new = ByHand::new(flights.run("a", pending)).waits();
    drop(second);
    assert_eq!((third.wakes(), counts(&flights)), (1, (1, 0)));
    assert_eq!(third.finish(), 1);
}

/// Tells when it is dropped.
struct Work<'a>(&'a Cell<bool>);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn the_next_begins_after_the_work_of_the_last_is_gone() {
    let (flights, gone, gone_first) = (Flights::new(), Cell::new(false), Cell::new(false));
    let work = Work(&gone);
    let leader = flights.run("a", async move || {
        let _work = work;
        pending().await
    });
    let leader = ByHand::new(leader).waits();
    let seen = poll_fn(|_| {
        gone_first.set(gone.get());
        Poll::Ready(2)
    });
    let follower = ByHand::new(flights.run("a", || seen)).waits();
    drop(leader);
    assert_eq!((follower.finish(), gone_first.get()), (2, true));
}

#[test]
fn lk_29_nothing_is_left_in_whatever_order_the_calls_leave() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for polled_in_between in [false, true] {
            let flights = SingleFlight::<Arc<str>, u32>::new();
            let key: Arc<str> = "key".into();
            let mut calls = [(); 3].map(|()| Some(ByHand::new(flights.run(Arc::clone(&key), pending)).waits()));
            assert_eq!(counts(&flights), (1, 2));
            for (left, call) in order.into_iter().enumerate() {
                assert_eq!(counts(&flights).0, 1, "{order:?}");
                assert!(calls[call].take().unwrap().leaves_nothing(), "{order:?}, {left}");
                if polled_in_between {
                    calls.iter_mut().flatten().for_each(|call| assert!(call.poll().is_pending()));
                }
            }
            assert_eq!((counts(&flights), Arc::strong_count(&key)), ((0, 0), 1), "{order:?}");
        }
    }
}

#[test]
fn dropped_at_any_point_of_the_leader_the_follower_gets_a_value() {
    assert_cancel_safe(
        async || {
            let flights = Arc::new(Flights::new());
            let leads = Arc::clone(&flights);
            let work = async || {
                yield_now().await;
                yield_now().await;
                1
            };
            let leader = async move { leads.run("a", work).await };
            (leader, flights)
        },
        async |flights: Arc<Flights>| {
            assert!([1, 2].contains(&flights.run("a", async || 2).await));
            assert_eq!(counts(&flights), (0, 0));
        },
    )
    .at_least(2);
}

#[test]
fn dropped_at_any_point_of_a_follower_nothing_is_left() {
    assert_cancel_safe(
        async || {
            let flights = Arc::new(Flights::new());
            let (leads, follows) = (Arc::clone(&flights), Arc::clone(&flights));
            let leader = tokio::spawn(async move { leads.run("a", pending).await });
            yield_now().await;
            let follower = async move {
                follows
                    .run("a", async || {
                        yield_now().await;
                        2
                    })
                    .await
            };
            tokio::spawn(async move {
                yield_now().await;
                leader.abort();
            });
            (follower, flights)
        },
        async |flights: Arc<Flights>| {
            while counts(&flights).0 > 0 {
                yield_now().await;
            }
            assert_eq!(flights.run("a", async || 3).await, 3);
        },
    )
    .at_least(2);
}

/// Counts how often it is cloned.
#[derive(Debug)]
struct Counted<'a>(&'a Cell<u32>);

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0)
    }
}

#[test]
fn a_call_that_is_alone_clones_nothing() {
    let clones = Cell::new(0);
    let flights = SingleFlight::new();
    ByHand::new(flights.run("a", async || Counted(&clones))).finish();
    assert_eq!(clones.get(), 0);
}

#[test]
fn a_value_whose_clone_panics_leaves_the_others_alone() {
    #[derive(Debug)]
    struct Once(Arc<AtomicUsize>);
    impl Clone for Once {
        fn clone(&self) -> Self {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first clone");
            Self(Arc::clone(&self.0))
        }
    }
    let flights = Flights::<Once>::new();
    let (send, receive) = oneshot::channel();
    let leader = ByHand::new(flights.run("a", async || sent(receive).await)).waits();
    let follower = ByHand::new(flights.run("a", pending)).waits();
    send.send(Once(Arc::default())).unwrap();
    assert_eq!(panics(leader), "the first clone");
    assert_eq!(follower.wakes(), 1);
    drop(follower.finish());
    assert_eq!(counts(&flights), (0, 0));
}

#[test]
fn a_call_that_changes_hands_is_woken_by_its_new_waker() {
    let flights = Flights::new();
    let leader = ByHand::new(flights.run("a", pending)).waits();
    let mut call = Box::pin(flights.run("a", async || 2));
    let _ = ByHand::new(&mut call).waits();
    let second = ByHand::new(&mut call).waits();
    drop(leader);
    assert_eq!(second.wakes(), 1);
}

#[test]
fn it_works_in_a_static_and_shows_itself() {
    static FLIGHTS: Flights = Flights::new();
    let _leader = ByHand::new(FLIGHTS.run("a", pending)).waits();
    let _follower = ByHand::new(FLIGHTS.run("a", pending)).waits();
    assert_eq!(format!("{FLIGHTS:?}"), "SingleFlight { keys: 1, waiting: 1 }");
}

#[test]
fn a_call_costs_little_beside_its_work() {
    let flights = SingleFlight::<u64, u64>::new();
    let call = flights.run(1, async || 2);
    assert!(size_of_val(&call) <= 128, "{}", size_of_val(&call));
}
