//! What can be gathered or raced.

use super::shape::{Array, List};

/// Several futures: an iterator, a `Vec`, an array, or a tuple of two to eight of them, or of what can be turned into futures.
///
/// [`gather`](crate::gather) and its relatives take this. `M` is found by the compiler; it tells tuples and arrays, whose outputs come back as tuples and
/// arrays, from iterators, whose outputs come back in a `Vec`. Inputs are taken from their iterator at the call; for a source that is to be
/// read step by step there are streams.
///
/// It is implemented here only.
pub trait Inputs<M>: sealed::Sealed<M> {
    /// The future of each.
    type Future: Future;
    /// The shape in which the outputs come back.
    type Shape;

    #[doc(hidden)]
    fn into_futures(self) -> Vec<Self::Future>;
}

/// Several futures with one type of output: those of [`Inputs`], tuples included.
///
/// [`race`](crate::race()) and its relatives take this.
pub trait UniformInputs<M>: sealed::Sealed<M> {
    /// What each of them gives.
    type Output;
    /// The future of each.
    type Future: Future<Output = Self::Output>;
    /// The shape of the inputs.
    type Shape;

    #[doc(hidden)]
    fn into_uniform(self) -> Vec<Self::Future>;
}

/// Where the futures are of one type, their outputs are.
macro_rules! uniform {
    ($($Marker:ident),+) => {
        $(impl<I: Inputs<$Marker>> UniformInputs<$Marker> for I {
            type Output = <I::Future as Future>::Output;
            type Future = I::Future;
            type Shape = I::Shape;

            fn into_uniform(self) -> Vec<I::Future> {
                self.into_futures()
            }
        })+
    };
}

uniform!(ByIterator, ByVec, ByArray);

pub(super) mod sealed {
    pub trait Sealed<M> {}
}

/// Marks iterators.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByIterator {}

/// Marks vectors.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByVec {}

/// Marks arrays.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByArray {}

impl<I: Iterator<Item: IntoFuture>> sealed::Sealed<ByIterator> for I {}

impl<I: Iterator<Item: IntoFuture>> Inputs<ByIterator> for I {
    type Future = <I::Item as IntoFuture>::IntoFuture;
    type Shape = List;

    fn into_futures(self) -> Vec<Self::Future> {
        self.map(IntoFuture::into_future).collect()
    }
}

impl<F: IntoFuture> sealed::Sealed<ByVec> for Vec<F> {}

impl<F: IntoFuture> Inputs<ByVec> for Vec<F> {
    type Future = F::IntoFuture;
    type Shape = List;

    fn into_futures(self) -> Vec<Self::Future> {
        self.into_iter().map(IntoFuture::into_future).collect()
    }
}

impl<F: IntoFuture, const N: usize> sealed::Sealed<ByArray> for [F; N] {}

impl<F: IntoFuture, const N: usize> Inputs<ByArray> for [F; N] {
    type Future = F::IntoFuture;
    type Shape = Array<N>;

    fn into_futures(self) -> Vec<Self::Future> {
        self.into_iter().map(IntoFuture::into_future).collect()
    }
}
