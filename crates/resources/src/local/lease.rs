//! A value of one thread with its release attached. The invariants are those of [`Lease`](crate::Lease).

use std::{fmt, future::poll_fn, pin::pin, task::Poll, thread};

use bowline_concurrency::{Failure, Scope, enclose};
use tokio::time::timeout;

use super::{
    LocalResource,
    masked::{Masked, Origin, Step},
};
use crate::{
    exit::Exit,
    held::name,
    lease::caught,
    owed::{Owed, abandoned},
    unseen::UnseenError,
};

const ACQUISITION: &str = "the acquisition of";
const RELEASE: &str = "the release of";

type Held<R> = Owed<R, <R as LocalResource>::Value>;

pub(super) struct LocalLease<R: LocalResource> {
    /// `None` once the release has begun.
    held: Option<Held<R>>,
    /// Where the body was dropped and has left something behind.
    inside: Option<Scope>,
    /// How the body ended.
    ended: Option<Exit>,
    /// `None` until something waits.
    origin: Option<Origin>,
}

impl<R: LocalResource> LocalLease<R> {
    /// Acquires; a caller that goes away leaves a value that is released as soon as it is there.
    pub(super) async fn acquire(mut resource: R) -> Result<Self, R::Error> {
        let budget = resource.release_within();
        let acquired = async move {
            let value = resource.acquire().await?;
            Ok(Owed::new(resource, value, |resource, value| abandoned::<R>(|| resource.abandon(value))))
        };
        let step = Step {
            name: || name::<R>(ACQUISITION),
            budget,
            rest: |acquired: Result<Held<R>, R::Error>, exit| {
                Box::pin(async {
                    match acquired {
                        Ok(held) => release_in_time(held, exit).await,
                        Err(error) => Failure::error_text(name::<R>(ACQUISITION), &error).report(),
                    }
                })
            },
        };
        let mut origin = None;
        let held = Masked::new(step, &mut origin, Box::pin(acquired)).await?;
        Ok(LocalLease { held: Some(held), inside: None, ended: None, origin })
    }

    /// Runs the body with the value, and waits for what it left behind. A panic of the body is returned.
    pub(super) async fn lend<T, E, F>(&mut self, body: F) -> thread::Result<Result<T, UnseenError<E>>>
    where
        E: fmt::Debug,
        F: AsyncFnOnce(&mut R::Value) -> Result<T, E>,
    {
        let LocalLease { held, inside, ended, origin } = self;
        let value = held.as_mut().expect(HELD).value_mut();
        let body = async {
            let mut body = pin!(body(value));
            poll_fn(|cx| {
                *ended = Some(Exit::Panicked); // Unless the poll returns.
                let poll = body.as_mut().poll(cx);
                *ended = match &poll {
                    Poll::Ready(Ok(_)) => Some(Exit::Completed),
                    Poll::Ready(Err(_)) => Some(Exit::Failed),
                    Poll::Pending => None,
                };
                // In its wrapping from the poll that gives it: what is left behind may take its time to settle.
                poll.map_err(UnseenError::new)
            })
            .await
        };
        let outcome = {
            let mut enclosed = pin!(enclose("the body of `with_local`", inside, body));
            poll_fn(|cx| {
                let poll = enclosed.as_mut().poll(cx);
                if poll.is_pending() {
                    Origin::wait(origin);
                }
                poll
            })
            .await
        };
        if outcome.is_err() {
            // Perhaps of a destructor of the body, after it had returned.
            self.ended = Some(Exit::Panicked);
        }
        outcome
    }

    /// Releases the value after its use has ended. A panic of the release is returned.
    pub(super) async fn end(mut self) -> thread::Result<Result<(), R::Error>> {
        let held = self.held.take().expect("a lease is released once");
        let exit = self.ended.take().expect("the use has ended");
        let step = Step {
            name: || name::<R>(RELEASE),
            budget: held.resource().release_within(),
            rest: |outcome, _| Box::pin(async { report_release::<R>(Ok(outcome)) }),
        };
        caught(pin!(Masked::new(step, &mut self.origin, Box::pin(release(held, exit))))).await
    }
}

const HELD: &str = "only the release takes the value";

impl<R: LocalResource> Drop for LocalLease<R> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let (inside, exit) = (self.inside.take(), self.ended.take().unwrap_or_else(cancelled_here));
        let Some(origin) = self.origin.take() else {
            let outside = "dropped outside of a `LocalSet`, without a release";
            return Failure::error_text(name::<R>(RELEASE), &outside).report(); // And it is abandoned.
        };
        origin.hand_off(name::<R>(RELEASE), async move {
            if let Some(inside) = inside {
                inside.settled().await;
            }
            release_in_time(held, exit).await;
        });
    }
}

async fn release<R: LocalResource>(mut held: Held<R>, exit: Exit) -> Result<(), R::Error> {
    let (resource, value) = held.begin();
    let outcome = resource.release(value, exit).await;
    held.paid();
    outcome
}

async fn release_in_time<R: LocalResource>(held: Held<R>, exit: Exit) {
    let budget = held.resource().release_within();
    match timeout(budget, release(held, exit)).await {
        Ok(outcome) => report_release::<R>(Ok(outcome)),
        Err(_) => Failure::overdue(name::<R>(RELEASE), budget).report(),
    }
}

/// As that of leases whose errors are `Send`; here the observer gets their text.
pub(super) fn report_release<R: LocalResource>(outcome: thread::Result<Result<(), R::Error>>) {
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => Failure::error_text(name::<R>(RELEASE), &error).report(),
        Err(payload) => Failure::panic(name::<R>(RELEASE), payload).report(),
    }
}

pub(super) fn cancelled_here() -> Exit {
    Exit::Cancelled(Scope::current().reason_for_drop())
}
