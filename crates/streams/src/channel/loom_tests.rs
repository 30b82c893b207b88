//! Loom models of the channel: the consumer against emits of another thread, under every interleaving.
//!
//! The body never emits here; it waits, as one does that has given its emitter away. A lost wake-up is a deadlock, which loom reports.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use loom::{future::block_on, thread};

use super::Channel;
use crate::{closed::Closed, emitter::Emitter};

/// The consumer's `next`, around a body that has nothing to do.
async fn next(channel: &Channel<u32>) -> u32 {
    poll_fn(|cx| match channel.ask(cx.waker()).or_else(|| channel.look()) {
        Some(item) => Poll::Ready(item),
        None => Poll::Pending,
    })
    .await
}

/// Asks once, without waiting.
fn ask(channel: &Channel<u32>) -> Option<u32> {
    channel.ask(Waker::noop()).or_else(|| channel.look())
}

fn emit(channel: &Arc<Channel<u32>>, item: u32) -> Result<(), Closed> {
    block_on(Emitter::new(channel.clone()).emit(item))
}

/// Polls an emit once and drops it; gives its output if it was done.
fn flicker(channel: &Arc<Channel<u32>>, item: u32) -> Option<Result<(), Closed>> {
    let out = Emitter::new(channel.clone());
    match pin!(out.emit(item)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

#[test]
fn loom_items_of_another_thread_arrive_and_both_sides_are_woken() {
    loom::model(|| {
        let channel = Channel::new();
        let producer = thread::spawn({
            let channel = channel.clone();
            move || (emit(&channel, 1), emit(&channel, 2))
        });
        assert_eq!(block_on(next(&channel)), 1);
        assert_eq!(block_on(next(&channel)), 2);
        channel.abandon();
        let (first, second) = producer.join().expect("no panic");
        assert!(first.is_ok(), "the consumer has asked again");
        assert!(second.is_err(), "it has not asked for a third");
    });
}

#[test]
fn loom_two_producers_are_each_served_once() {
    loom::model(|| {
        let channel = Channel::new();
        let producers = [1, 2].map(|item| {
            let channel = channel.clone();
            thread::spawn(move || emit(&channel, item))
        });
        let mut items = [block_on(next(&channel)), block_on(next(&channel))];
        items.sort_unstable();
        assert_eq!(items, [1, 2]);
        assert_eq!(ask(&channel), None);
        for producer in producers {
            assert!(producer.join().expect("no panic").is_ok());
        }
    });
}

#[test]
fn loom_emit_is_refused_or_delivered_when_the_consumer_goes() {
    loom::model(|| {
        let channel = Channel::new();
        let producer = thread::spawn({
            let channel = channel.clone();
            move || emit(&channel, 1)
        });
        let taken = ask(&channel);
        let asked_again = taken.is_some() && ask(&channel).is_none();
        channel.abandon();
        let result = producer.join().expect("no panic");
        assert_eq!(result.is_ok(), asked_again);
        assert!(channel.is_empty());
    });
}

#[test]
fn loom_end_of_the_body_against_an_emit_loses_nothing() {
    loom::model(|| {
        let channel = Channel::new();
        let producer = thread::spawn({
            let channel = channel.clone();
            move || emit(&channel, 1)
        });
        channel.close();
        let mut items = 0;
        while ask(&channel).is_some() {
            items += 1;
        }
        // What entered before the end was taken and asked past; the rest was refused, item and all.
        assert_eq!(producer.join().expect("no panic").is_ok(), items == 1);
        assert!(channel.is_empty());
    });
}

#[test]
fn loom_emit_that_is_withdrawn_is_delivered_at_most_once_and_in_order() {
    loom::model(|| {
        let channel = Channel::new();
        let producer = thread::spawn({
            let channel = channel.clone();
            move || {
                assert!(flicker(&channel, 1).is_none());
                assert!(channel.is_empty(), "it was taken, or is withdrawn now");
                emit(&channel, 2)
            }
        });
        let first = block_on(next(&channel));
        let second = if first == 1 { block_on(next(&channel)) } else { first };
        assert_eq!(second, 2);
        assert_eq!(ask(&channel), None);
        assert!(producer.join().expect("no panic").is_ok());
    });
}

#[test]
fn loom_error_that_holds_the_refusal_is_known() {
    loom::model(|| {
        let channel = Channel::<u32>::new();
        channel.abandon();
        let producer = thread::spawn({
            let channel = channel.clone();
            move || emit(&channel, 1)
        });
        let here = emit(&channel, 2);
        assert!(channel.is_refusal_held());
        drop(producer.join().expect("no panic"));
        assert!(channel.is_refusal_held(), "ours is left");
        drop(here);
        assert!(!channel.is_refusal_held());
    });
}
