//! What an error of one input means to the others.

use std::{convert::Infallible, fmt};

use crate::several::{Outputs, Tried, report};

/// Tells a value from an error that ends the gathering.
#[doc(hidden)]
pub trait Judge<O> {
    type Value;
    type Error;
    /// What all together become.
    type Verdict<T>;

    fn judge(output: O) -> Result<Self::Value, Self::Error>;
    fn verdict<T>(all: Result<T, Self::Error>) -> Self::Verdict<T>;

    /// A panic has outranked the result, which nobody gets.
    fn outranked(kind: &'static str, all: Result<Outputs<Self::Value>, Self::Error>);
}

/// Every output is a value.
#[derive(Debug)]
pub enum AsItIs {}

impl<T> Judge<T> for AsItIs {
    type Value = T;
    type Error = Infallible;
    type Verdict<A> = A;

    #[inline]
    fn judge(output: T) -> Result<T, Infallible> {
        Ok(output)
    }

    fn verdict<A>(all: Result<A, Infallible>) -> A {
        match all {
            Ok(all) => all,
            Err(never) => match never {},
        }
    }

    fn outranked(_: &'static str, all: Result<Outputs<T>, Infallible>) {
        drop(all);
    }
}

/// An error is the end.
#[derive(Debug)]
pub enum OrError {}

impl<O: Tried<Error: fmt::Debug>> Judge<O> for OrError {
    type Value = O::Value;
    type Error = O::Error;
    type Verdict<A> = Result<A, O::Error>;

    #[inline]
    fn judge(output: O) -> Result<O::Value, O::Error> {
        output.tried()
    }

    fn verdict<A>(all: Result<A, O::Error>) -> Result<A, O::Error> {
        all
    }

    fn outranked(kind: &'static str, all: Result<Outputs<O::Value>, O::Error>) {
        report(kind, &all.err());
    }
}
