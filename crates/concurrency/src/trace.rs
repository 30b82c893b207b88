//! Feature `tracing`: what happens in the tree, as events and spans of one schema. Without the feature nothing is left of it.
//!
//! Target `bowline::scope`; fields `node` (an address, unique among the live nodes), `name`, and `reason` where something
//! was cancelled, failed or panicked.

pub(crate) use imp::*;

#[cfg(feature = "tracing")]
mod imp {
    use crate::{failure::Failure, node::Node, reason::Reason};

    const TARGET: &str = "bowline::scope";

    fn id(node: &Node) -> u64 {
        std::ptr::from_ref(node).addr() as u64
    }

    pub(crate) fn opened(node: &Node) {
        tracing::trace!(target: TARGET, node = id(node), name = %node.label(), "opened");
    }

    pub(crate) fn cancelled(node: &Node, reason: &Reason) {
        tracing::debug!(target: TARGET, node = id(node), name = %node.label(), %reason, "cancelled");
    }

    pub(crate) fn settled(node: &Node) {
        tracing::trace!(target: TARGET, node = id(node), name = %node.label(), "settled");
    }

    pub(crate) fn panicked(node: &Node, task: Option<&str>, reason: &str) {
        tracing::error!(target: TARGET, node = id(node), name = %node.label(), reason, task, "panicked");
    }

    /// `true`: somebody listens.
    pub(crate) fn failed(node: &Node, failure: &Failure) -> bool {
        tracing::error!(target: TARGET, node = id(node), name = failure.origin(), reason = %failure, "failed");
        tracing::enabled!(target: TARGET, tracing::Level::ERROR)
    }

    /// The span of a child: that of its spawner, or one with its name below it.
    pub(crate) struct Span(tracing::Span);

    impl Span {
        /// Cheap: `false` where there is no subscriber at all.
        pub(crate) fn may_be_some() -> bool {
            tracing::level_filters::LevelFilter::current() != tracing::level_filters::LevelFilter::OFF
        }

        pub(crate) fn of_child(name: Option<&str>) -> Self {
            Span(match name {
                Some(name) => tracing::debug_span!(target: TARGET, "task", name),
                None => tracing::Span::current(),
            })
        }

        pub(crate) fn none() -> Self {
            Span(tracing::Span::none())
        }

        pub(crate) fn is_some(&self) -> bool {
            !self.0.is_none()
        }

        pub(crate) fn enter(&self) -> tracing::span::Entered<'_> {
            self.0.enter()
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod imp {
    use crate::{failure::Failure, node::Node, reason::Reason};

    pub(crate) fn opened(_: &Node) {}
    pub(crate) fn cancelled(_: &Node, _: &Reason) {}
    pub(crate) fn settled(_: &Node) {}
    pub(crate) fn panicked(_: &Node, _: Option<&str>, _: &str) {}

    pub(crate) fn failed(_: &Node, _: &Failure) -> bool {
        false
    }

    pub(crate) struct Span;
    pub(crate) struct Entered;

    impl Span {
        pub(crate) fn may_be_some() -> bool {
            false
        }

        pub(crate) fn of_child(_: Option<&str>) -> Self {
            Span
        }

        pub(crate) fn none() -> Self {
            Span
        }

        pub(crate) fn is_some(&self) -> bool {
            false
        }

        pub(crate) fn enter(&self) -> Entered {
            Entered
        }
    }
}
