//! Failures that nobody is left to be told about, and who hears of them.

use std::{
    any::Any,
    borrow::Cow,
    cell::Cell,
    fmt,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

use crate::{
    current,
    node::{ErrorValue, Node, above},
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
    Error {
        value: Option<Box<dyn Any + Send>>,
        text: String,
    },
    Panic(Box<dyn Any + Send>),
    Lost,
    /// `budget`: what it was, if that is known.
    Overdue {
        budget: Option<Duration>,
        left: Vec<String>,
    },
}

impl Failure {
    /// An error of `origin`, the name of the task or release that failed.
    pub fn error<E: fmt::Debug + Send + 'static>(origin: impl Into<String>, error: E) -> Self {
        Self::error_value(origin.into(), Box::new(error))
    }

    pub(crate) fn error_value(origin: String, error: Box<dyn ErrorValue>) -> Self {
        let text = text_of((*error).debug());
        Failure { origin, cause: Cause::Error { value: Some(error.into_any()), text } }
    }

    /// An error of `origin` that cannot be sent to another thread, or is needed elsewhere: its text alone.
    pub fn error_text(origin: impl Into<String>, error: &dyn fmt::Debug) -> Self {
        Failure { origin: origin.into(), cause: Cause::Error { value: None, text: text_of(error) } }
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
        Failure { origin: origin.into(), cause: Cause::Overdue { budget: Some(budget), left: Vec::new() } }
    }

    /// What a scope that returned had to leave to the one around it.
    pub(crate) fn left_behind(scope: String, left: Vec<String>) -> Self {
        Failure { origin: format!("the cleanup of {scope}"), cause: Cause::Overdue { budget: None, left } }
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
            Cause::Error { value, .. } => value.as_ref()?.downcast_ref(),
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
    ///
    /// It never panics: it is called in destructors, which owe more than a report.
    pub(crate) fn report_from(self, node: Arc<Node>) {
        self.tell(node);
        survives(|| drop(self)); // An error or a payload, with a destructor of the user's.
    }

    fn tell(&self, node: Arc<Node>) {
        let _reporting = Reporting::begin();
        if _reporting.is_some() {
            for observer in above(node.clone()).filter_map(|node| node.observer()) {
                if survives(|| observer(self)) {
                    return;
                }
            }
        }
        if crate::trace::failed(&node, self) {
            return;
        }
        // Not `eprintln!`, which panics where standard error is gone or full.
        let _ = writeln!(io::stderr(), "bowline: {self} (reported here: nobody was left to be told)");
    }
}

thread_local! {
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Marks that this thread is calling an observer: what that one reports goes to standard error, not to itself.
struct Reporting;

impl Reporting {
    /// `None` if it is marked already.
    fn begin() -> Option<Self> {
        let nested = REPORTING.try_with(|reporting| reporting.replace(true)).unwrap_or(false);
        (!nested).then_some(Reporting)
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        // Fails only while the thread ends, when nobody reads it any more.
        let _ = REPORTING.try_with(|reporting| reporting.set(false));
    }
}

/// Runs code of the user's where no panic may come out. The payload is not dropped: its destructor is the user's too.
fn survives(act: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(act)).map_err(std::mem::forget).is_ok()
}

/// The debug text of an error of the user's. It may panic like all code of the user's.
fn text_of(error: &dyn fmt::Debug) -> String {
    catch_unwind(AssertUnwindSafe(|| format!("{error:?}")))
        .unwrap_or_else(|_| "an error whose `Debug` panics".to_owned())
}

/// A panic on its way to its owner. If the owner goes away before it gets it, the observer does.
pub(crate) struct PanicInTransit {
    origin: Cow<'static, str>,
    payload: Option<Box<dyn Any + Send>>,
}

impl PanicInTransit {
    pub(crate) fn new(origin: impl Into<Cow<'static, str>>, payload: Box<dyn Any + Send>) -> Self {
        PanicInTransit { origin: origin.into(), payload: Some(payload) }
    }

    /// Resumes it at the owner.
    pub(crate) fn resume(mut self) -> ! {
        resume_unwind(self.payload.take().expect("only the drop takes it too"))
    }
}

impl Drop for PanicInTransit {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            Failure::panic(self.origin.as_ref(), payload).report();
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Error { text, .. } => write!(f, "{} failed: {text}", self.origin),
            Cause::Panic(payload) => {
                write!(f, "{} panicked: {}", self.origin, panic_text(&**payload))
            }
            Cause::Lost => {
                write!(
                    f,
                    "{} was cut short by the end of its runtime; drain the scope before the runtime goes",
                    self.origin
                )
            }
            Cause::Overdue { budget, left } => {
                write!(f, "{} was not done ", self.origin)?;
                match budget {
                    Some(budget) => write!(f, "after {budget:?}")?,
                    None => f.write_str("within its budget")?,
                }
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
