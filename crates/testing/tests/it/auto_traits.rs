//! What tasks and threads may share.

use bowline_testing::{
    AllBlocked, ClockHold, DropLog, Harness, Polled, Probe, Sequencer, Step, Turn, Visited, assert_no_leaks,
    assert_send, assert_send_value, assert_sync, assert_unpin,
};

#[test]
fn what_tasks_and_threads_share_can_be_shared() {
    const fn all<T: Send + Sync + Unpin>() {}
    all::<DropLog>();
    all::<Probe>();
    all::<Sequencer>();
    all::<Step>();
    all::<Turn>();
    all::<Harness>();
    all::<Visited>();
    all::<ClockHold>();
    all::<Polled<std::marker::PhantomPinned>>();

    assert_send::<AllBlocked>();
    assert_sync::<AllBlocked>();
    assert_unpin::<AllBlocked>();
    assert_send_value(&assert_no_leaks());
}
