//! What a stack releases: values with their resources, and callbacks.

use std::{
    any::type_name,
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::{exit::Exit, held::Held, resource::Resource};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// A member that is in its seat. Dropped without its release, or in the middle of it, it abandons its value.
pub(super) type Owed = Pin<Box<dyn Member>>;

/// A member that has given its value away; it keeps the resource.
pub(super) type Lender<V> = Pin<Box<dyn Lend<V>>>;

pub(super) trait Member: Send {
    /// The name of the type of the resource.
    fn name(&self) -> &'static str;

    /// How long its release may take after the caller has gone.
    fn budget(&self) -> Duration;

    /// Begins the release at the first call, and goes on with it. Runs code of the user's.
    fn poll_release(self: Pin<&mut Self>, exit: &Exit, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
}

pub(super) trait Lend<V>: Send {
    fn name(&self) -> &'static str;

    fn budget(&self) -> Duration;

    /// Takes the value back.
    fn owe(self: Pin<Box<Self>>, value: V) -> Owed;
}

/// One box for the resource, its value, and the future of its release, one after the other.
pub(super) fn lender<R>(resource: R, budget: Duration) -> Lender<R::Value>
where
    R: Resource<Error: Into<BoxError>>,
{
    let lent = Step::Lent { resource: Some(resource) };
    Box::pin(ResourceMember { step: lent, begin: |held: Held<R>, exit| held.release(exit), budget })
}

pin_project! {
    struct ResourceMember<R: Resource, F> {
        #[pin]
        step: Step<R, F>,
        begin: fn(Held<R>, Exit) -> F,
        budget: Duration,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<R: Resource, F> {
        Lent { resource: Option<R> },
        Owed { held: Option<Held<R>> },
        Releasing { #[pin] release: F },
    }
}

impl<R, F> Lend<R::Value> for ResourceMember<R, F>
where
    R: Resource<Error: Into<BoxError>>,
    F: Future<Output = Result<(), R::Error>> + Send + 'static,
{
    fn name(&self) -> &'static str {
        type_name::<R>()
    }

    fn budget(&self) -> Duration {
        self.budget
    }

    fn owe(mut self: Pin<Box<Self>>, value: R::Value) -> Owed {
        let mut step = self.as_mut().project().step;
        if let StepProjection::Lent { resource } = step.as_mut().project() {
            let resource = resource.take().expect("its loan gives the value back once");
            step.set(Step::Owed { held: Some(Held::new(resource, value)) });
        }
        self
    }
}

impl<R, F> Member for ResourceMember<R, F>
where
    R: Resource<Error: Into<BoxError>>,
    F: Future<Output = Result<(), R::Error>> + Send + 'static,
{
    fn name(&self) -> &'static str {
        type_name::<R>()
    }

    fn budget(&self) -> Duration {
        self.budget
    }

    fn poll_release(self: Pin<&mut Self>, exit: &Exit, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let this = self.project();
        let mut step = this.step;
        if let StepProjection::Owed { held } = step.as_mut().project() {
            let held = held.take().expect("its release begins once");
            step.set(Step::Releasing { release: (this.begin)(held, exit.clone()) });
        }
        match step.project() {
            StepProjection::Releasing { release } => Poll::Ready(ready!(release.poll(cx)).map_err(Into::into)),
            _ => unreachable!("a member in its seat has its value"),
        }
    }
}
