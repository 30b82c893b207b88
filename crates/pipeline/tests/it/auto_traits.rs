//! What can be sent, shared and moved.

use std::{cell::Cell, marker::PhantomPinned};

use bowline_pipeline::*;
use bowline_testing::{assert_send, assert_send_value, assert_sync, assert_unpin};

#[test]
fn auto_traits() {
    // An item need not be shared between threads for its queue to be.
    assert_send::<Queue<Cell<u8>>>();
    assert_sync::<Queue<Cell<u8>>>();
    assert_send::<Producer<Cell<u8>>>();
    assert_sync::<Producer<Cell<u8>>>();
    assert_send::<Consumer<Cell<u8>>>();
    assert_sync::<Consumer<Cell<u8>>>();
    assert_send::<Ticket<Cell<u8>>>();
    assert_send::<Put<'_, Cell<u8>>>();
    assert_send::<Get<'_, Cell<u8>>>();
    assert_send::<Join<'_, Cell<u8>>>();
    assert_send::<Finish<'_, Cell<u8>>>();
    assert_unpin::<Put<'_, PhantomPinned>>();
    assert_unpin::<Get<'_, PhantomPinned>>();
    assert_unpin::<Ticket<u8>>();
    assert_send::<DeadLetter<Cell<u8>>>();
    assert_sync::<DeadCause>();
    assert_sync::<QueueReport<u8>>();
    assert_send::<PutError<Cell<u8>>>();
    assert_sync::<TryPutError<u8>>();
    assert_sync::<NoConsumers>();

    let queue = Queue::<u8>::bounded(1);
    assert_send_value(&workers(1, queue.consumer(), |_| async { Ok::<_, std::convert::Infallible>(()) }));
}
