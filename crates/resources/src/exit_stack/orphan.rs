//! The acquisition or release of one member, that goes on elsewhere if its caller goes away, and keeps its seat meanwhile.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bowline_concurrency::Shield;

use super::{cancelled_here, table::Table};
use crate::exit::Exit;

/// Keeps a seat for what a task of the background does: the stack releases no earlier member before that has ended.
pub(super) struct Elsewhere {
    table: Arc<Table>,
    id: u64,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.table.remove(self.id);
    }
}

/// A [`Shield`] that gets its name, its seat and its taker only if it is dropped half-way: what happens seldom costs nothing before.
pub(super) struct Orphaning<T, H>
where
    T: Send + 'static,
    H: FnOnce(T, Exit, Elsewhere) + Send + 'static,
{
    /// `None` when it is done.
    pub(super) work: Option<Shield<T>>,
    pub(super) table: Arc<Table>,
    /// That it had before, if any.
    pub(super) seat: Option<u64>,
    /// What it is, and of which type.
    pub(super) name: (&'static str, &'static str),
    /// Takes the output when the caller has gone.
    pub(super) take: Option<H>,
}

/// Nothing is pinned in place.
impl<T, H> Unpin for Orphaning<T, H>
where
    T: Send + 'static,
    H: FnOnce(T, Exit, Elsewhere) + Send + 'static,
{
}

impl<T, H> Future for Orphaning<T, H>
where
    T: Send + 'static,
    H: FnOnce(T, Exit, Elsewhere) + Send + 'static,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut().expect("it is not polled after it is done");
        let output = ready!(Pin::new(work).poll(cx));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<T, H> Drop for Orphaning<T, H>
where
    T: Send + 'static,
    H: FnOnce(T, Exit, Elsewhere) + Send + 'static,
{
    fn drop(&mut self) {
        let (Some(work), Some(take)) = (self.work.take(), self.take.take()) else { return };
        let elsewhere = Elsewhere { id: self.table.keep(self.seat), table: self.table.clone() };
        // A deadline says only here, while it drops, that it is the reason.
        let exit = cancelled_here();
        let (what, of) = self.name;
        drop(work.named(format!("the {what} of {of}")).when_orphaned(move |output| take(output, exit, elsewhere)));
    }
}
