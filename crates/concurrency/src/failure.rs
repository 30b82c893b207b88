//! Failures that nobody is left to be told about, and who hears of them.

use std::{any::Any, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use crate::{
    current,
    node::{Node, above},
};

/// Hears of failures; see [`Scope::observe_failures`](crate::Scope::observe_failures).
pub(crate) type Observer = Arc<dyn Fn(&Failure) + Send + Sync>;

/// A failure whose owner has gone: it could not be returned, so it goes to the nearest observer.
///
/// That happens to an error or a panic of a task whose scope was dropped, to whatever accompanies a panic that is
/// resumed, to a release that failed after its caller had left, and to work that a dying runtime cut short. Without an
/// observer above (see [`Scope::observe_failures`](crate::Scope::observe_failures)) it is printed to standard error.
pub struct Failure {
    origin: String,
    cause: Cause,
}

enum Cause {
    Error { value: Box<dyn Any + Send>, text: String },
    Panic(Box<dyn Any + Send>),
    Lost,
    Overdue { budget: Duration, left: Vec<String> },
}

impl Failure {
    /// An error of `origin`, the name of the task or release that failed.
    pub fn error<E: fmt::Debug + Send + 'static>(origin: impl Into<String>, error: E) -> Self {
        let text = format!("{error:?}");
        Failure { origin: origin.into(), cause: Cause::Error { value: Box::new(error), text } }
    }

    /// A panic of `origin`, with its payload.
    pub fn panic(origin: impl Into<String>, payload: Box<dyn Any + Send>) -> Self {
        Failure { origin: origin.into(), cause: Cause::Panic(payload) }
    }

    pub(crate) fn lost(origin: impl Into<String>) -> Self {
        Failure { origin: origin.into(), cause: Cause::Lost }
    }

    /// Work of `origin` that was given up because it took longer than its budget.
    pub fn overdue(origin: impl Into<String>, budget: Duration) -> Self {
        Failure { origin: origin.into(), cause: Cause::Overdue { budget, left: Vec::new() } }
    }

    /// With the names of what is still running.
    pub(crate) fn with_left(mut self, names: Vec<String>) -> Self {
        if let Cause::Overdue { left, .. } = &mut self.cause {
            *left = names;
        }
        self
    }

    /// What failed.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The error as a value, if it is one of type `E`.
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        match &self.cause {
            Cause::Error { value, .. } => value.downcast_ref(),
            Cause::Panic(_) | Cause::Lost | Cause::Overdue { .. } => None,
        }
    }

    /// Whether it was a panic.
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panic(_))
    }

    /// Whether the work was cut short by the end of its runtime.
    pub fn is_lost(&self) -> bool {
        matches!(self.cause, Cause::Lost)
    }

    /// Whether the work was given up, or handed further up, because it took longer than its budget.
    pub fn is_overdue(&self) -> bool {
        matches!(self.cause, Cause::Overdue { .. })
    }

    /// Hands the failure to the observer nearest to the running code, or else to standard error.
    pub fn report(self) {
        self.report_from(current::current());
    }

    /// Hands the failure to the nearest observer from `node` upwards. An observer that panics is passed over.
    pub(crate) fn report_from(self, node: Arc<Node>) {
        for observer in above(node).filter_map(|node| node.observer()) {
            if std::panic::catch_unwind(AssertUnwindSafe(|| observer(&self))).is_ok() {
                return;
            }
        }
        eprintln!("bowline: {self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Error { text, .. } => write!(f, "{} failed and nobody was left to be told: {text}", self.origin),
            Cause::Panic(payload) => {
                write!(f, "{} panicked and nobody was left to be told: {}", self.origin, panic_text(&**payload))
            }
            Cause::Lost => {
                write!(
                    f,
                    "{} was cut short by the end of its runtime; drain the scope before the runtime goes",
                    self.origin
                )
            }
            Cause::Overdue { budget, left } => {
                write!(f, "{} was not done within its budget of {budget:?}", self.origin)?;
                if !left.is_empty() {
                    write!(f, "; still running: {}", left.join(", "))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&format_args!("{self}")).finish()
    }
}

/// The text of a panic, as `panic!` leaves it.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is not text")
}
