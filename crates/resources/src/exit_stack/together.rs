//! The releases of a stack, all at once.

use std::{
    mem::take,
    sync::{Arc, Mutex, PoisonError},
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
        let (exit, deserted, all) = (&exit, &deserted, &ended);
        gather(members.into_iter().map(|member| async move {
            let name = member.name();
            let mut one = Outcome::default();
            one.add(name, release(member, exit, deserted).await);
            if deserted.is_so() {
                one.report();
            }
            all.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }))
        .await;
        for one in take(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner)) {
            outcome.append(one);
        }
        outcome
    }
}
