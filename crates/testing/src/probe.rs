//! Values that write down when they are dropped.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// The order in which its [`Probe`]s were dropped.
///
/// Clones share the log.
///
/// # Examples
///
/// ```
/// use bowline_testing::DropLog;
///
/// let log = DropLog::default();
/// let outer = log.probe("outer");
/// {
///     let _inner = log.probe("inner");
///     assert_eq!(log.live(), 2);
/// }
/// drop(outer);
/// assert_eq!(log.drops(), ["inner", "outer"]);
/// assert_eq!(log.live(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct DropLog {
    entries: Arc<Mutex<Entries>>,
}

#[derive(Debug, Default)]
struct Entries {
    live: usize,
    dropped: Vec<Cow<'static, str>>,
}

impl DropLog {
    /// Makes a value that is logged under `name` when it is dropped. Several may share a name.
    pub fn probe(&self, name: impl Into<Cow<'static, str>>) -> Probe {
        self.entries().live += 1;
        Probe { name: name.into(), panics: false, log: self.clone() }
    }

    /// The names of the probes that were dropped, in that order.
    pub fn drops(&self) -> Vec<Cow<'static, str>> {
        self.entries().dropped.clone()
    }

    /// How many probes of that name were dropped.
    pub fn count(&self, name: &str) -> usize {
        self.entries().dropped.iter().filter(|dropped| *dropped == name).count()
    }

    /// How many probes have not been dropped yet.
    pub fn live(&self) -> usize {
        self.entries().live
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that writes its name into a [`DropLog`] when it is dropped.
///
/// Moved into a future, it tells when the future was really gone.
#[derive(Debug)]
#[must_use = "an unused probe is dropped at once; bind it to a name"]
pub struct Probe {
    name: Cow<'static, str>,
    panics: bool,
    log: DropLog,
}

impl Probe {
    /// Makes the drop panic, after it was logged; not while the thread panics already, since that would abort.
    pub fn panic_on_drop(mut self) -> Self {
        self.panics = true;
        self
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let mut entries = self.log.entries();
        entries.live -= 1;
        entries.dropped.push(self.name.clone());
        drop(entries);
        if self.panics && !thread::panicking() {
            panic!("the probe `{}` panics on drop", self.name);
        }
    }
}
