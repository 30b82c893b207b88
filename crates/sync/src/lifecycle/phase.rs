//! How far a worker has come.

/// A section of a [`Lifecycle`](crate::Lifecycle), which goes through them in this order; [`Failed`](Phase::Failed) may follow each of the first three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The worker has not reported yet that it is ready. It may not have begun.
    Starting,
    /// The worker does its work.
    Ready,
    /// The worker was asked to stop and has not ended yet.
    Stopping,
    /// The worker has ended well, or was stopped before it began.
    Stopped,
    /// The worker has ended otherwise: by an error, a panic, or because it was dropped.
    Failed,
}

impl Phase {
    /// Tells whether the worker has ended, so that the phase will not change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Stopped | Phase::Failed)
    }
}
