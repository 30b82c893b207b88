//! A value with its release attached.
//!
//! # Invariants
//!
//! 1. A value that was acquired is in a lease, from the same poll on. A lease that is dropped hands its release off.
//! 2. The body runs in a scope of its own. What is dropped with the body hands its releases off there; if something is left then, `inside` is that scope.
//! 3. So the release of an outer lease waits until `inside` has settled: inner releases come first.
//! 4. How the body ended is noted in the poll that ends it. It stands, even if the caller goes away before the release.

use std::{
    fmt,
    future::poll_fn,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::Poll,
    thread,
};

use bowline_concurrency::{Failure, Scope, Shield, enclose, shield};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    exit::Exit,
    held::{Held, name},
    masked::Masked,
    resource::Resource,
    unseen::UnseenError,
};

/// Acquires a resource for as long as a guard lives, where [`with`](crate::with) does not fit: in a struct, or across a loop.
///
/// End it with [`Lease::release`], which awaits the release and returns its error. A lease that is only dropped is released, too, in the background.
///
/// # Errors
///
/// That of the acquisition.
///
/// # Panics
///
/// With a panic of the acquisition; and outside a Tokio runtime.
///
/// # Cancel safety
///
/// Dropped half-way, the acquisition is finished in the background and the value released at once; the enclosing scope waits for that.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, lease, resource};
/// use std::io;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let connect = resource(async || io::Result::Ok(vec!["hello"]), async |said: Vec<_>, _: Exit| {
///     assert_eq!(said, ["hello", "goodbye"]);
///     Ok(())
/// });
/// let mut connection = lease(connect).await?;
/// connection.push("goodbye");
/// connection.release().await
/// # }
/// ```
pub async fn lease<R: Resource>(resource: R) -> Result<Lease<R>, R::Error> {
    let origin = Origin { runtime: Handle::current(), place: Scope::current() };
    let mut lease = Lease::acquire(resource).await?;
    (lease.origin, lease.is_guard) = (Some(origin), true);
    Ok(lease)
}

/// A value that is released when the guard goes; from [`lease`].
///
/// Dropping it hands the release off to the current scope, or where there is none to that of the acquisition: as [`Exit::Panicked`] while the
/// thread panics, else as [`Exit::Cancelled`]. It is not the end of a success, so a transaction would be rolled back; [`release`](Lease::release) is.
/// Two leases that are dropped are released side by side; nest [`with`](crate::with) where the order counts, or use a stack.
#[must_use = "a lease that is dropped at once is released at once: bind it, and end it with `release`"]
pub struct Lease<R: Resource> {
    /// `None` once the release has begun.
    held: Option<Held<R>>,
    /// Where the body was dropped and has left something behind (invariant 2).
    inside: Option<Scope>,
    /// How the body ended (invariant 4).
    ended: Option<Exit>,
    /// Of the acquisition; `None` while nothing but its own code can drop the lease.
    origin: Option<Origin>,
    is_guard: bool,
}

/// Where something was acquired.
struct Origin {
    /// The release belongs where the value has registered its sockets and timers.
    runtime: Handle,
    /// Waits for the release of a lease that is dropped where no scope is current.
    place: Scope,
}

impl Origin {
    /// `None` outside every runtime.
    fn here() -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        Some(Origin { runtime, place: Scope::current() })
    }
}

impl<R: Resource> Lease<R> {
    /// Acquires; a caller that goes away leaves a value that is released as soon as it is there.
    pub(crate) async fn acquire(mut resource: R) -> Result<Self, R::Error> {
        let budget = resource.release_within();
        let acquired = async move {
            let value = resource.acquire().await?;
            Ok(Lease {
                held: Some(Held::new(resource, value)),
                inside: None,
                ended: None,
                origin: None,
                is_guard: false,
            })
        };
        Masked::new(shield(budget, acquired), hand_acquisition_off).await
    }

    /// Runs the body with the value, and waits for what it left behind. A panic of the body is returned.
    pub(crate) async fn lend<T, E, F>(&mut self, body: F) -> thread::Result<Result<T, UnseenError<E>>>
    where
        E: fmt::Debug,
        F: AsyncFnOnce(&mut R::Value) -> Result<T, E>,
    {
        let Lease { held, inside, ended, origin, .. } = self;
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
            let mut enclosed = pin!(enclose("the body of `with`", inside, body));
            poll_fn(|cx| {
                let poll = enclosed.as_mut().poll(cx);
                if poll.is_pending() {
                    // Out here: the scope of the body is not to wait for a release that comes after it.
                    *origin = origin.take().or_else(Origin::here);
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

    /// Releases the value as after a success, and waits for that.
    ///
    /// # Errors
    ///
    /// That of the release. The value is gone all the same.
    ///
    /// # Panics
    ///
    /// With a panic of the release.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any point, also before its first poll: the release is done in the background, with the same [`Exit`].
    pub fn release(self) -> impl Future<Output = Result<(), R::Error>> + Send {
        self.release_as(Exit::Completed)
    }

    /// Releases the value and says how its use ended, as after an error; else like [`release`](Lease::release).
    ///
    /// # Errors
    ///
    /// That of the release. The value is gone all the same.
    ///
    /// # Panics
    ///
    /// With a panic of the release.
    ///
    /// # Cancel safety
    ///
    /// That of [`release`](Lease::release).
    pub fn release_as(mut self, exit: Exit) -> impl Future<Output = Result<(), R::Error>> + Send {
        self.ended = Some(exit);
        async move { self.end().await.unwrap_or_else(|payload| resume_unwind(payload)) }
    }

    /// Releases the value after its use has ended. A panic of the release is returned.
    pub(crate) async fn end(mut self) -> thread::Result<Result<(), R::Error>> {
        let held = self.held.take().expect("a lease is released once");
        let exit = self.ended.take().expect("the use has ended");
        // The body's scope has returned, so nothing is left inside (invariant 3).
        let budget = held.resource().release_within();
        caught(pin!(Masked::new(shield(budget, held.release(exit)), hand_release_off::<R>))).await
    }
}

impl<R: Resource> Deref for Lease<R> {
    type Target = R::Value;

    fn deref(&self) -> &R::Value {
        self.held.as_ref().expect(HELD).value()
    }
}

impl<R: Resource> DerefMut for Lease<R> {
    fn deref_mut(&mut self) -> &mut R::Value {
        self.held.as_mut().expect(HELD).value_mut()
    }
}

impl<R: Resource<Value: fmt::Debug>> fmt::Debug for Lease<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&**self).finish()
    }
}

const HELD: &str = "only the release takes the value";

impl<R: Resource> Drop for Lease<R> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let inside = self.inside.take();
        let exit = self.ended.take().unwrap_or_else(|| {
            // The code around a guard is its body.
            if self.is_guard && thread::panicking() { Exit::Panicked } else { cancelled_here() }
        });
        let Some(Origin { runtime, place }) = self.origin.take().or_else(Origin::here) else {
            let outside = "dropped outside of a Tokio runtime, without a release";
            return Failure::error(name::<R>("the release of"), outside).report();
        };
        let place = Scope::try_current().unwrap_or(place);
        place.hand_off(&runtime, name::<R>("the release of"), async move {
            if let Some(inside) = inside {
                inside.settled().await;
            }
            let budget = held.resource().release_within();
            match timeout(budget, held.release(exit)).await {
                Ok(result) => report_release::<R>(Ok(result)),
                Err(_) => Failure::overdue(name::<R>("the release of"), budget).report(),
            }
        });
    }
}

fn hand_acquisition_off<R: Resource>(rest: Shield<Result<Lease<R>, R::Error>>) {
    // A deadline says only here, while it drops, that it is the reason.
    let exit = cancelled_here();
    drop(rest.named(name::<R>("the acquisition of")).when_orphaned(|result| match result {
        Ok(mut lease) => lease.ended = Some(exit), // And hands the release off.
        Err(error) => Failure::error(name::<R>("the acquisition of"), error).report(),
    }));
}

fn hand_release_off<R: Resource>(rest: Shield<Result<(), R::Error>>) {
    drop(rest.named(name::<R>("the release of")).when_orphaned(|result| report_release::<R>(Ok(result))));
}

/// Hands what went wrong in a release to the observer: its caller has gone or has a failure of its own.
pub(crate) fn report_release<R: Resource>(outcome: thread::Result<Result<(), R::Error>>) {
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => Failure::error(name::<R>("the release of"), error).report(),
        Err(payload) => Failure::panic(name::<R>("the release of"), payload).report(),
    }
}

fn cancelled_here() -> Exit {
    Exit::Cancelled(Scope::current().reason_for_drop())
}

/// The output of the future, or its panic.
pub(crate) async fn caught<F: Future>(mut future: Pin<&mut F>) -> thread::Result<F::Output> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}
