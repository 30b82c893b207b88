//! What a call is called in reports.

use std::{borrow::Cow, panic::Location, sync::Arc};

#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) location: &'static Location<'static>,
}

impl Label {
    /// The name, or where the call was made.
    pub(super) fn text(&self) -> Cow<'static, str> {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("the call at {}", self.location).into(),
        }
    }

    /// The text for readers who do not know of the pool.
    pub(super) fn text_in(&self, pool: &Arc<str>) -> String {
        format!("{pool}: {}", self.text())
    }
}
