//! What `bowline_concurrency::tree` shows of this crate: who waits for what and who holds it. Without the feature `inspect` it is nothing, and costs
//! nothing.

#[cfg(feature = "inspect")]
pub(crate) use bowline_concurrency::inspect::{Holding, Resource, Waiting};

#[cfg(not(feature = "inspect"))]
pub(crate) use nothing::{Holding, Resource, Waiting};

#[cfg(not(feature = "inspect"))]
mod nothing {
    use std::task::{Context, Poll};

    /// Something that tasks wait for and hold.
    #[derive(Debug)]
    pub(crate) struct Resource;

    /// A place in the line for it.
    #[derive(Debug)]
    pub(crate) struct Waiting;

    /// Somebody holds it, until this is dropped.
    #[derive(Debug)]
    pub(crate) struct Holding;

    impl Resource {
        pub(crate) const fn new(_: &'static str) -> Self {
            Self
        }

        pub(crate) fn waiting(&self) -> Waiting {
            Waiting
        }

        pub(crate) fn hold(&self) -> Holding {
            Holding
        }
    }

    impl Waiting {
        #[inline]
        pub(crate) fn poll<T>(
            &mut self,
            cx: &mut Context<'_>,
            poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
        ) -> Poll<T> {
            poll(cx)
        }
    }
}
