//! Tuples of futures: nested in one type on the way in, and in their places on the way out.

use super::{
    inputs::{Inputs, UniformInputs, sealed::Sealed},
    one_of::{Either, OneOf},
    outputs::Outputs,
    shape::{Shape, Tuple, missing},
};
use crate::timeout::Elapsed;

/// Marks tuples.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByTuple {}

/// The type `OneOf<A, OneOf<B, C>>` for `OneOf: A, B, C`.
macro_rules! nested {
    ($Enum:ident: $Last:ty) => { $Last };
    ($Enum:ident: $First:ty, $($Other:ty),+) => { $Enum<$First, nested!($Enum: $($Other),+)> };
}

/// The expression, or the pattern, of a place in it: `OneOf::Other { it: OneOf::First { it: b } }` for `OneOf [Other First] b`.
macro_rules! place {
    ($Enum:ident [] $it:ident) => { $it };
    ($Enum:ident [$Way:ident $($way:ident)*] $it:ident) => { $Enum::$Way { it: place!($Enum [$($way)*] $it) } };
}

macro_rules! tuple {
    ($len:literal: $($T:ident $way:tt),+) => {
        impl<$($T: IntoFuture),+> Sealed<ByTuple> for ($($T,)+) {}

        impl<$($T: IntoFuture),+> Inputs<ByTuple> for ($($T,)+) {
            type Future = nested!(OneOf: $($T::IntoFuture),+);
            type Shape = Tuple<$len>;

            #[expect(non_snake_case, reason = "the names of the types serve for the values")]
            fn into_futures(self) -> Vec<Self::Future> {
                let ($($T,)+) = self;
                $(let $T = $T.into_future();)+
                vec![$(place!(OneOf $way $T)),+]
            }
        }

        impl<Output, $($T: IntoFuture<Output = Output>),+> UniformInputs<ByTuple> for ($($T,)+) {
            type Output = Output;
            type Future = nested!(Either: $($T::IntoFuture),+);
            type Shape = Tuple<$len>;

            #[expect(non_snake_case, reason = "the names of the types serve for the values")]
            fn into_uniform(self) -> Vec<Self::Future> {
                let ($($T,)+) = self;
                $(let $T = $T.into_future();)+
                vec![$(place!(Either $way $T)),+]
            }
        }

        impl<$($T),+> Shape<nested!(OneOf: $($T),+)> for Tuple<$len> {
            type All = ($($T,)+);
            type InTime = ($(Result<$T, Elapsed>,)+);

            fn all(outputs: Outputs<nested!(OneOf: $($T),+)>) -> Self::All {
                let mut outputs = outputs.into_vec().into_iter();
                ($(match outputs.next() {
                    Some(place!(OneOf $way it)) => it,
                    _ => unreachable!("each output is in the place of its future"),
                },)+)
            }

            fn in_time(outputs: Outputs<nested!(OneOf: $($T),+)>, elapsed: Option<&Elapsed>) -> Self::InTime {
                let mut outputs = outputs.into_options();
                ($(match outputs.next() {
                    Some(Some(place!(OneOf $way it))) => Ok(it),
                    _ => Err(missing(elapsed)),
                },)+)
            }
        }
    };
}

tuple!(2: A [First], B [Other]);
tuple!(3: A [First], B [Other First], C [Other Other]);
tuple!(4: A [First], B [Other First], C [Other Other First], D [Other Other Other]);
tuple!(5: A [First], B [Other First], C [Other Other First], D [Other Other Other First], E [Other Other Other Other]);
tuple!(6: A [First], B [Other First], C [Other Other First], D [Other Other Other First], E [Other Other Other Other First],
    G [Other Other Other Other Other]);
tuple!(7: A [First], B [Other First], C [Other Other First], D [Other Other Other First], E [Other Other Other Other First],
    G [Other Other Other Other Other First], H [Other Other Other Other Other Other]);
tuple!(8: A [First], B [Other First], C [Other Other First], D [Other Other Other First], E [Other Other Other Other First],
    G [Other Other Other Other Other First], H [Other Other Other Other Other Other First], I [Other Other Other Other Other Other Other]);
