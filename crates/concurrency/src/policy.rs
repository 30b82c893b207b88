//! Policies: what the outcomes of children mean for their scope, as a value.

use std::{ops::ControlFlow, panic::Location};

use crate::{group::TaskGroup, scope::default_node};

mod collect;
mod first_success;
mod group;
mod supervise;
mod until;

pub use collect::Collect;
pub use first_success::{FirstSuccess, NoSuccess};
pub use group::{PolicyGroup, PolicyNamed};
pub use supervise::Supervise;
pub use until::Until;

/// Decides when a scope is done, from the outcomes of its children; see [`policy_scope`].
///
/// Its methods are called one at a time, under a lock: keep them short. They run where the event is, in the body or in the task that
/// ended. A policy does not know its group, and cannot spawn into it.
///
/// # Examples
///
/// So many equal answers are enough:
///
/// ```
/// use bowline_concurrency::{Place, Policy, policy_scope};
/// use std::{collections::HashMap, ops::ControlFlow};
///
/// struct Quorum { needed: usize, votes: HashMap<u64, usize>, answer: Option<u64> }
///
/// impl Policy for Quorum {
///     type Task = u64;
///     type Body = ();
///     type Output = Option<u64>;
///
///     fn completed(&mut self, _: Place<'_>, answer: u64) -> ControlFlow<()> {
///         let votes = self.votes.entry(answer).or_default();
///         *votes += 1;
///         if *votes < self.needed { return ControlFlow::Continue(()) }
///         self.answer = Some(answer);
///         ControlFlow::Break(())
///     }
///
///     fn conclude(self) -> Option<u64> {
///         self.answer
///     }
/// }
///
/// async fn ask(replica: u64) -> u64 {
///     if replica == 5 { std::future::pending().await } else { replica % 2 }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let quorum = Quorum { needed: 3, votes: HashMap::new(), answer: None };
/// let answer = policy_scope(quorum, async |group| (1..=7).for_each(|replica| group.spawn(ask(replica)))).await;
/// assert_eq!(answer, Some(0)); // 2, 4 and 6 agree; nobody waited for 5.
/// # }
/// ```
#[doc(alias = "Joiner")]
pub trait Policy: Send + 'static {
    /// What a child gives.
    type Task: Send + 'static;
    /// What the body gives; mostly `()`.
    type Body;
    /// What the scope returns.
    type Output;

    /// A child is about to be spawned, or would have been: after the decision it never runs, and does not complete either.
    ///
    /// A panic goes to the caller of `spawn`, and the child is not spawned.
    fn spawned(&mut self, place: Place<'_>) {
        let _ = place;
    }

    /// A child has ended with this output, and its locals are dropped. `Break` is the decision: the body and the other children are cancelled,
    /// and whatever completes from then on is dropped.
    ///
    /// A panic goes to the observer of failures, and the scope goes on.
    fn completed(&mut self, place: Place<'_>, output: Self::Task) -> ControlFlow<()>;

    /// The body has returned; without a decision the scope waits for the children. `Break` cancels them.
    fn returned(&mut self, body: Self::Body) -> ControlFlow<()> {
        drop(body);
        ControlFlow::Continue(())
    }

    /// What comes of it, when the last child is gone and what it left behind has settled. What this hands off goes to the scope around.
    fn conclude(self) -> Self::Output;

    /// Nobody gets the output: the scope was dropped half-way, or a panic is resumed at its owner. A place to report errors that the policy
    /// holds; by default they are dropped with it.
    fn abandon(self)
    where
        Self: Sized,
    {
    }
}

/// Which child of a [`policy_scope`] it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Place<'a> {
    /// How many were spawned before it.
    pub index: usize,
    /// The name given with [`PolicyGroup::named`].
    pub name: Option<&'a str>,
}

/// Opens a scope whose children have no handles: their outcomes go to the policy, which decides when the scope is done, and what it returns.
///
/// The policy's decision cancels the body, if it has not returned, and the children that are left. As with every scope, all of
/// them are gone when it returns. For a name, a limit or a grace see [`Builder::policy_scope`](crate::Builder::policy_scope).
///
/// | | returns | is done |
/// |---|---|---|
/// | [`FirstSuccess`] | the first value, or all errors | with the first value |
/// | [`Collect::fail_fast`] | all values in the order of spawning, or the first error | with the first error |
/// | [`Collect::all`] | all values, or all errors | at the end |
/// | [`Until`] | all outputs, with gaps for what had not ended | when a predicate says so |
/// | [`Supervise`] | the body's result; errors of children go to a handler | with an error of the body |
///
/// Where handles are wanted, [`try_scope`](crate::try_scope()) fails fast and [`scope`](crate::scope()) does not.
///
/// # Panics
///
/// With the payload of the first panic of the body or of a child, once everything below has settled; and if a child was lost, because
/// its runtime was shut down, before the policy has decided.
///
/// # Cancel safety
///
/// Dropping the future cancels the body and all children, and [abandons](Policy::abandon) the policy with the outcomes that it has. The nearest enclosing scope,
/// timeout or root waits for the children.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{FirstSuccess, policy_scope};
///
/// async fn fetch(mirror: u32) -> Result<u32, String> {
///     if mirror == 3 { Ok(mirror) } else { Err(format!("mirror {mirror} is down")) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let page = policy_scope(FirstSuccess::new(), async |group| (1..=5).for_each(|mirror| group.spawn(fetch(mirror)))).await?;
/// assert_eq!(page, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "StructuredTaskScope")]
#[track_caller]
pub fn policy_scope<P, F>(policy: P, body: F) -> impl Future<Output = P::Output>
where
    P: Policy,
    F: AsyncFnOnce(&PolicyGroup<P>) -> P::Body,
{
    let site = Location::caller();
    async move { PolicyGroup::run(TaskGroup::open(default_node(site), None), None, policy, body).await }
}
