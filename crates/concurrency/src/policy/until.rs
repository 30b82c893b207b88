//! Until somebody has seen enough.

use std::{fmt, ops::ControlFlow};

use super::{Place, Policy};

/// A policy: the scope returns the outputs of all children, in the order of spawning, when a predicate says that it is enough, or at
/// the end. `None` stands for a child that had not ended; see [`policy_scope`](crate::policy_scope()).
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Until, policy_scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let outputs = policy_scope(Until::new(|n: &u32| *n == 2), async |group| {
///     group.spawn(async { 1 });
///     group.spawn(std::future::pending());
///     group.spawn(async { 2 });
/// })
/// .await;
/// assert_eq!(outputs, [Some(1), None, Some(2)]);
/// # }
/// ```
#[doc(alias = "allUntil")]
pub struct Until<T, F> {
    outputs: Vec<Option<T>>,
    enough: F,
}

impl<T, F: FnMut(&T) -> bool> Until<T, F> {
    /// `enough` sees every output; `true` cancels the children that are left.
    pub fn new(enough: F) -> Self {
        Until { outputs: Vec::new(), enough }
    }
}

impl<T: Send + 'static, F: FnMut(&T) -> bool + Send + 'static> Policy for Until<T, F> {
    type Task = T;
    type Body = ();
    type Output = Vec<Option<T>>;

    fn spawned(&mut self, _: Place<'_>) {
        self.outputs.push(None);
    }

    fn completed(&mut self, place: Place<'_>, output: T) -> ControlFlow<()> {
        let output = self.outputs[place.index].insert(output);
        if (self.enough)(output) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn conclude(self) -> Vec<Option<T>> {
        self.outputs
    }
}

impl<T, F> fmt::Debug for Until<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").finish_non_exhaustive()
    }
}
