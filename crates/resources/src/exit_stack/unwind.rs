//! The releases of a stack, one after the other.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bowline_concurrency::Failure;
use tokio::time::{Sleep, sleep};

use super::{
    member::Owed,
    outcome::{Ended, Outcome},
    table::{Last, Table},
};
use crate::exit::Exit;

/// Whether the caller has gone: from then on every step has its deadline, and errors go to the observer.
#[derive(Clone, Default)]
pub(super) struct Deserted(Arc<AtomicBool>);

impl Deserted {
    pub(super) fn yes() -> Self {
        Deserted(Arc::new(AtomicBool::new(true)))
    }

    pub(super) fn is_so(&self) -> bool {
        // Relaxed: what is done after the caller has gone was handed to another task, and that orders it after the store.
        self.0.load(Ordering::Relaxed)
    }
}

/// Dropped with the caller. In an `async fn` it is declared after what it tells, and so dropped before that is handed off.
pub(super) struct Caller(pub(super) Deserted);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed); // See above.
    }
}

/// Releases all members, the last one first. Dropped before it is done, which only the end of its runtime does, it abandons the rest.
pub(super) fn unwind(
    table: Arc<Table>,
    exit: Exit,
    deserted: Deserted,
) -> impl Future<Output = Outcome> + Send + 'static {
    table.end(exit.clone());
    let unwinding = Unwinding(table); // Here, since the future may be dropped before it is polled.
    async move {
        let mut outcome = Outcome::default();
        while let Some(member) = unwinding.next(&deserted, &mut outcome).await {
            let name = member.name();
            outcome.add(name, release(member, &exit, &deserted).await);
            if deserted.is_so() {
                outcome.report();
            }
        }
        outcome
    }
}

/// The members that are left.
pub(super) struct Unwinding(pub(super) Arc<Table>);

impl Unwinding {
    /// The last member. Deserted, it waits for one on loan; before, whoever has the loan may be waiting for us.
    pub(super) async fn next(&self, deserted: &Deserted, outcome: &mut Outcome) -> Option<Owed> {
        let table = &self.0;
        let mut patience = Limit::default();
        poll_fn(|cx| {
            let mut waker = None; // At first: cloning one costs, and mostly the member is here.
            loop {
                let will_wake = waker.is_some();
                match table.last(waker.take()) {
                    None => return Poll::Ready(None),
                    Some(Last::Owed(member)) => return Poll::Ready(Some(member)),
                    Some(Last::Lent { id, name, .. }) if !deserted.is_so() => {
                        if table.remove_lent(id) {
                            outcome.add_on_loan(name);
                        }
                    }
                    Some(_) if !will_wake => waker = Some(cx.waker().clone()),
                    Some(Last::Elsewhere { .. }) => return Poll::Pending, // Its task has limits of its own.
                    Some(Last::Lent { id, name, budget }) => {
                        if !patience.is_over(budget, cx) {
                            return Poll::Pending;
                        }
                        patience = Limit::default();
                        if table.remove_lent(id) {
                            Failure::overdue(format!("the loan of {name}"), budget).report();
                        }
                    }
                }
            }
        })
        .await
    }
}

impl Drop for Unwinding {
    fn drop(&mut self) {
        while let Some(last) = self.0.last(None) {
            match last {
                Last::Owed(member) => {
                    let name = member.name();
                    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(member))) {
                        Failure::panic(format!("the abandonment of {name}"), payload).report();
                    }
                }
                Last::Lent { id, .. } | Last::Elsewhere { id } => self.0.remove(id), // On its own from here on.
            }
        }
    }
}

/// Releases one member and drops it, within its budget if the caller has gone or goes meanwhile. It does not panic.
pub(super) async fn release(mut member: Owed, exit: &Exit, deserted: &Deserted) -> Ended {
    let (name, budget) = (member.name(), member.budget());
    let mut limit = Limit::default();
    let ended = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| member.as_mut().poll_release(exit, cx))) {
        Ok(Poll::Ready(result)) => Poll::Ready(Ended::Returned(result)),
        Err(payload) => Poll::Ready(Ended::Panicked(payload)),
        Ok(Poll::Pending) if deserted.is_so() && limit.is_over(budget, cx) => Poll::Ready(Ended::Overdue(budget)),
        Ok(Poll::Pending) => Poll::Pending,
    })
    .await;
    match catch_unwind(AssertUnwindSafe(|| drop(member))) {
        Ok(()) => ended,
        Err(payload) => ended.and_panicked(name, payload),
    }
}

/// A limit that begins with the first look at it.
#[derive(Default)]
struct Limit(Option<Pin<Box<Sleep>>>);

impl Limit {
    fn is_over(&mut self, budget: Duration, cx: &mut Context<'_>) -> bool {
        self.0.get_or_insert_with(|| Box::pin(sleep(budget))).as_mut().poll(cx).is_ready()
    }
}
