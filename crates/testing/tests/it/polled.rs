//! Polling by hand.

use std::{future::poll_fn, pin::pin, task::Poll};

use bowline_testing::{Polled, on_current_thread, poll_once};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::panic_of;

#[test]
fn a_wake_is_seen_and_counted_until_the_next_poll() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut next = Polled::new(receiver.recv());
    assert!(!next.is_woken(), "it was never polled");
    next.assert_pending();
    assert_eq!((next.is_woken(), next.wakes()), (false, 0));
    sender.send(1).unwrap();
    assert_eq!((next.is_woken(), next.wakes()), (true, 1));
    assert_eq!(next.assert_ready(), Some(1));
    assert!(!next.is_woken());
}

#[test]
fn a_poll_that_wakes_itself_counts() {
    let mut eager = Polled::new(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    eager.assert_pending();
    eager.assert_pending();
    assert_eq!((eager.is_woken(), eager.wakes()), (true, 2));
}

#[test]
fn wrong_expectations_panic() {
    let text = panic_of(|| Polled::new(std::future::ready(())).assert_pending());
    assert_eq!(text, "the future is ready; it was expected to be pending");
    let text = panic_of(|| Polled::new(std::future::pending::<()>()).assert_ready());
    assert_eq!(text, "the future is pending; it was expected to be ready");
}

#[test]
fn polls_by_hand_have_no_budget() {
    on_current_thread(async || {
        // Tokio makes a task yield after 128 operations in one poll; a test that polls by hand must not see that.
        let semaphore = Semaphore::new(1000);
        for _ in 0..1000 {
            let mut acquire = pin!(semaphore.acquire());
            let Poll::Ready(Ok(permit)) = poll_once(acquire.as_mut()) else { panic!("a permit is free") };
            permit.forget();
        }
        let (sender, receiver) = oneshot::channel();
        sender.send(1).unwrap();
        assert_eq!(Polled::new(receiver).assert_ready(), Ok(1));
    });
}
