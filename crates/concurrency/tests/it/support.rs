//! What the tests share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts how many copies of it are alive: a stand-in for the locals of a task.
#[derive(Debug)]
pub(crate) struct Alive(Arc<AtomicUsize>);

/// Reads the count of [`Alive`] copies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census(Arc<AtomicUsize>);

impl Census {
    pub(crate) fn enter(&self) -> Alive {
        self.0.fetch_add(1, Ordering::SeqCst);
        Alive(self.0.clone())
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Blocks its thread for a moment when it is dropped, so that "returned too early" shows.
pub(crate) struct SlowDrop(#[expect(dead_code, reason = "held for its drop")] Alive);

impl SlowDrop {
    pub(crate) fn new(alive: Alive) -> Self {
        SlowDrop(alive)
    }
}

impl Drop for SlowDrop {
    fn drop(&mut self) {
        // The count goes down after this, when the field is dropped.
        for _ in 0..200 {
            std::thread::yield_now();
        }
    }
}

/// Runs a future on a thread of its own and panics if it has not ended after 20 s: a hang is a failure.
pub(crate) fn ends(name: &'static str, run: impl FnOnce() + Send + 'static) {
    let (done, ended) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        run();
        let _ = done.send(());
    });
    match ended.recv_timeout(std::time::Duration::from_secs(20)) {
        Ok(()) => thread.join().unwrap(),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{name} hangs"),
    }
}

/// Runs a case on both runtimes, each with a limit. Real time: for timers use short ones and assert order only.
pub(crate) fn on_both<F: Future<Output = ()>>(case: impl Fn() -> F + Clone + Send + 'static) {
    let multi = case.clone();
    ends("current_thread", move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case());
    });
    ends("multi_thread", move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(multi());
    });
}

/// Runs a case on the paused clock of a current_thread runtime.
pub(crate) fn paused<F: Future<Output = ()>>(case: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(case);
}

/// Runs a function when it is dropped.
pub(crate) fn on_drop(act: impl FnOnce()) -> impl Drop {
    struct Guard<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(act) = self.0.take() {
                act();
            }
        }
    }
    Guard(Some(act))
}
