//! Whether anything is inspected.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The lowest bit is the switch of the process; the rest counts the roots that ask for it.
static ON: AtomicUsize = AtomicUsize::new(0);
const SWITCH: usize = 1;
const ROOT: usize = 2;

/// Switches inspection on or off, for the whole process. It is off by default.
///
/// What is made while it is off does not show later, except for the nodes above what shows. A root with
/// [`Root::inspect`](crate::Root::inspect) keeps it on for as long as it runs, whatever is said here.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{inspect, scope, tree};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// inspect(true);
/// scope(async |group| {
///     drop(group.named("slow").spawn(std::future::ready(())));
///     assert!(tree().to_string().contains("slow"));
/// })
/// .await;
/// assert!(tree().tasks().is_empty());
/// # }
/// ```
pub fn inspect(on: bool) {
    // Relaxed, here and below: the switch orders nothing; what is made at the same instant may or may not show.
    if on {
        ON.fetch_or(SWITCH, Ordering::Relaxed);
    } else {
        ON.fetch_and(!SWITCH, Ordering::Relaxed);
    }
}

#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed) != 0
}

/// Keeps inspection on until it is dropped.
pub(crate) struct KeptOn(());

impl KeptOn {
    pub(crate) fn new() -> Self {
        ON.fetch_add(ROOT, Ordering::Relaxed);
        KeptOn(())
    }
}

impl Drop for KeptOn {
    fn drop(&mut self) {
        ON.fetch_sub(ROOT, Ordering::Relaxed);
    }
}
