//! Who is woken, and who is not: one wake-up too few hangs, one too many costs.

use std::{pin::pin, task::Poll};

use bowline_streams::{TryGenerate, try_generate};
use bowline_testing::{Polled, all_blocked, on_current_thread, poll_once};
use futures_util::StreamExt;

use crate::support::open_generator;

#[test]
fn emit_in_the_task_of_the_consumer_outside_the_body_is_woken() {
    on_current_thread(async || {
        let (mut stream, out, end) = open_generator();
        let consumer = async {
            for n in 0..5 {
                assert_eq!(stream.next().await, Some(Ok(n)));
                // The helper is polled meanwhile, and pending: later it must be woken by the next request alone.
                all_blocked().await;
            }
            assert_eq!(stream.next().await, None);
        };
        let helper = async move {
            for n in 0..5 {
                out.emit(n).await.expect("the consumer stays");
            }
            drop(end);
        };
        // The helper first: when the consumer asks again, it was polled already.
        tokio::join!(biased; helper, consumer);
    });
}

#[test]
fn emits_of_the_body_itself_wake_nobody() {
    let mut stream = try_generate(async |out| {
        out.emit(1).await?;
        let (first, second) = tokio::join!(out.emit(2), out.emit(3));
        first.and(second)
    });
    let mut consumer = Polled::new(async move { while stream.next().await.is_some() {} });
    consumer.assert_ready();
    assert_eq!(consumer.wakes(), 0);
}

#[test]
fn only_the_emit_that_is_done_is_woken() {
    let (mut stream, out, _end) = open_generator();
    let mut emits: Vec<_> = (0..100).map(|n| Polled::new(out.emit(n))).collect();
    emits.iter_mut().for_each(Polled::assert_pending);
    for n in 0..100 {
        assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(n))));
        let woken: Vec<_> = emits.iter().map(Polled::wakes).collect();
        let expected: Vec<_> = (0..100).map(|emit| usize::from(emit < n)).collect();
        assert_eq!(woken, expected);
    }
    assert_eq!(emits[98].assert_ready(), Ok(()));
    emits[99].assert_pending();
}

#[test]
fn consumer_that_waits_is_woken_once_and_only_the_last_of_its_wakers() {
    let (mut stream, out, _end) = open_generator();
    let wait = |stream: &mut TryGenerate<_, _>| {
        let mut stream = std::mem::replace(stream, open_generator().0);
        let mut polled = Polled::new(async move { (stream.next().await, stream) });
        polled.assert_pending();
        polled
    };
    let mut waiting = wait(&mut stream);
    let mut emits: Vec<_> = (0..3).map(|n| Polled::new(out.emit(n))).collect();
    emits.iter_mut().for_each(Polled::assert_pending);
    assert_eq!(waiting.wakes(), 1);
    let (item, mut stream) = waiting.assert_ready();
    assert_eq!(item, Some(Ok(0)));
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(2))));

    // Asked with one waker, and then with another.
    assert_eq!(poll_once(pin!(stream.next())), Poll::Pending);
    let mut moved = wait(&mut stream);
    Polled::new(out.emit(3)).assert_pending();
    assert!(moved.is_woken());
    assert!(moved.poll().is_pending(), "the emit was withdrawn");
    let mut last = Polled::new(out.emit(4));
    last.assert_pending();
    assert!(moved.is_woken(), "and the next one wakes again");
    assert_eq!(moved.assert_ready().0, Some(Ok(4)));
    drop(moved);
    assert!(last.is_woken());
    assert!(last.assert_ready().is_err());
}

#[test]
fn emit_that_is_polled_with_another_waker_wakes_that_one() {
    let (mut stream, out, _end) = open_generator();
    let mut emit = Box::pin(out.emit(1));
    let mut first = Polled::new(emit.as_mut());
    first.assert_pending();
    let flag = first; // Keeps the first waker, but not its right.
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(1))));
    assert_eq!(flag.wakes(), 0);
    drop(flag);
    let mut second = Polled::new(emit.as_mut());
    second.assert_pending();
    assert_eq!(poll_once(pin!(stream.next())), Poll::Pending);
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.assert_ready(), Ok(()));
}
