//! What nodes and hand-offs are called.

use std::{borrow::Cow, fmt, sync::Arc};

/// What a node is called in reports.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    Fixed(&'static str),
    Given(Arc<str>),
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
            Label::Fixed(text) => f.write_str(text),
            Label::Given(text) => f.write_str(text),
        }
    }
}
