//! What tasks of other crates wait for and hold: locks, queues, pools.

use std::{
    borrow::Cow,
    fmt,
    panic::Location,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use super::{
    is_on,
    moment::Moment,
    registry::{HOLDS, next_id},
    wait::{On, Place, waiter},
};

/// Something that tasks wait for and hold, such as a lock or a pool, so that the [`tree`](crate::tree()) shows who waits for whom.
///
/// For the authors of such things. Keep one beside the lock, a [`Waiting`] in each future that waits for it, and a [`Holding`] in
/// each guard. While [inspection](crate::inspect()) is off, none of them does anything. A resource shows while somebody waits for it or holds it.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{inspect, inspect::Resource, tree};
///
/// inspect(true);
/// let resource = Resource::new("mutex").named("accounts");
/// let held = resource.hold();
/// assert_eq!(tree().holds()[0].resource.name.as_deref(), Some("accounts"));
/// drop(held);
/// assert!(tree().holds().is_empty());
/// ```
#[derive(Debug)]
pub struct Resource {
    kind: &'static str,
    name: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
    /// Made when somebody first waits or holds.
    info: OnceLock<Arc<ResourceInfo>>,
}

/// A resource that somebody waits for or holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ResourceInfo {
    /// Its number, unique in the process.
    pub id: u64,
    /// What it is: "mutex", "queue".
    pub kind: &'static str,
    /// The name that it was given.
    pub name: Option<Cow<'static, str>>,
    /// Where in the source it was made.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::json::site"))]
    pub location: &'static Location<'static>,
}

impl fmt::Display for ResourceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "the {} `{name}` #{}", self.kind, self.id),
            None => {
                write!(f, "the {} #{} made at {}:{}", self.kind, self.id, self.location.file(), self.location.line())
            }
        }
    }
}

impl Resource {
    /// A resource of this kind: "mutex", "queue". It fits into a `static`.
    #[track_caller]
    pub const fn new(kind: &'static str) -> Self {
        Resource { kind, name: None, location: Location::caller(), info: OnceLock::new() }
    }

    /// Gives it a name.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A place in the line for it; each future that waits has one.
    pub fn waiting(&self) -> Waiting {
        Waiting { waits: is_on().then(|| Box::new(Waits { resource: self.info(), place: Place::default() })) }
    }

    /// Notes that the running task, or the code of the current scope, holds it, until the guard is dropped. A guard that moves to another task
    /// still names the first.
    pub fn hold(&self) -> Holding {
        Holding { id: if is_on() { HoldRecord::open(self.info()) } else { 0 } }
    }

    fn info(&self) -> Arc<ResourceInfo> {
        let make = || {
            let (kind, name, location) = (self.kind, self.name.clone(), self.location);
            Arc::new(ResourceInfo { id: next_id(), kind, name, location })
        };
        self.info.get_or_init(make).clone()
    }
}

/// A place in the line for a [`Resource`]. Dropping it leaves the line.
#[must_use = "it shows while it is kept"]
pub struct Waiting {
    waits: Option<Box<Waits>>,
}

struct Waits {
    resource: Arc<ResourceInfo>,
    place: Place,
}

impl Waiting {
    /// Polls what waits, and notes that the running task waits for it: until it is ready, or this is dropped.
    ///
    /// The context that `poll` is given has a waker of its own, which tells when the wait was granted. Poll with that one.
    pub fn poll<T>(&mut self, cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        match &mut self.waits {
            None => poll(cx),
            Some(waits) => {
                let resource = &waits.resource;
                waits.place.poll(|| (On::Resource(resource.id), Some(resource.clone())), cx, poll)
            }
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(&self.waits.as_ref().map(|waits| &waits.resource)).finish()
    }
}

/// Notes that somebody holds a [`Resource`], until it is dropped.
#[derive(Debug)]
#[must_use = "it shows while it is kept"]
pub struct Holding {
    /// Zero: inspection was off.
    id: u64,
}

pub(super) struct HoldRecord {
    pub(super) resource: Arc<ResourceInfo>,
    pub(super) holder: u64,
    pub(super) since: Moment,
}

impl HoldRecord {
    fn open(resource: Arc<ResourceInfo>) -> u64 {
        let id = next_id();
        HOLDS.insert(id, Arc::new(HoldRecord { resource, holder: waiter(), since: Moment::now() }));
        id
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if self.id != 0 {
            HOLDS.remove(&self.id);
        }
    }
}
