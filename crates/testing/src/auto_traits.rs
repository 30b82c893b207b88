//! Auto traits, pinned in a test: a field added later must not take them away unseen.

/// Compiles only if `T` can be sent to another thread.
///
/// ```
/// bowline_testing::assert_send::<std::sync::Arc<str>>();
/// ```
///
/// ```compile_fail
/// bowline_testing::assert_send::<std::rc::Rc<str>>();
/// ```
pub const fn assert_send<T: ?Sized + Send>() {}

/// Compiles only if `T` can be shared between threads.
///
/// ```
/// bowline_testing::assert_sync::<std::sync::Mutex<u8>>();
/// ```
///
/// ```compile_fail
/// bowline_testing::assert_sync::<std::cell::Cell<u8>>();
/// ```
pub const fn assert_sync<T: ?Sized + Sync>() {}

/// Compiles only if `T` can be moved after it was pinned, as a stream must for a plain `while let Some(x) = s.next().await`.
///
/// ```
/// bowline_testing::assert_unpin::<tokio::sync::oneshot::Receiver<u8>>();
/// ```
///
/// ```compile_fail
/// bowline_testing::assert_unpin::<std::marker::PhantomPinned>();
/// ```
pub const fn assert_unpin<T: ?Sized + Unpin>() {}

/// Compiles only if the type of `value` is `Send`: for futures of `async fn`, whose type has no name.
///
/// ```
/// async fn answer() -> u8 {
///     tokio::task::yield_now().await;
///     42
/// }
/// bowline_testing::assert_send_value(&answer());
/// ```
///
/// ```compile_fail
/// async fn answer() -> u8 {
///     let rc = std::rc::Rc::new(42);
///     tokio::task::yield_now().await;
///     *rc
/// }
/// bowline_testing::assert_send_value(&answer());
/// ```
pub const fn assert_send_value<T: ?Sized + Send>(_value: &T) {}
