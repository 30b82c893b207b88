//! Scopes with a name, a limit, a grace or a deadline.

use std::{borrow::Cow, fmt, num::NonZeroUsize, panic::Location, pin::Pin, sync::Arc, time::Duration};

use super::limits::{Limits, Stage};
use crate::{
    clock::{Timer, after},
    current,
    errors::ScopeError,
    group::{Limit, TaskGroup},
    inspect,
    node::{Clock, Label, Node},
    policy::{Policy, PolicyGroup},
    reason::Deadline,
    timeout::SETTLE_WITHIN,
};

/// Options of a scope; from [`TaskGroup::builder`].
///
/// [`deadline`](Builder::deadline), [`settle_within`](Builder::settle_within) and [`cancel_when`](Builder::cancel_when) end a scope without a
/// value. They lead to a [`TryBuilder`], which opens scopes that may fail, and no others.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::TaskGroup;
/// use std::num::NonZeroUsize;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let four = NonZeroUsize::new(4).expect("it is 4");
/// let sum = TaskGroup::builder()
///     .name("squares")
///     .limit(four)
///     .scope(async |group| {
///         let tasks: Vec<_> = (1..=10).map(|n| group.spawn(async move { n * n })).collect();
///         let mut sum = 0;
///         for task in tasks {
///             sum += task.await;
///         }
///         sum
///     })
///     .await;
/// assert_eq!(sum, 385);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until a scope is opened with it"]
pub struct Builder {
    label: Label,
    limit: Option<NonZeroUsize>,
    grace: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder { label: Label::Kind("a scope"), limit: None, grace: Duration::ZERO }
    }

    /// What the scope is called in errors, reports and lists; "a scope" by default.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label = name.into().into();
        self
    }

    /// At most so many children run at once; without a limit by default. It cannot be changed later:
    ///
    /// ```compile_fail,E0599
    /// # // TG-81
    /// # use std::num::NonZeroUsize;
    /// # async fn later() {
    /// bowline_concurrency::scope(async |group| group.limit(NonZeroUsize::MIN)).await;
    /// # }
    /// ```
    pub fn limit(mut self, children: NonZeroUsize) -> Self {
        self.limit = Some(children);
        self
    }

    /// How long the children may go on after the scope was cancelled, before they are dropped; zero by default.
    ///
    /// They learn of the cancellation from [`cancelled`](crate::cancelled) and [`is_cancelled`](crate::is_cancelled). A body that has asked
    /// there may use the grace as well; one that never did is dropped at once. If the scope's future is dropped, the grace begins then.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Cancels the scope when it has been open for so long; see [`TryBuilder`].
    #[track_caller]
    pub fn deadline(self, limit: Duration) -> TryBuilder {
        TryBuilder::new(self).deadline(limit)
    }

    /// How long the scope waits for what it aborted; see [`TryBuilder`].
    pub fn settle_within(self, budget: Duration) -> TryBuilder {
        TryBuilder::new(self).settle_within(budget)
    }

    /// Cancels the scope when something else happens; see [`TryBuilder`].
    pub fn cancel_when<F>(self, event: F) -> TryBuilder
    where
        F: Future<Output: Send> + Send + 'static,
    {
        TryBuilder::new(self).cancel_when(event)
    }

    /// Opens a scope that cannot fail, like [`scope`](crate::scope()).
    ///
    /// It is opened once, in one place; another one takes a clone of the builder.
    ///
    /// ```compile_fail
    /// # async fn twice() {
    /// // CS-06
    /// let builder = bowline_concurrency::TaskGroup::builder();
    /// builder.scope(async |_| {}).await;
    /// builder.scope(async |_| {}).await;
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// With the payload of a panic of the body or of a child, once everything below has settled.
    ///
    /// # Cancel safety
    ///
    /// As that of [`scope`](crate::scope()); the children then have their [`grace`](Builder::grace).
    #[track_caller]
    pub fn scope<T, F>(self, body: F) -> impl Future<Output = T>
    where
        F: AsyncFnOnce(&TaskGroup) -> T,
    {
        let site = Location::caller();
        async move {
            let (group, limits) = TryBuilder::new(self).open(site);
            super::open(group, limits, body).await
        }
    }

    /// Opens a scope that may fail, like [`try_scope`](crate::try_scope()).
    ///
    /// # Errors
    ///
    /// As those of [`try_scope`](crate::try_scope()).
    ///
    /// # Panics
    ///
    /// With the payload of a panic of the body or of a child, once everything below has settled.
    ///
    /// # Cancel safety
    ///
    /// As that of [`try_scope`](crate::try_scope()); the children then have their [`grace`](Builder::grace).
    #[track_caller]
    pub fn try_scope<T, E, F>(self, body: F) -> impl Future<Output = Result<T, ScopeError<E>>>
    where
        E: fmt::Debug + Send + 'static,
        F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
    {
        TryBuilder::new(self).try_scope(body)
    }

    /// Opens a scope with a policy, like [`policy_scope`](crate::policy_scope()).
    ///
    /// # Panics
    ///
    /// As [`policy_scope`](crate::policy_scope()).
    ///
    /// # Cancel safety
    ///
    /// As that of [`policy_scope`](crate::policy_scope()); the children then have their [`grace`](Builder::grace).
    #[track_caller]
    pub fn policy_scope<P, F>(self, policy: P, body: F) -> impl Future<Output = P::Output>
    where
        P: Policy,
        F: AsyncFnOnce(&PolicyGroup<P>) -> P::Body,
    {
        let site = Location::caller();
        async move {
            let (group, limits) = TryBuilder::new(self).open(site);
            PolicyGroup::run(group, limits, policy, body).await
        }
    }
}

/// Options of a scope that may end without a value; from [`Builder`].
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{ScopeError, TaskGroup};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let result = TaskGroup::builder()
///     .name("pages")
///     .deadline(Duration::from_secs(5))
///     .try_scope(async |group: &TaskGroup<String>| {
///         drop(group.spawn(std::future::pending::<()>()));
///         Ok(1)
///     })
///     .await;
/// assert!(matches!(result, Ok(1))); // The body had its value in time; its child was cancelled by the deadline.
/// # }
/// ```
///
/// It opens one scope:
///
/// ```compile_fail,E0382
/// # // TG-27
/// # use bowline_concurrency::TaskGroup;
/// # async fn twice() {
/// let builder = TaskGroup::builder().settle_within(std::time::Duration::ZERO);
/// drop(builder.try_scope(async |_: &TaskGroup<String>| Ok(())).await);
/// drop(builder.try_scope(async |_: &TaskGroup<String>| Ok(())).await);
/// # }
/// ```
#[must_use = "a builder does nothing until a scope is opened with it"]
pub struct TryBuilder {
    base: Builder,
    deadline: Option<Deadline>,
    settle_within: Option<Duration>,
    when: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl TryBuilder {
    fn new(base: Builder) -> Self {
        TryBuilder { base, deadline: None, settle_within: None, when: None }
    }

    /// See [`Builder::name`].
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.base = self.base.name(name);
        self
    }

    /// See [`Builder::limit`].
    pub fn limit(mut self, children: NonZeroUsize) -> Self {
        self.base = self.base.limit(children);
        self
    }

    /// See [`Builder::grace`].
    pub fn grace(mut self, grace: Duration) -> Self {
        self.base = self.base.grace(grace);
        self
    }

    /// Cancels the scope when it has been open for so long, children that outlast the body included. The clock starts at the first poll.
    ///
    /// One timer serves the whole group. If the body has no value by then, the scope returns [`ScopeError::Elapsed`].
    #[track_caller]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(Deadline { limit, location: Location::caller(), name: None });
        self
    }

    /// Waits at most this long for what it cancelled, counted from the end of the [`grace`](Builder::grace). What is left then, such as a child
    /// that blocks its thread, moves to the enclosing scope; it is named in [`Elapsed`](crate::Elapsed) or reported to the observer.
    ///
    /// With a deadline 5 s unless set, otherwise without end.
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.settle_within = Some(budget);
        self
    }

    /// Cancels the scope when `event` is ready: a `CancellationToken`'s `cancelled_owned()`, a
    /// [`shutdown_requested`](crate::shutdown_requested()), a message.
    pub fn cancel_when<F>(mut self, event: F) -> Self
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.when = Some(Box::pin(async move { drop(event.await) }));
        self
    }

    /// Opens the scope, like [`try_scope`](crate::try_scope()).
    ///
    /// # Errors
    ///
    /// [`ScopeError::Failed`] with all failures; without a failure and without a value [`ScopeError::Elapsed`] after the deadline, and
    /// [`ScopeError::Cancelled`] after another cancellation.
    ///
    /// # Panics
    ///
    /// With the payload of a panic of the body or of a child, once everything below has settled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the body at once and the children after their grace. The nearest enclosing scope, timeout or root waits for
    /// them; the deadline and the budget go with the future.
    #[track_caller]
    pub fn try_scope<T, E, F>(self, body: F) -> impl Future<Output = Result<T, ScopeError<E>>>
    where
        E: fmt::Debug + Send + 'static,
        F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
    {
        let site = Location::caller();
        async move {
            let (group, limits) = self.open(site);
            super::try_open(group, limits, body).await
        }
    }

    /// At the first poll: the clock starts here.
    fn open<E: fmt::Debug + Send + 'static>(
        self,
        site: &'static Location<'static>,
    ) -> (TaskGroup<E>, Option<Box<Limits>>) {
        let Builder { label, limit, grace } = self.base;
        let node = Node::graceful(label.clone(), current::current(), grace);
        inspect::set_site(&node, site);
        let deadline = self.deadline.map(|deadline| (after(deadline.limit), named(deadline, &label)));
        if let Some((at, _)) = &deadline {
            let _ = node.set_clock(Clock::Active(Some(*at))); // A new node takes it.
        }
        let settle_within = self.settle_within.or(deadline.as_ref().map(|_| SETTLE_WITHIN));
        let plain = deadline.is_none() && self.when.is_none() && settle_within.is_none() && grace.is_zero();
        let limits =
            Limits { deadline, when: self.when, settle_within, stage: Stage::Running, timer: Timer::default() };
        (TaskGroup::open(node, limit.map(Limit::new)), (!plain).then(|| Box::new(limits)))
    }
}

/// A deadline is called like its scope.
fn named(deadline: Deadline, label: &Label) -> Deadline {
    Deadline { name: label.given().map(Arc::from), ..deadline }
}

impl fmt::Debug for TryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryBuilder")
            .field("base", &self.base)
            .field("deadline", &self.deadline)
            .field("settle_within", &self.settle_within)
            .finish_non_exhaustive()
    }
}
