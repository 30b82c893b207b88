//! Futures of different types as one type.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

pin_project! {
    /// A tuple's futures have one type each; nested in this one they have the same. Their outputs are nested alike.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future that it holds.
    #[doc(hidden)]
    #[derive(Debug)]
    #[project = OneOfProjection]
    pub enum OneOf<A, B> {
        First { #[pin] it: A },
        Other { #[pin] it: B },
    }
}

impl<A: Future, B: Future> Future for OneOf<A, B> {
    type Output = OneOf<A::Output, B::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            OneOfProjection::First { it } => it.poll(cx).map(|it| OneOf::First { it }),
            OneOfProjection::Other { it } => it.poll(cx).map(|it| OneOf::Other { it }),
        }
    }
}

/// An output that may be an error: a `Result`, or one of a tuple's `Result`s with the same type of error.
#[doc(hidden)]
pub trait Tried {
    type Value;
    type Error;
    fn tried(self) -> Result<Self::Value, Self::Error>;
}

impl<T, E> Tried for Result<T, E> {
    type Value = T;
    type Error = E;

    #[inline]
    fn tried(self) -> Result<T, E> {
        self
    }
}

impl<A: Tried, B: Tried<Error = A::Error>> Tried for OneOf<A, B> {
    type Value = OneOf<A::Value, B::Value>;
    type Error = A::Error;

    fn tried(self) -> Result<Self::Value, Self::Error> {
        Ok(match self {
            OneOf::First { it } => OneOf::First { it: it.tried()? },
            OneOf::Other { it } => OneOf::Other { it: it.tried()? },
        })
    }
}

pin_project! {
    /// A tuple's futures whose outputs have one type, as one type of future.
    ///
    /// # Cancel safety
    ///
    /// As that of the future inside.
    #[doc(hidden)]
    #[derive(Debug)]
    #[project = EitherProjection]
    pub enum Either<A, B> {
        First { #[pin] it: A },
        Other { #[pin] it: B },
    }
}

impl<A: Future, B: Future<Output = A::Output>> Future for Either<A, B> {
    type Output = A::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
        match self.project() {
            EitherProjection::First { it } => it.poll(cx),
            EitherProjection::Other { it } => it.poll(cx),
        }
    }
}
