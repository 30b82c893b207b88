//! From what happened in a scope to what it returns.

use std::{panic::resume_unwind, sync::Arc};

use super::End;
use crate::{
    errors::{Errors, ScopeError},
    failure::{Failure, panic_text},
    node::Node,
    reason::Reason,
    timeout::Elapsed,
};

/// The order of precedence: a panic, failures, the loss of a child, the value, the reason of the cancellation.
pub(crate) fn of<T, E: 'static>(node: &Arc<Node>, end: End<T>) -> Result<T, ScopeError<E>> {
    let end = match end {
        // Every failure cancels: where nothing was cancelled, nothing went wrong. (Services may be left behind even so.)
        End { value: Some(value), stragglers } if stragglers.is_empty() && !node.is_cancelled() => return Ok(value),
        end => end,
    };
    let mut fate = node.take_fate();
    let reason = node.reason();
    let elapsed = match &reason {
        Some(Reason::DeadlineElapsed(deadline)) => Some(deadline.clone()),
        _ => None,
    };
    // Whoever gets an `Elapsed` reads there what was left; nobody else is told of it by what is returned.
    let told = elapsed.is_some() && fate.panic.is_none() && fate.errors.is_empty() && !fate.lost && end.value.is_none();
    if !told && !end.stragglers.is_empty() {
        Failure::left_behind(node.label().to_string(), end.stragglers.clone()).report_from(node.clone());
    }
    if let Some((task, payload)) = fate.panic.take() {
        crate::trace::panicked(node, task.as_deref(), panic_text(&*payload));
        // The panic outranks the errors; they are not lost for that.
        node.report(fate);
        resume_unwind(payload);
    }
    let lost = fate.lost;
    if let Some(errors) = Errors::of(&node.label(), fate) {
        return Err(ScopeError::Failed(errors));
    }
    if lost {
        return Err(ScopeError::Cancelled(Reason::RuntimeGone));
    }
    match (end.value, elapsed) {
        (Some(value), _) => Ok(value),
        (None, Some(deadline)) => Err(ScopeError::Elapsed(Elapsed::new(deadline, end.stragglers))),
        (None, None) => Err(ScopeError::Cancelled(reason.unwrap_or(Reason::RuntimeGone))),
    }
}
