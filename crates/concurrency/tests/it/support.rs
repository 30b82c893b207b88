//! What the tests share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bowline_concurrency::hand_off;
use bowline_testing::Polled;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::{LocalSet, yield_now},
    time::Instant,
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

/// Owes an asynchronous end: hands it off when it is dropped. It counts as alive until the gate has opened and the end is done.
pub(crate) struct Owes {
    alive: Option<Alive>,
    gate: Option<oneshot::Receiver<()>>,
}

impl Owes {
    pub(crate) fn new(alive: Alive, gate: oneshot::Receiver<()>) -> Self {
        Owes { alive: Some(alive), gate: Some(gate) }
    }
}

impl Drop for Owes {
    fn drop(&mut self) {
        let (alive, gate) = (self.alive.take(), self.gate.take());
        hand_off(&Handle::current(), "what is owed", async move {
            if let Some(gate) = gate {
                let _ = gate.await;
            }
            yield_now().await;
            drop(alive);
        });
    }
}

/// Polls once for every wake-up until the future is ready: one that is missing is a hang.
pub(crate) async fn finish<F: Future>(polled: &mut Polled<F>) -> F::Output {
    loop {
        if let Poll::Ready(output) = polled.poll() {
            return output;
        }
        while !polled.is_woken() {
            yield_now().await;
        }
    }
}

/// Lets the others run for a while, and expects that the future stays pending.
pub(crate) async fn stays_pending<F: Future>(polled: &mut Polled<F>) {
    for _ in 0..50 {
        polled.assert_pending();
        yield_now().await;
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

/// Runs a case as a local task of a `LocalSet`.
pub(crate) fn on_local_set<F: Future<Output = ()> + 'static>(case: impl FnOnce() -> F + Send + 'static) {
    ends("LocalSet", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let set = LocalSet::new();
        runtime.block_on(set.run_until(async move { tokio::task::spawn_local(case()).await.unwrap() }));
    });
}

/// Runs a case on the paused clock of a current_thread runtime.
pub(crate) fn paused<F: Future<Output = ()>>(case: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(case);
}

/// The scale of a case that [`timed`] runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    unit: Duration,
    paused: bool,
}

impl Scale {
    pub(crate) fn units(self, n: u32) -> Duration {
        self.unit * n
    }

    /// Asserts that `n` units have passed since `began`: exactly so many on the paused clock, at least so many on a real one.
    #[track_caller]
    pub(crate) fn assert_took(self, began: Instant, n: u32) {
        let took = began.elapsed();
        assert!(took >= self.units(n), "too early: {took:?}");
        // Timers have a resolution of one millisecond.
        assert!(!self.paused || took <= self.units(n) + Duration::from_millis(3), "too late: {took:?}");
    }
}

/// Runs a case about time twice: on the paused clock of a current_thread runtime, and on a multi_thread runtime with short real times, of
/// which only lower bounds and the order are asserted.
pub(crate) fn timed<F: Future<Output = ()>>(case: impl Fn(Scale) -> F + Clone + Send + 'static) {
    let multi = case.clone();
    ends("current_thread", move || paused(case(Scale { unit: Duration::from_secs(1), paused: true })));
    ends("multi_thread", move || {
        let scale = Scale { unit: Duration::from_millis(4), paused: false };
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(multi(scale));
    });
}

/// So long that a timer of this length means that the test hangs.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Ends never, and needs no type to be given.
pub(crate) async fn forever<T>() -> T {
    std::future::pending().await
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
