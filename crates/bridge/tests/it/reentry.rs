//! Calls from the threads of the pool itself.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

use bowline_bridge::BlockingPool;
use bowline_concurrency::scope;
use bowline_testing::{hold_clock, on_both_runtimes};
use tokio::runtime::Handle;

use crate::gate::{begin, gated, gated_with, run_until_gate, single};

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
        let (send, receive) = mpsc::channel();
        let waiting = begin(outer.run(move |_| Handle::current().block_on(receive.recv().expect("it was sent"))));
        send.send(begin(pool.run(|_| "inside"))).unwrap();
        gate.open();
        assert_eq!(busy.await, Ok(false));
        assert_eq!(waiting.await, Ok(Ok("inside")));
        assert_eq!(pool.statistics().queued, 0);
    });
}

#[test]
fn an_inline_call_is_cancelled_with_the_call_around_it() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(1);
        let (inner, seen) = (pool.clone(), Arc::new(Mutex::new(None)));
        let note = seen.clone();
        let (send, receive) = mpsc::channel();
        let (mut outer, mut gate) = gated_with(&pool, move |_| {
            let runtime = Handle::current();
            // Runs another queued call first, after which the thread knows again whose call it is on.
            let queued = runtime.block_on(receive.recv().expect("it was sent"));
            let inline = runtime.block_on(inner.run(|cx| cx.is_cancelled()));
            *note.lock().unwrap() = Some((queued, inline));
        });
        run_until_gate(&mut outer, &mut gate).await;
        send.send(begin(pool.run(|cx| cx.is_cancelled()))).unwrap();
        drop(outer);
        gate.open();
        pool.idle().await;
        assert_eq!(*seen.lock().unwrap(), Some((Ok(false), Ok(true))));
    });
}

#[test]
fn a_panic_of_an_inline_call_goes_through_the_call_around_it() {
    on_both_runtimes(async || {
        let _clock = hold_clock();
        let pool = single(0);
        let inner = pool.clone();
        let work = || -> () { std::panic::panic_any(7) };
        let outer = pool.run(move |_| Handle::current().block_on(inner.run(move |_| work())));
        assert_eq!(tokio::spawn(outer).await.unwrap_err().into_panic().downcast_ref(), Some(&7));
        assert_eq!(pool.run(|_| 1).await, Ok(1));
    });
}
