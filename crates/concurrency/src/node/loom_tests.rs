//! Loom models of the node: counting, settling, orphans, waiting and cancelling, under every interleaving of two or three threads.
//!
//! Each model ends with a check of the counts: a node that is settled too early, twice or never fails it or hangs, which
//! loom reports as a deadlock. Each prints how many interleavings it explored: a model of fewer than a hundred is a unit test.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::AtomicUsize},
    task::Poll,
};

use loom::{
    future::block_on,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use super::{Label, Node, leave_child};
use crate::reason::Reason;

/// Explores `model`, and prints how many interleavings it had.
fn explore(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    loom::model(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    let runs = runs.load(std::sync::atomic::Ordering::Relaxed);
    println!("{name}: {runs} interleavings");
    assert!(runs >= 100, "{name} explores {runs} interleavings only");
}

fn node(parent: Option<&Arc<Node>>) -> Arc<Node> {
    Node::new(Label::Kind("node"), parent.cloned())
}

/// Counts a child on a thread of its own that writes `flag` and leaves.
fn child(node: &Arc<Node>, flag: &Arc<AtomicBool>) -> thread::JoinHandle<()> {
    assert!(node.add_child(), "open");
    let (node, flag) = (node.clone(), flag.clone());
    thread::spawn(move || {
        flag.store(true, Relaxed); // Published by the count alone.
        leave_child(node);
    })
}

fn settle(node: &Node) {
    block_on(poll_fn(|cx| node.poll_settled(cx)));
}

#[test]
fn loom_owner_returns_after_the_last_child_and_sees_what_it_wrote() {
    explore("owner and two children", || {
        let node = node(None);
        let written: [Arc<AtomicBool>; 2] = Default::default();
        for flag in &written {
            child(&node, flag);
        }
        settle(&node);
        assert!(written.iter().all(|flag| flag.load(Relaxed)));
        assert!(!node.add_child(), "settled is final");
    });
}

#[test]
fn loom_counting_up_and_closing_at_zero_exclude_each_other() {
    explore("hold against close, twice", || {
        let node = node(None);
        let hold = |name| {
            let node = node.clone();
            thread::spawn(move || node.try_hold(Label::Kind(name)))
        };
        let (first, second) = (hold("first"), hold("second"));
        let closed = node.try_close();
        let holds = [first, second].map(|thread| thread.join().expect("no panic"));
        if closed {
            assert!(holds.iter().all(Option::is_none), "a hold on a settled node is waited for by nobody");
        }
        drop(holds);
        assert!(node.try_close());
    });
}

#[test]
fn loom_adopter_settles_after_the_orphan_and_only_then() {
    explore("orphan with a child", || {
        let above = node(None);
        let orphan = node(Some(&above));
        let gone = Arc::new(AtomicBool::new(false));
        child(&orphan, &gone);
        orphan.orphan(Some(above.clone()));
        settle(&above);
        assert!(gone.load(Relaxed), "the adopter returned before the orphan's child was gone");
        assert!(orphan.try_close(), "and the orphan is settled");
    });
}

#[test]
fn loom_chain_of_orphans_settles_from_the_bottom() {
    explore("orphans below orphans", || {
        let top = node(None);
        let middle = node(Some(&top));
        let bottom = node(Some(&middle));
        let last = child(&bottom, &Arc::default());
        bottom.orphan(Some(middle.clone()));
        middle.orphan(Some(top.clone()));
        settle(&top);
        last.join().expect("no panic");
        assert!(middle.try_close() && bottom.try_close());
    });
}

#[test]
fn loom_others_who_wait_for_the_end_are_woken_by_whoever_brings_it() {
    explore("a stranger waits for an orphan's end", || {
        let above = node(None);
        let orphan = node(Some(&above));
        let gone = Arc::new(AtomicBool::new(false));
        child(&orphan, &gone);
        let stranger = thread::spawn({
            let orphan = orphan.clone();
            move || {
                let mut key = None;
                block_on(poll_fn(|cx| orphan.poll_ended(cx, &mut key)));
            }
        });
        orphan.orphan(Some(above));
        stranger.join().expect("no panic");
        assert!(gone.load(Relaxed), "ended, and the child is still there");
    });
}

#[test]
fn loom_hand_offs_gone_is_seen_by_who_waits_while_a_child_stays() {
    explore("settled() beside a child", || {
        let node = node(None);
        assert!(node.add_child());
        let holds = [node.try_hold(Label::Kind("a")), node.try_hold(Label::Kind("b"))];
        for hold in holds {
            thread::spawn(move || drop(hold.expect("open")));
        }
        let mut key = None;
        block_on(poll_fn(|cx| node.poll_hand_offs_gone(cx, &mut key)));
        assert!(!node.try_close(), "the child is still counted");
        leave_child(node.clone());
        assert!(node.try_close());
    });
}

#[test]
fn loom_cancellation_wakes_the_owner_who_registers_at_the_same_time() {
    explore("cancel against register", || {
        let node = node(None);
        let cancel = |reason| {
            let node = node.clone();
            thread::spawn(move || node.cancel(reason))
        };
        let cancellers = [cancel(Reason::Shutdown), cancel(Reason::SiblingFailed)];
        block_on(poll_fn(|cx| {
            // As the owner of a scope does: register, then look.
            node.register_owner(cx.waker());
            if node.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
        }));
        let first = cancellers.map(|canceller| canceller.join().expect("no panic"));
        assert!(first[0] != first[1], "exactly one of them is first");
        assert_eq!(matches!(node.reason(), Some(Reason::Shutdown)), first[0], "and its reason stays");
        assert!(!node.add_child(), "a cancelled node takes no children");
    });
}

#[test]
fn loom_listener_of_a_cancellation_is_woken_and_finds_the_reason() {
    explore("cancel against cancelled()", || {
        let node = node(None);
        let listener = thread::spawn({
            let node = node.clone();
            move || {
                let mut key = None;
                block_on(poll_fn(|cx| {
                    if node.register_cancelling(cx.waker(), &mut key) { Poll::Ready(()) } else { Poll::Pending }
                }));
                node.reason().is_some()
            }
        });
        let child = thread::spawn({
            let node = node.clone();
            move || node.add_child().then(|| leave_child(node))
        });
        assert!(node.cancel(Reason::Shutdown));
        assert!(listener.join().expect("no panic"));
        child.join().expect("no panic");
        assert!(node.try_close(), "a child that was counted has left, and a late one was refused");
    });
}
