//! An order of events that a test forces upon tasks and threads.

use std::{
    collections::{BTreeMap, HashSet},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// Forces one interleaving: step `n` begins when step `n - 1` has ended, whichever tasks and threads they are in.
///
/// Steps count from 0, and each one is taken once. Awaiting a step gives its [`Turn`]; the step ends when the turn is
/// dropped, which is at once in `sequencer.step(3).await;`.
///
/// A sequence breaks loudly: when a step is cancelled while it waits, or panics during its turn, everybody who waits for a
/// later one panics with the number of the broken step. A step that nobody takes is a deadlock, which
/// [`on_current_thread`](crate::on_current_thread) reports. Clones share the sequence.
///
/// # Examples
///
/// ```
/// use bowline_testing::{Sequencer, on_both_runtimes};
/// use std::sync::Mutex;
///
/// on_both_runtimes(async || {
///     let order = Mutex::new(Vec::new());
///     let sequencer = Sequencer::default();
///     let reader = async {
///         let _turn = sequencer.step(1).await;
///         order.lock().unwrap().push("read");
///     };
///     let writer = async {
///         let turn = sequencer.step(0).await;
///         order.lock().unwrap().push("write");
///         drop(turn);
///         sequencer.step(2).await;
///         order.lock().unwrap().push("write again");
///     };
///     tokio::join!(reader, writer);
///     assert_eq!(*order.lock().unwrap(), ["write", "read", "write again"]);
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sequencer {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The step whose turn it is.
    current: usize,
    /// Every step that somebody waits for or had.
    taken: HashSet<usize>,
    waiting: BTreeMap<usize, Waker>,
    broken: Option<Break>,
}

#[derive(Clone, Copy, Debug)]
struct Break {
    step: usize,
    how: &'static str,
}

impl State {
    #[track_caller]
    fn check(this: MutexGuard<'_, Self>) -> MutexGuard<'_, Self> {
        if let Some(Break { step, how }) = this.broken {
            drop(this);
            panic!("the sequence is broken: step {step} {how}");
        }
        this
    }
}

impl Sequencer {
    /// Waits for the turn of step `number`.
    pub fn step(&self, number: usize) -> Step {
        Step { sequencer: self.clone(), number, phase: Phase::New }
    }

    /// Blocks the thread until it is the turn of step `number`: [`step`](Sequencer::step) for code that is not async.
    ///
    /// # Panics
    ///
    /// As [`Step`] does.
    #[track_caller]
    pub fn step_blocking(&self, number: usize) -> Turn {
        let mut step = pin!(self.step(number));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match step.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(turn) => return turn,
                Poll::Pending => thread::park(),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, number: usize) {
        let mut state = self.state();
        state.current = number + 1;
        let next = state.waiting.remove(&(number + 1));
        drop(state);
        next.into_iter().for_each(Waker::wake);
    }

    fn break_at(&self, step: usize, how: &'static str) {
        let mut state = self.state();
        state.broken.get_or_insert(Break { step, how });
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }
}

/// Future of [`Sequencer::step`].
///
/// # Panics
///
/// When the sequence is broken, and when the step was taken before.
///
/// # Cancel safety
///
/// Dropped while it waits, it breaks the sequence: the order that the test asked for can no longer happen.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Step {
    sequencer: Sequencer,
    number: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Waiting,
    /// It had its turn, or it panicked because another step broke the sequence.
    Done,
}

impl Future for Step {
    type Output = Turn;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let this = &mut *self;
        let number = this.number;
        let waiting = std::mem::replace(&mut this.phase, Phase::Done) == Phase::Waiting;
        let mut state = State::check(this.sequencer.state());
        if !waiting && !state.taken.insert(number) {
            drop(state);
            panic!("step {number} of the sequence was taken before");
        }
        if state.current == number {
            drop(state);
            return Poll::Ready(Turn { sequencer: this.sequencer.clone(), number });
        }
        let old = state.waiting.insert(number, cx.waker().clone());
        drop(state);
        drop(old);
        this.phase = Phase::Waiting;
        Poll::Pending
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.phase == Phase::Waiting {
            self.sequencer.break_at(self.number, "was cancelled while it waited");
        }
    }
}

/// The turn of a step, which ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    sequencer: Sequencer,
    number: usize,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if thread::panicking() {
            self.sequencer.break_at(self.number, "panicked");
        } else {
            self.sequencer.end(self.number);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
