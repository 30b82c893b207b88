//! The shapes in which several outputs come back: that of the inputs.

use super::outputs::Outputs;
use crate::timeout::Elapsed;

/// Of an iterator or a `Vec`.
#[doc(hidden)]
#[derive(Debug)]
pub enum List {}

/// Of an array.
#[doc(hidden)]
#[derive(Debug)]
pub enum Array<const N: usize> {}

/// Of a tuple.
#[doc(hidden)]
#[derive(Debug)]
pub enum Tuple<const N: usize> {}

/// How outputs of type `T` come back.
#[doc(hidden)]
pub trait Shape<T>: Sized {
    /// All of them.
    type All;
    /// Those that came in time.
    type InTime;

    fn all(outputs: Outputs<T>) -> Self::All;
    fn in_time(outputs: Outputs<T>, elapsed: Option<&Elapsed>) -> Self::InTime;
}

impl<T> Shape<T> for List {
    type All = Vec<T>;
    type InTime = Vec<Result<T, Elapsed>>;

    #[inline]
    fn all(outputs: Outputs<T>) -> Vec<T> {
        outputs.into_vec()
    }

    fn in_time(outputs: Outputs<T>, elapsed: Option<&Elapsed>) -> Self::InTime {
        outputs.into_options().map(|output| output.ok_or_else(|| missing(elapsed))).collect()
    }
}

impl<T, const N: usize> Shape<T> for Array<N> {
    type All = [T; N];
    type InTime = [Result<T, Elapsed>; N];

    fn all(outputs: Outputs<T>) -> [T; N] {
        array(outputs.into_vec())
    }

    fn in_time(outputs: Outputs<T>, elapsed: Option<&Elapsed>) -> Self::InTime {
        array(List::in_time(outputs, elapsed))
    }
}

/// For an output that is not there.
pub(super) fn missing(elapsed: Option<&Elapsed>) -> Elapsed {
    elapsed.expect("an output is missing only if the time is over").clone()
}

fn array<T, const N: usize>(outputs: Vec<T>) -> [T; N] {
    outputs.try_into().ok().expect("there is one output for each input")
}

/// What the first output comes back as: `T` where there is one for certain.
#[doc(hidden)]
pub trait First {
    type Of<T>;
    fn first<T>(winner: Option<T>) -> Self::Of<T>;
}

impl First for List {
    type Of<T> = Option<T>;

    fn first<T>(winner: Option<T>) -> Option<T> {
        winner
    }
}

impl<const N: usize> First for Array<N> {
    type Of<T> = T;

    fn first<T>(winner: Option<T>) -> T {
        const { assert!(N > 0, "there is nothing to race: the array is empty") };
        winner.expect("an array that is not empty has a winner")
    }
}

impl<const N: usize> First for Tuple<N> {
    type Of<T> = T;

    fn first<T>(winner: Option<T>) -> T {
        winner.expect("a tuple has a winner")
    }
}
