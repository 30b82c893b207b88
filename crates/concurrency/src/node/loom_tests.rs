//! Loom models of the node: counting, settling, orphans and waiting, under every interleaving of two or three threads.
//!
//! Each model ends with a check of the counts: a node that is settled too early, twice or never fails it or hangs, which
//! loom reports as a deadlock.

use std::{future::poll_fn, sync::Arc};

use loom::{
    future::block_on,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use super::{Label, Node};
use crate::reason::Reason;

fn node(parent: Option<&Arc<Node>>) -> Arc<Node> {
    Node::new(Label::Fixed("node"), parent.cloned())
}

fn settle(node: &Node) {
    let mut key = None;
    block_on(poll_fn(|cx| node.poll_settled(cx, &mut key)));
}

#[test]
fn loom_owner_returns_after_the_last_child_and_sees_what_it_wrote() {
    loom::model(|| {
        let node = node(None);
        let written: [Arc<AtomicBool>; 2] = Default::default();
        for flag in &written {
            let (child, flag) = (node.add_child().expect("open"), flag.clone());
            thread::spawn(move || {
                flag.store(true, Relaxed); // Published by the count alone.
                drop(child);
            });
        }
        settle(&node);
        assert!(written.iter().all(|flag| flag.load(Relaxed)));
        assert!(node.add_child().is_none(), "settled is final");
    });
}

#[test]
fn loom_counting_up_and_closing_at_zero_exclude_each_other() {
    loom::model(|| {
        let node = node(None);
        let late = thread::spawn({
            let node = node.clone();
            move || node.try_hold(Label::Fixed("late"))
        });
        let closed = node.try_close();
        let hold = late.join().expect("no panic");
        assert_eq!(closed, hold.is_none(), "a hold on a settled node is waited for by nobody");
        drop(hold);
        assert!(node.try_close());
    });
}

#[test]
fn loom_adopter_settles_after_the_orphan_and_only_then() {
    loom::model(|| {
        let above = node(None);
        let orphan = node(Some(&above));
        let gone = Arc::new(AtomicBool::new(false));
        let child = orphan.add_child().expect("open");
        thread::spawn({
            let gone = gone.clone();
            move || {
                gone.store(true, Relaxed);
                drop(child);
            }
        });
        orphan.orphan(Some(above.clone()));
        settle(&above);
        assert!(gone.load(Relaxed), "the adopter returned before the orphan's child was gone");
        assert!(orphan.try_close(), "and the orphan is settled");
    });
}

#[test]
fn loom_chain_of_orphans_settles_from_the_bottom() {
    loom::model(|| {
        let top = node(None);
        let middle = node(Some(&top));
        let bottom = node(Some(&middle));
        let child = bottom.add_child().expect("open");
        let last = thread::spawn(move || drop(child));
        bottom.orphan(Some(middle.clone()));
        middle.orphan(Some(top.clone()));
        settle(&top);
        last.join().expect("no panic");
        assert!(middle.try_close() && bottom.try_close());
    });
}

#[test]
fn loom_cancellation_wakes_who_registers_at_the_same_time() {
    loom::model(|| {
        let node = node(None);
        let canceller = thread::spawn({
            let node = node.clone();
            move || node.cancel(Reason::Shutdown)
        });
        let mut key = None;
        block_on(poll_fn(|cx| {
            if node.poll_own_cancellation(cx, &mut key) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        }));
        assert!(canceller.join().expect("no panic"));
        assert!(node.add_child().is_none(), "a cancelled node takes no children");
    });
}

#[test]
fn loom_first_reason_wins() {
    loom::model(|| {
        let node = node(None);
        let other = thread::spawn({
            let node = node.clone();
            move || node.cancel(Reason::Shutdown)
        });
        let here = node.cancel(Reason::SiblingFailed);
        let there = other.join().expect("no panic");
        assert!(here != there, "exactly one of them is first");
        let reason = node.reason().expect("cancelled");
        assert_eq!(matches!(reason, Reason::SiblingFailed), here);
    });
}
