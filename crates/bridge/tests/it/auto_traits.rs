//! What can be sent, shared and moved.

use std::cell::Cell;

use bowline_bridge::*;
use bowline_testing::{assert_send, assert_send_value, assert_sync, assert_unpin};

#[test]
fn auto_traits() {
    assert_send::<BlockingPool>();
    assert_sync::<BlockingPool>();
    assert_unpin::<BlockingPool>();
    // A value that cannot be shared can still be returned.
    assert_send::<Call<Cell<u8>>>();
    assert_unpin::<Call<std::marker::PhantomPinned>>();
    assert_send::<CallContext>();
    assert_sync::<CallContext>();
    assert_send::<TryRunError<Cell<u8>>>();
    assert_send::<ShutdownReport>();
    assert_sync::<ShutdownReport>();
    assert_send::<BuildError>();
    assert_sync::<BuildError>();
    assert_send::<CallError>();
    assert_sync::<CallError>();

    let pool = BlockingPool::builder().threads(1).build().unwrap();
    assert_send_value(&pool.idle());
    assert_send_value(&pool.shutdown(std::time::Duration::ZERO));
}
