//! Services: children that the scope does not wait for, and cancels last.

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    sync::{Arc, OnceLock},
};

use tokio::{runtime::Handle, time::timeout};

use super::{Fallible, Plain, Spawning, TaskGroup, ending::GroupEnding, spawning::Kind};
use crate::{
    child::{End, Ending, Fault, Leaving},
    current,
    node::{ErrorValue, Label, Node},
    reason::Reason,
};

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    /// Spawns a child that the scope does not wait for: it is cancelled when the body and all other children have ended, and never before.
    ///
    /// For what the others need up to their end: a connection that is kept alive, a collector of what they report. When the group fails or is
    /// cancelled, the body and the other children are gone before the services hear of it. Then the scope waits for the services as well.
    ///
    /// A service learns of its turn from [`cancelled`](crate::cancelled()), and has the [`grace`](crate::Builder::grace) of the scope to end in
    /// its own way, and the scope waits as [long as otherwise](crate::Builder::settle_within), counted anew; without a grace it is
    /// dropped. It may end earlier. A panic of it fails the group. The limit of the group does
    /// not count it. Spawned after the group began to fail, it never runs.
    ///
    /// There is no handle: a body that awaited a service would wait for its own end. What a service has to say goes through a channel,
    /// or into the group with a [`Spawner`](crate::Spawner).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{TaskGroup, cancelled};
    /// use std::time::Duration;
    /// use tokio::sync::mpsc;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (report, mut lines) = mpsc::channel(8);
    /// let (all, written) = tokio::sync::oneshot::channel();
    /// TaskGroup::builder()
    ///     .grace(Duration::from_secs(1))
    ///     .scope(async |group| {
    ///         group.spawn_service("log", async move {
    ///             cancelled().await; // Nobody is left who could write.
    ///             let mut log = Vec::new();
    ///             while let Some(line) = lines.recv().await {
    ///                 log.push(line);
    ///             }
    ///             let _ = all.send(log);
    ///         });
    ///         drop(group.spawn(async move { report.send("from a child").await }));
    ///     })
    ///     .await;
    /// assert_eq!(written.await, Ok(vec!["from a child"]));
    /// # }
    /// ```
    #[doc(alias = "daemon")]
    #[doc(alias = "system task")]
    #[track_caller]
    pub fn spawn_service<F>(&self, name: impl Into<Arc<str>>, service: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.services.spawn::<_, E, Plain>(&self.node, name.into(), service, Location::caller());
    }

    /// Spawns a service whose error fails the group, also one from its end.
    ///
    /// Otherwise like [`spawn_service`](TaskGroup::spawn_service).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn_service<F>(&self, name: impl Into<Arc<str>>, service: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.services.spawn::<_, E, Fallible>(&self.node, name.into(), service, Location::caller());
    }
}

/// The place of a group's services, made with the first one. A masked node below that of the group, which knows nothing of it.
#[derive(Default)]
pub(crate) struct Services(OnceLock<Arc<Node>>);

impl Services {
    #[inline]
    pub(crate) fn get(&self) -> Option<&Arc<Node>> {
        self.0.get()
    }

    fn spawn<F, E, K>(&self, group: &Arc<Node>, name: Arc<str>, service: F, location: &'static Location<'static>)
    where
        E: fmt::Debug + Send + 'static,
        F: Future + Send + 'static,
        K: Kind<F::Output, E, Value = ()>,
    {
        if group.is_cancelled() {
            return;
        }
        let node = self.0.get_or_init(|| {
            let label = match group.label().given() {
                Some(name) => Label::Given(format!("the services of {name}").into()),
                None => Label::Kind("the services of a scope"),
            };
            Node::services(label, group.clone())
        });
        let spawning = Spawning::<_, E>::new(node, None, name);
        let ending = |name| ServiceEnding::<E, K> { group: GroupEnding::new(name) };
        let refused = spawning.spawn_ending(service, location, ending).err();
        drop(refused); // It is spawned only in the body, before the services' turn comes; so there is none.
    }
}

/// The group goes. If its scope was dropped half-way, `current` waits for the services too, and a task of its own cancels them
/// when the group's other children are gone.
pub(super) fn leave(services: &Arc<Node>, group: &Arc<Node>, current: Option<Arc<Node>>) {
    // Never to the group, which is their parent: they are there until it has ended.
    let above = current.or_else(|| group.parent()).unwrap_or_else(current::process_root);
    services.orphan(Some(above));
    if services.is_settled() {
        return;
    }
    group.disown(); // It would take their failures.
    let last = EndServices { services: services.clone(), group: group.clone() };
    // Without a runtime nobody can wait for the turn of the services: it has come, with the drop of `last`.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        let EndServices { services, group } = &last;
        // Nobody gives the places back: both nodes end soon, and their lists of those who wait with them.
        let (mut in_group, mut in_services) = (None, None);
        poll_fn(|cx| group.poll_ended(cx, &mut in_group)).await;
        last.cancel();
        let _ = timeout(services.grace(), poll_fn(|cx| services.poll_ended(cx, &mut in_services))).await;
    });
}

/// Ends the services of a scope that was dropped, and also where nobody can wait: in a runtime that is going, or that has no timers.
struct EndServices {
    services: Arc<Node>,
    group: Arc<Node>,
}

impl EndServices {
    fn cancel(&self) {
        self.services.cancel(self.group.reason().unwrap_or(Reason::ScopeEnded));
    }
}

impl Drop for EndServices {
    fn drop(&mut self) {
        self.cancel();
        self.services.abort_all();
    }
}

/// Ends in the node of the services, and fails the group.
struct ServiceEnding<E, K> {
    group: GroupEnding<Arc<str>, E, K>,
}

fn group_of(services: &Arc<Node>) -> Arc<Node> {
    services.parent().expect("services stand below their group, and are not moved")
}

impl<O, E, K> Ending<O> for ServiceEnding<E, K>
where
    E: ErrorValue,
    K: Kind<O, E, Value = ()>,
{
    type Value = ();
    type Output = Leaving<()>;

    fn judge(&mut self, output: O) -> Result<(), Box<dyn ErrorValue>> {
        self.group.judge(output)
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        Ending::<O>::failed(&mut self.group, &group_of(node), fault);
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        // At its turn it is dropped, although nobody cancels the group.
        if how != End::Dropped || !node.is_cancelled() {
            Ending::<O>::end(&mut self.group, &group_of(node), how);
        }
    }

    fn hand_over(value: Option<()>, node: Arc<Node>) -> Leaving<()> {
        Leaving::new(value, node)
    }
}
