//! A point that a number of tasks reach together.
//!
//! # Invariants
//!
//! 1. The list holds the parties that have arrived, and never as many as `parties`: the last one to arrive releases the others instead of joining them.
//! 2. The note of a place is what its owner will be told. It says "broken" until the round is complete, so that breaking means granting, and nothing else.
//!    A granted place keeps its note until its owner has read it or is gone: later rounds do not touch it.
//! 3. While `broken`, nobody waits.
//! 4. Wakers are woken and dropped outside the lock.

#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod wait;

use std::{fmt, num::NonZeroUsize, task::Waker};

pub use self::wait::WaitBarrier;
use crate::{
    inspected::Resource,
    primitive::{Mutex, lock},
    wait_list::{WaitList, wake_all},
};

/// A point that a fixed number of tasks reach together: each waits there until all have arrived. Then the next round begins.
///
/// A task that stops waiting has not arrived: its place is free again. (`tokio::sync::Barrier` counts it, and lets the others go without it.) So a
/// round is complete only when all parties wait at the same moment.
///
/// If a party cannot come any more, the others would wait for ever: [`abort`](Barrier::abort) tells them so, and all who come later, until
/// [`reset`](Barrier::reset). What a task did before it arrived is visible to all that this releases.
///
/// Use [`Latch`](crate::Latch) when those who arrive need not wait, and `tokio::sync::Barrier` when nobody is ever cancelled.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroUsize, sync::Arc};
///
/// use bowline_sync::{Barrier, BarrierBroken};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let barrier = Arc::new(Barrier::new(NonZeroUsize::new(3).ok_or("no parties")?));
/// let tasks: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = Arc::clone(&barrier);
///         tokio::spawn(async move {
///             // … the first phase …
///             let turn = barrier.wait().await?;
///             // … the second phase …
///             Ok::<_, BarrierBroken>(turn.is_leader())
///         })
///     })
///     .collect();
/// let mut leaders = 0;
/// for task in tasks {
///     leaders += usize::from(task.await??);
/// }
/// assert_eq!(leaders, 1);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "CyclicBarrier")]
#[doc(alias = "rendezvous")]
#[doc(alias = "Phaser")]
pub struct Barrier {
    parties: NonZeroUsize,
    state: Mutex<State>,
    resource: Resource,
}

#[derive(Debug)]
struct State {
    broken: bool,
    arrived: WaitList<Result<BarrierTurn, BarrierBroken>>,
}

/// One party's number in a round; from [`Barrier::wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BarrierTurn {
    index: usize,
}

impl BarrierTurn {
    /// How many arrived after this one: `parties - 1` for the first to arrive, `0` for the last. Each number occurs once in a round.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// Whether this is the one party of the round that does what must be done once. It is the last to arrive: it does not suspend, so that it
    /// cannot be cancelled before it knows.
    #[must_use]
    pub fn is_leader(self) -> bool {
        self.index == 0
    }
}

/// The round cannot be completed: the barrier was reset or aborted; returned by [`Barrier::wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the barrier is broken: a party stays away; stop too, or wait again after `reset`")]
pub struct BarrierBroken;

/// What a [`Barrier`] is doing at one moment; made by [`Barrier::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarrierStatistics {
    /// How many must arrive.
    pub parties: usize,
    /// How many have arrived in this round, and wait.
    pub waiting: usize,
    /// Whether it was aborted, and not reset since.
    pub is_broken: bool,
}

impl Barrier {
    /// Creates a barrier for that many parties; in a `static` too. One party never waits.
    ///
    /// A barrier for nobody cannot be written:
    ///
    /// ```compile_fail,E0308
    /// let barrier = bowline_sync::Barrier::new(0);
    /// ```
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(parties: NonZeroUsize) -> Self {
        Self { parties, state: Mutex::new(State::new()), resource: Resource::new("barrier") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(parties: NonZeroUsize) -> Self {
        Self { parties, state: Mutex::new(State::new()), resource: Resource::new("barrier") }
    }

    /// Arrives, and waits until all have arrived.
    ///
    /// Arriving is the first poll, not this call. The last one to arrive wakes the others and returns as the leader, even when a waker of theirs panics: that panic
    /// goes no further.
    ///
    /// # Errors
    ///
    /// [`BarrierBroken`] when the barrier is aborted, or becomes so or is reset while this waits.
    pub fn wait(&self) -> WaitBarrier<'_> {
        WaitBarrier::new(self)
    }

    /// Begins the round anew: who waits is told that it is [broken](BarrierBroken), who comes now waits for a full round. This ends an
    /// [`abort`](Barrier::abort) too.
    pub fn reset(&self) {
        self.break_round(false);
    }

    /// Breaks the barrier: who waits is told so, and who comes later too, until [`reset`](Barrier::reset).
    #[doc(alias = "break")]
    pub fn abort(&self) {
        self.break_round(true);
    }

    /// Reports how many wait for how many, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> BarrierStatistics {
        let state = lock(&self.state);
        BarrierStatistics { parties: self.parties.get(), waiting: state.arrived.len(), is_broken: state.broken }
    }

    fn break_round(&self, broken: bool) {
        let told = {
            let mut state = lock(&self.state);
            state.broken = broken;
            state.end_round()
        };
        wake_all(told);
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BarrierStatistics { parties, waiting, is_broken } = self.statistics();
        f.debug_struct("Barrier")
            .field("parties", &parties)
            .field("waiting", &waiting)
            .field("is_broken", &is_broken)
            .finish()
    }
}

impl State {
    const fn new() -> Self {
        Self { broken: false, arrived: WaitList::new() }
    }

    /// Arrives as the last one, or tells that others are missing.
    fn complete(&mut self, parties: NonZeroUsize) -> Option<Vec<Waker>> {
        if self.arrived.len() + 1 < parties.get() {
            return None;
        }
        let mut told = Vec::with_capacity(self.arrived.len());
        let mut index = self.arrived.len();
        while let Some(note) = self.arrived.first_mut() {
            *note = Ok(BarrierTurn { index });
            index -= 1;
            told.extend(self.arrived.grant_first());
        }
        Some(told)
    }

    /// Lets everybody go with what is noted: that the round is broken (invariant 2).
    fn end_round(&mut self) -> Vec<Waker> {
        let mut told = Vec::with_capacity(self.arrived.len());
        told.extend(std::iter::from_fn(|| self.arrived.grant_first()));
        told
    }
}
