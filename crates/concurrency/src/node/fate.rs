//! What went wrong below a node, kept for its owner.

use std::{any::Any, fmt, sync::Arc};

use super::{Node, cancelling};
use crate::{failure::Failure, primitive::lock, reason::Reason};

/// A failure and the name of the task that it came from.
pub(crate) struct Failed<E> {
    pub(crate) task: Option<Arc<str>>,
    pub(crate) error: E,
}

/// An error of any type, so that a node need not have one for each.
pub(crate) trait ErrorValue: Any + Send {
    fn debug(&self) -> &dyn fmt::Debug;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<E: fmt::Debug + Send + 'static> ErrorValue for E {
    fn debug(&self) -> &dyn fmt::Debug {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The name of the task that panicked, if it has one, and the payload.
type FirstPanic = (Option<Arc<str>>, Box<dyn Any + Send>);

/// What went wrong so far.
#[derive(Default)]
pub(crate) struct Fate {
    pub(crate) errors: Vec<Failed<Box<dyn ErrorValue>>>,
    /// The first panic; it is resumed at the owner.
    pub(crate) panic: Option<FirstPanic>,
    /// Why the node was being cancelled when the first error came.
    pub(crate) cancelled_by: Option<Reason>,
    /// A child was dropped although nobody cancelled it: its runtime has gone.
    pub(crate) lost: bool,
    /// The owner has gone: nobody takes this any more.
    disowned: bool,
}

impl Node {
    /// Records an error of the body or of a child. Cancelling is another step: first what failed is dropped.
    pub(crate) fn record_error(self: &Arc<Self>, task: Option<Arc<str>>, error: Box<dyn ErrorValue>) {
        let mut refused = Some(Failed { task, error });
        // That of a timeout around the scope as well.
        let cancelled_by = cancelling(self.clone()).find_map(|node| node.reason());
        {
            let mut cold = lock(&self.cold);
            let fate = &mut cold.rare().fate;
            if !fate.disowned {
                if fate.errors.is_empty() {
                    fate.cancelled_by = cancelled_by;
                }
                fate.errors.extend(refused.take());
            }
        }
        if let Some(failed) = refused {
            self.report_error(failed);
        }
    }

    /// Records a panic of the body or of a child. Only the first is resumed at the owner.
    pub(crate) fn record_panic(self: &Arc<Self>, task: Option<Arc<str>>, payload: Box<dyn Any + Send>) {
        let mut refused = Some((task, payload));
        {
            let mut cold = lock(&self.cold);
            let fate = &mut cold.rare().fate;
            if !fate.disowned && fate.panic.is_none() {
                fate.panic = refused.take();
            }
        }
        if let Some((task, payload)) = refused {
            Failure::panic(self.origin(task.as_deref()), payload).report_from(self.clone());
        }
    }

    /// Records that a child was lost with its runtime.
    pub(crate) fn record_loss(self: &Arc<Self>, task: Option<&str>) {
        lock(&self.cold).rare().fate.lost = true;
        Failure::lost(self.origin(task)).report_from(self.clone());
    }

    /// What went wrong, for the owner.
    pub(crate) fn take_fate(&self) -> Fate {
        lock(&self.cold).rare.as_mut().map(|rare| std::mem::take(&mut rare.fate)).unwrap_or_default()
    }

    /// Nobody will take the failures any more: what is there and what comes goes to the observer.
    pub(crate) fn disown(self: &Arc<Self>) {
        let fate = {
            let mut cold = lock(&self.cold);
            let fate = &mut cold.rare().fate;
            std::mem::replace(fate, Fate { disowned: true, ..Fate::default() })
        };
        self.report(fate);
    }

    /// Sends to the observer what cannot be returned.
    pub(crate) fn report(self: &Arc<Self>, fate: Fate) {
        fate.errors.into_iter().for_each(|failed| self.report_error(failed));
        if let Some((task, payload)) = fate.panic {
            Failure::panic(self.origin(task.as_deref()), payload).report_from(self.clone());
        }
    }

    fn report_error(self: &Arc<Self>, failed: Failed<Box<dyn ErrorValue>>) {
        Failure::error_value(self.origin(failed.task.as_deref()), failed.error).report_from(self.clone());
    }

    fn origin(&self, task: Option<&str>) -> String {
        format!("{} in {}", task.unwrap_or("a task"), self.label())
    }
}
