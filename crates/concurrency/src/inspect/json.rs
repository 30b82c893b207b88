//! Feature `serde`: the snapshot, and other reports, for programs that read them elsewhere.

use std::panic::Location;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::tree::{STALLED_AFTER, Tree};
use crate::{
    reason::{Deadline, Reason},
    timeout::Elapsed,
};

pub(super) fn site<S: Serializer>(location: &Location<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}:{}", location.file(), location.line()))
}

pub(super) fn maybe_site<S: Serializer>(
    location: &Option<&'static Location<'static>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match location {
        Some(location) => site(location, serializer),
        None => serializer.serialize_none(),
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tree = serializer.serialize_struct("Tree", 5)?;
        tree.serialize_field("hints", &self.hints(STALLED_AFTER))?;
        tree.serialize_field("nodes", self.nodes())?;
        tree.serialize_field("tasks", self.tasks())?;
        tree.serialize_field("waits", self.waits())?;
        tree.serialize_field("holds", self.holds())?;
        tree.end()
    }
}

impl Tree {
    /// The snapshot as JSON, with the hints of [`STALLED_AFTER`].
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists can be written, and nothing fails to be")
    }
}

/// As the text of the reason.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Deadline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut deadline = serializer.serialize_struct("Deadline", 3)?;
        deadline.serialize_field("limit", &self.limit())?;
        deadline.serialize_field("location", &format_args!("{}:{}", self.location().file(), self.location().line()))?;
        deadline.serialize_field("name", &self.name())?;
        deadline.end()
    }
}

impl Serialize for Elapsed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elapsed = serializer.serialize_struct("Elapsed", 2)?;
        elapsed.serialize_field("deadline", self.deadline())?;
        elapsed.serialize_field("stragglers", self.stragglers())?;
        elapsed.end()
    }
}
