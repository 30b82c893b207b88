//! Outputs in the order of their inputs, whatever the order in which they come.

use std::{iter, mem};

/// The outputs so far. While they come in order they are simply pushed, and nothing is moved at the end.
#[doc(hidden)]
#[derive(Debug)]
pub struct Outputs<T> {
    total: usize,
    in_order: Vec<T>,
    /// From the first one that came out of turn on; empty before.
    rest: Vec<Option<T>>,
}

impl<T> Outputs<T> {
    pub(crate) fn new(total: usize) -> Self {
        Outputs { total, in_order: Vec::with_capacity(total), rest: Vec::new() }
    }

    #[inline]
    pub(crate) fn put(&mut self, number: usize, output: T) {
        if self.rest.is_empty() && number == self.in_order.len() {
            self.in_order.push(output);
        } else {
            self.put_out_of_turn(number, output);
        }
    }

    fn put_out_of_turn(&mut self, number: usize, output: T) {
        if self.rest.is_empty() {
            self.rest.extend(iter::repeat_with(|| None).take(self.total - self.in_order.len()));
        }
        self.rest[number - self.in_order.len()] = Some(output);
    }

    /// Leaves nothing behind.
    pub(crate) fn take(&mut self) -> Self {
        mem::replace(self, Outputs { total: 0, in_order: Vec::new(), rest: Vec::new() })
    }

    /// All of them, once every one is there.
    pub(crate) fn into_vec(self) -> Vec<T> {
        let mut all = self.in_order;
        all.extend(self.rest.into_iter().map(|output| output.expect("every input has given its output")));
        all
    }

    /// Those that are there, each in its place.
    pub(crate) fn into_options(self) -> impl Iterator<Item = Option<T>> {
        self.in_order.into_iter().map(Some).chain(self.rest).chain(iter::repeat_with(|| None)).take(self.total)
    }
}
