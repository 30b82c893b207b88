//! The group of a scope with a policy.

use std::{
    fmt, mem,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::{Arc, PoisonError},
};

use super::{Place, Policy};
use crate::{
    child::{End, Ending, Fault, drop_below},
    current::enter,
    failure::Failure,
    fallible::CannotFail,
    group::{GroupEnding, Plain, Spawning, TaskGroup, TaskName},
    node::{ErrorValue, Node, leave_child},
    primitive::{Mutex, MutexGuard},
    reason::Reason,
    scope::{Limits, Running, conclude},
};

/// The children of a [`policy_scope`](crate::policy_scope()).
pub struct PolicyGroup<P: Policy> {
    group: TaskGroup,
    table: Arc<Table<P>>,
}

/// Where outcomes meet the policy.
struct Table<P>(Mutex<State<P>>);

struct State<P> {
    /// `None`: the scope has returned, or was dropped.
    policy: Option<P>,
    spawned: usize,
    decided: bool,
}

impl<P: Policy> PolicyGroup<P> {
    pub(crate) async fn run<F>(group: TaskGroup, limits: Option<Box<Limits>>, policy: P, body: F) -> P::Output
    where
        F: AsyncFnOnce(&PolicyGroup<P>) -> P::Body,
    {
        let state = State { policy: Some(policy), spawned: 0, decided: false };
        let group = PolicyGroup { group, table: Arc::new(Table(Mutex::new(state))) };
        let judge = |node: &Arc<Node>, body| {
            let returned = || group.table.ask(node, |policy| policy.returned(body));
            catch_unwind(AssertUnwindSafe(returned))
                .map_err(|payload| node.record_panic(Some("the policy".into()), payload))
                .ok()
        };
        let end = Running::new(&group.group, limits, judge, body(&group)).await;
        let result = conclude::<(), CannotFail>(group.group.node(), end);
        let (policy, decided) = {
            let mut state = group.table.state();
            (state.policy.take().expect("it is taken here, or by the drop of the group"), state.decided)
        };
        if let (Err(error), false) = (result, decided) {
            panic!("a scope that lost a child has nothing to conclude from: {error}");
        }
        policy.conclude()
    }

    /// Spawns a child whose output goes to the policy.
    ///
    /// After the policy has decided, or when the group fails, the child never runs; its future is dropped at once.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime; and with a panic of [`Policy::spawned`].
    #[track_caller]
    pub fn spawn<F>(&self, child: F)
    where
        F: Future<Output = P::Task> + Send + 'static,
    {
        self.spawn_named((), child, Location::caller());
    }

    /// Names the next child: `group.named("mirror 1").spawn(..)`.
    pub fn named(&self, name: impl Into<Arc<str>>) -> PolicyNamed<'_, P> {
        PolicyNamed { group: self, name: name.into() }
    }

    fn spawn_named<N: TaskName, F>(&self, name: N, child: F, location: &'static Location<'static>)
    where
        F: Future<Output = P::Task> + Send + 'static,
    {
        let index = self.table.announce(name.get());
        let spawning: Spawning<'_, N, CannotFail> = self.group.spawning(name);
        let table = self.table.clone();
        let ending = |name: N| PolicyEnding { group: GroupEnding::new(name), index, table };
        drop(spawning.spawn_ending(child, location, ending));
    }
}

impl<P: Policy> Table<P> {
    /// Nothing but the policy runs under this lock, and none of the others is taken by it. One that has panicked is asked again.
    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, name: Option<&str>) -> usize {
        let State { policy, spawned, .. } = &mut *self.state();
        let index = *spawned;
        *spawned += 1; // Also if the policy panics: no place is given twice.
        if let Some(policy) = policy {
            policy.spawned(Place { index, name });
        }
        index
    }

    /// Asks the policy, unless it has decided or the group is being cancelled, and does as it says.
    fn ask(&self, node: &Node, question: impl FnOnce(&mut P) -> ControlFlow<()>) {
        let mut state = self.state();
        let State { policy: Some(policy), decided: decided @ false, .. } = &mut *state else { return };
        if node.is_cancelled() {
            return;
        }
        *decided = question(policy).is_break();
        let decided = *decided;
        drop(state);
        if decided {
            node.cancel(Reason::NotNeeded);
        }
    }
}

impl<P: Policy> Drop for PolicyGroup<P> {
    /// If the scope was dropped half-way: the outcomes go here, where somebody waits for what they owe, and not with the last child.
    fn drop(&mut self) {
        let policy = self.table.state().policy.take();
        if let Some(Err(payload)) = policy.map(|policy| catch_unwind(AssertUnwindSafe(|| policy.abandon()))) {
            Failure::panic("the policy of a scope", payload).report();
        }
    }
}

impl<P: Policy> fmt::Debug for PolicyGroup<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyGroup").field(self.group.node()).finish()
    }
}

/// A name for the next child; see [`PolicyGroup::named`].
#[must_use = "a name does nothing until something is spawned under it"]
pub struct PolicyNamed<'group, P: Policy> {
    group: &'group PolicyGroup<P>,
    name: Arc<str>,
}

impl<P: Policy> PolicyNamed<'_, P> {
    /// Spawns a child under this name; see [`PolicyGroup::spawn`].
    ///
    /// # Panics
    ///
    /// As [`PolicyGroup::spawn`].
    #[track_caller]
    pub fn spawn<F>(self, child: F)
    where
        F: Future<Output = P::Task> + Send + 'static,
    {
        self.group.spawn_named(self.name, child, Location::caller());
    }
}

impl<P: Policy> fmt::Debug for PolicyNamed<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyNamed").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Like any child of a group, but its value goes to the policy.
struct PolicyEnding<N, P: Policy> {
    group: GroupEnding<N, CannotFail, Plain>,
    index: usize,
    table: Arc<Table<P>>,
}

/// A value on its way to the policy.
struct Completed<N, P: Policy> {
    output: P::Task,
    name: N,
    index: usize,
    table: Arc<Table<P>>,
}

impl<N: TaskName, P: Policy> Ending<P::Task> for PolicyEnding<N, P> {
    type Value = Completed<N, P>;
    type Output = ();

    fn judge(&mut self, output: P::Task) -> Result<Completed<N, P>, Box<dyn ErrorValue>> {
        Ok(Completed { output, name: self.group.name().clone(), index: self.index, table: self.table.clone() })
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        Ending::<P::Task>::failed(&mut self.group, node, fault);
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        Ending::<P::Task>::end(&mut self.group, node, how);
    }

    /// The future is gone, and the child is still counted: the scope waits for the policy.
    fn hand_over(value: Option<Completed<N, P>>, node: Arc<Node>) {
        if let Some(Completed { output, name, index, table }) = value {
            let place = Place { index, name: name.get() };
            let (mut output, mut seat) = (Some(output), Some(node.clone()));
            let entered = enter(&mut seat);
            let told = catch_unwind(AssertUnwindSafe(|| {
                table.ask(&node, |policy| policy.completed(place, output.take().expect("it is asked once")));
            }));
            if let Err(payload) = told {
                Failure::panic(format!("the policy for {}", name.get().unwrap_or("a task")), payload).report();
            }
            drop(entered);
            drop_below(&node, mem::take(&mut output)); // It came too late.
        }
        leave_child(node);
    }
}
