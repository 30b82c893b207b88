//! Errors and panics of children whose owner waits for them, or has gone.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    thread,
};

use bowline_concurrency::{Scope, ScopeError, TaskGroup, scope, try_scope};

use crate::support::{Census, any, moments};

/// How many failures there were, and how many somebody heard of.
#[derive(Clone, Default)]
struct Tally {
    raised: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
}

pub(crate) async fn all_are_heard_of() {
    let (census, tally) = (Census::default(), Tally::default());
    scope(async |_| {
        let heard = tally.heard.clone();
        Scope::current().observe_failures(move |_| {
            heard.fetch_add(1, SeqCst);
        });
        let work = unwinding(try_scope(async |group: &TaskGroup<&'static str>| {
            for _ in 0..3 {
                drop(group.try_spawn(fails(census.clone(), tally.clone())));
            }
            moments(6).await;
            Ok(())
        }));
        let outcome = tokio::select! {
            biased;
            outcome = work => Some(outcome),
            () = moments(12) => None,
        };
        if let Some(outcome) = outcome {
            census.assert_empty("the failed scope");
            let heard = match outcome {
                Err(_panic) => 1,
                Ok(Err(ScopeError::Failed(errors))) => errors.iter().count(),
                Ok(other) => panic!("all children have failed, and the scope says {other:?}"),
            };
            tally.heard.fetch_add(heard, SeqCst);
        }
    })
    .await;
    census.assert_empty("the scope");
    assert_eq!(tally.raised.load(SeqCst), tally.heard.load(SeqCst), "every failure once");
}

/// Fails, with an error or with a panic, unless it is cancelled before.
async fn fails(census: Census, tally: Tally) -> Result<(), &'static str> {
    let _here = census.enter();
    moments(5).await;
    tally.raised.fetch_add(1, SeqCst);
    if any(2) == 0 {
        return Err("failed");
    }
    // Not `panic!`: the hook, which writes about failed schedules, is not asked.
    resume_unwind(Box::new("panicked"))
}

/// The outcome of `work`, or the panic that it resumes.
async fn unwinding<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let polled: thread::Result<Poll<T>> = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    })
    .await
}
