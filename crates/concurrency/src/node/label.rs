//! What nodes and hand-offs are called.

use std::{borrow::Cow, fmt, sync::Arc};

/// What a node is called in reports.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    /// A kind of scope; nobody has given it a name.
    Kind(&'static str),
    Fixed(&'static str),
    Given(Arc<str>),
}

impl Label {
    /// The name that somebody gave.
    pub(crate) fn given(&self) -> Option<&str> {
        match self {
            Label::Kind(_) => None,
            Label::Fixed(name) => Some(name),
            Label::Given(name) => Some(name),
        }
    }
}

impl From<Cow<'static, str>> for Label {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Label::Fixed(text),
            Cow::Owned(text) => Label::Given(text.into()),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Kind(text) | Label::Fixed(text) => f.write_str(text),
            Label::Given(text) => f.write_str(text),
        }
    }
}
