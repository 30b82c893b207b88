//! The releases of a stack, all at once.

use std::{
    future::poll_fn,
    mem::take,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use bowline_concurrency::gather;

use super::{
    outcome::Outcome,
    table::Table,
    unwind::{Deserted, Unwinding, release},
};
use crate::exit::Exit;

/// Releases all members at once; otherwise like [`unwind`](super::unwind::unwind).
pub(super) fn unwind_together(
    table: Arc<Table>,
    exit: Exit,
    deserted: Deserted,
) -> impl Future<Output = Outcome> + Send + 'static {
    table.end(exit.clone());
    let unwinding = Unwinding(table);
    async move {
        let (mut outcome, mut members) = (Outcome::default(), Vec::new());
        while let Some(member) = unwinding.next(&deserted, &mut outcome).await {
            members.push(member);
        }
        // In the order in which they end, and not in that of `gather`.
        let ended = Mutex::new(Vec::new());
        // `gather` polls only what was woken; whoever waits already hears by its waker that the caller has gone.
        let waiting = Mutex::new(Vec::new());
        let (exit, deserted, all, wakers) = (&exit, &deserted, &ended, &waiting);
        let mut gathered = pin!(gather(members.into_iter().map(|member| async move {
            let (name, mut one) = (member.name(), Outcome::default());
            let mut release = pin!(release(member, exit, deserted));
            let mut is_first = true;
            let released = poll_fn(|cx| {
                let poll = release.as_mut().poll(cx);
                if poll.is_pending() && take(&mut is_first) {
                    let waker = cx.waker().clone();
                    lock(wakers).push(waker);
                }
                poll
            });
            one.add(name, released.await);
            if deserted.is_so() {
                one.report();
            }
            lock(all).push(one);
        })));
        poll_fn(|cx| {
            if deserted.is_so() {
                let told = take(&mut *lock(&waiting));
                told.into_iter().for_each(Waker::wake);
            }
            gathered.as_mut().poll(cx)
        })
        .await;
        for one in take(&mut *lock(&ended)) {
            outcome.append(one);
        }
        outcome
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
