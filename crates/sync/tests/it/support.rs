//! What the tests share: both runtimes, polling by hand, and wakers that panic.

use std::{
    cell::Cell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    process::Command,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker},
};

use tokio::runtime::Builder;

/// Runs the case on current_thread (with a paused clock) and on multi_thread.
pub(crate) fn on_both_runtimes<F: Future<Output = ()>>(case: impl Fn() -> F) {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built")
        .block_on(case());
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime can be built")
        .block_on(case());
}

/// A future that is polled by hand, with a count of its wake-ups.
pub(crate) struct ByHand<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<F: Future> ByHand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls, expecting the future to wait.
    #[track_caller]
    pub(crate) fn waits(mut self) -> Self {
        assert!(self.poll().is_pending(), "it was expected to wait");
        self
    }

    /// Polls with another waker, expecting the future to wait.
    #[track_caller]
    pub(crate) fn waits_with(mut self, waker: &Waker) -> Self {
        assert!(self.future.as_mut().poll(&mut Context::from_waker(waker)).is_pending(), "it was expected to wait");
        self
    }

    #[track_caller]
    pub(crate) fn finish(mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it was expected to be ready"),
        }
    }

    /// Drops the future; tells whether its waker has been dropped with it everywhere.
    pub(crate) fn leaves_nothing(self) -> bool {
        drop(self.future);
        Arc::strong_count(&self.wakes) == 1
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

/// A waker that panics when it is woken.
pub(crate) fn panics_when_woken() -> Waker {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("of the waker");
        }
    }

    Waker::from(Arc::new(Panics))
}

/// A waker that panics when the last of its clones is dropped.
pub(crate) fn panics_when_dropped() -> Waker {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("of the waker");
        }
    }

    Waker::from(Arc::new(Panics))
}

/// A waker that can be cloned so many times in this thread, and then panics when it is cloned. While the tree is looked at, wakers are cloned on the way
/// to the line: use it [in a process of its own](in_a_process_of_its_own).
pub(crate) fn panics_when_cloned_after(clones: usize) -> Waker {
    thread_local! {
        static LEFT: Cell<usize> = const { Cell::new(0) };
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| {
            LEFT.set(LEFT.get().checked_sub(1).expect("of the waker"));
            RawWaker::new(ptr::null(), &TABLE)
        },
        |_| {},
        |_| {},
        |_| {},
    );

    LEFT.set(clones);
    // SAFETY: the functions of the table look at no data, and may run in any thread.
    unsafe { Waker::new(ptr::null(), &TABLE) }
}

/// The text of the panic, if there is one.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("panics have texts")
    })
}

/// Drops the value by a panic; tells which panic has arrived.
pub(crate) fn dropped_by_a_panic<T>(value: T) -> String {
    let outcome = caught(move || {
        let _value = value;
        panic!("of the task");
    });
    outcome.map(|()| "none".to_owned()).unwrap_or_else(|text| text)
}

/// Runs the case of this test in a process where no other test runs.
#[track_caller]
pub(crate) fn in_a_process_of_its_own(test: &str, case: impl FnOnce()) {
    const ALONE: &str = "BOWLINE_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return case();
    }
    let this = env::current_exe().expect("it runs");
    let child = Command::new(this).args(["--exact", test, "--nocapture"]).env(ALONE, "").output().expect("it runs");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}
