//! Calls from the threads of the pool itself.

use std::thread;

use bowline_bridge::BlockingPool;
use bowline_concurrency::scope;
use bowline_testing::{hold_clock, on_both_runtimes};
use tokio::runtime::Handle;

use crate::gate::{begin, gated, run_until_gate, single};

#[test]
fn br_11_a_call_from_a_thread_of_the_pool_runs_inline() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let inner = pool.clone();
        let (outer_thread, inner_thread) = pool
            .run(move |_| {
                let inner = Handle::current().block_on(inner.run(|_| thread::current().id()));
                (thread::current().id(), inner)
            })
            .await
            .unwrap();
        assert_eq!(inner_thread, Ok(outer_thread));
    });
}

#[test]
fn br_11_four_loops_that_reenter_do_not_deadlock() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = BlockingPool::builder().threads(2).queue(1).build().unwrap();
        scope(async |group| {
            for _ in 0..4 {
                let pool = pool.clone();
                drop(group.spawn(async move {
                    for n in 0..20 {
                        let again = pool.clone();
                        let call = pool.run(move |_| Handle::current().block_on(again.run(move |_| n)));
                        assert_eq!(call.await, Ok(Ok(n)));
                    }
                }));
            }
        })
        .await;
    });
}

#[test]
fn br_11_a_queued_call_that_a_thread_of_the_pool_waits_for_runs_there() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(2);
        let (mut busy, mut gate) = gated(&pool);
        run_until_gate(&mut busy, &mut gate).await;
        let outer = pool.clone();
        let (send, receive) = std::sync::mpsc::channel();
        let waiting = begin(outer.run(move |_| Handle::current().block_on(receive.recv().expect("it was sent"))));
        send.send(begin(pool.run(|_| "inside"))).unwrap();
        gate.open();
        assert_eq!(busy.await, Ok(false));
        assert_eq!(waiting.await, Ok(Ok("inside")));
        assert_eq!(pool.statistics().queued, 0);
    });
}

#[test]
fn an_inline_call_is_cancelled_with_the_call_around_it_and_panics_through_it() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let inner = pool.clone();
        let panicking = tokio::spawn(
            pool.run(move |_| Handle::current().block_on(inner.run(|_| -> () { std::panic::panic_any(7) }))),
        );
        assert_eq!(panicking.await.unwrap_err().into_panic().downcast_ref(), Some(&7));

        let inner = pool.clone();
        let same = pool.run(move |outer| {
            let outer = format!("{outer:?}");
            Handle::current().block_on(inner.run(move |cx| format!("{cx:?}") == outer))
        });
        assert_eq!(same.await, Ok(Ok(true)));
        assert_eq!(pool.run(|_| 1).await, Ok(1));
    });
}
