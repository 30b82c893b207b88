//! The groups of periodic tasks, whose runs stand below: a report looks there for the cleanup that hangs.

use std::sync::Arc;

use super::shared::Shared;
use crate::node::Node;

/// A group that is known to the shutdowns that begin while this is there.
pub(super) struct KnownGroup<'a> {
    shared: &'a Shared,
    key: u32,
}

impl<'a> KnownGroup<'a> {
    pub(super) fn new(shared: &'a Shared, group: &Arc<Node>) -> Self {
        KnownGroup { shared, key: shared.know_group(group.clone()) }
    }
}

impl Drop for KnownGroup<'_> {
    fn drop(&mut self) {
        self.shared.forget_group(self.key);
    }
}

/// Among the cleanups that are `left`, those of a group were named when it was dropped, before its runs were: only now they have names.
pub(super) fn name_cleanups(left: &mut [String], groups: &[Arc<Node>]) {
    for group in groups {
        let label = group.label().to_string();
        let (with, own) = (format!("{label} with "), format!("{label}: "));
        let named = group.stragglers();
        let Some(place) = left.iter_mut().find(|name| name.starts_with(&with)).filter(|_| !named.is_empty()) else {
            continue;
        };
        // A run is called as its task is.
        let named: Vec<&str> = named.iter().map(|name| name.strip_prefix(&own).unwrap_or(name)).collect();
        *place = own + &named.join(", ");
    }
}
