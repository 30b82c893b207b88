//! Why something is being cancelled.

use std::{borrow::Cow, fmt, panic::Location, sync::Arc, time::Duration};

/// Why a scope and what runs below it is being cancelled.
///
/// The first reason wins: a scope that is already being cancelled keeps the reason that it has.
/// It is what [`cancelled`](crate::cancelled) resolves to and what a
/// [`ScopeError::Cancelled`](crate::ScopeError) carries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Another child of the same group, or another of several futures, returned an error or panicked.
    SiblingFailed,
    /// The result is known without it: another one has won the race, or enough are there.
    NotNeeded,
    /// A deadline around the work has passed; says which one.
    DeadlineElapsed(Deadline),
    /// The future that owned the scope was dropped before it was done, for example as the loser of a `select!`.
    OwnerDropped,
    /// The program was asked to stop, by a signal or by its root.
    Shutdown,
    /// Somebody said so, for example with [`TaskGroup::cancel`](crate::TaskGroup::cancel), and said why.
    Explicit(Cow<'static, str>),
    /// The body and all children have ended; only services hear of it (see
    /// [`spawn_service`](crate::TaskGroup::spawn_service)).
    ScopeEnded,
    /// The runtime that was to run a child was shut down first.
    RuntimeGone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::SiblingFailed => f.write_str("another task of the group failed"),
            Reason::NotNeeded => f.write_str("its result is not needed any more"),
            Reason::DeadlineElapsed(deadline) => write!(f, "{deadline} has passed"),
            Reason::OwnerDropped => f.write_str("the owner of the scope was dropped"),
            Reason::Shutdown => f.write_str("the program is shutting down"),
            Reason::Explicit(message) => f.write_str(message),
            Reason::ScopeEnded => f.write_str("the body and all children of the scope have ended"),
            Reason::RuntimeGone => f.write_str("the runtime was shut down"),
        }
    }
}

/// The identity of one deadline: how long, where it was set, and its name if it has one.
#[derive(Clone, Debug)]
pub struct Deadline {
    pub(crate) limit: Duration,
    pub(crate) location: &'static Location<'static>,
    pub(crate) name: Option<Arc<str>>,
}

impl Deadline {
    /// How long the work was allowed to take; [`Duration::MAX`] if it had no limit until it was rescheduled.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Where in the source the deadline was set.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The name given with [`Timeout::named`](crate::Timeout::named).
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Duration::MAX => f.write_str("the deadline")?, // It had no limit until it was rescheduled.
            limit => write!(f, "the deadline of {limit:?}")?,
        }
        if let Some(name) = &self.name {
            write!(f, " for {name}")?;
        }
        write!(f, " set at {}:{}", self.location.file(), self.location.line())
    }
}
