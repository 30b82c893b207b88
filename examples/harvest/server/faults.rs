//! The faults: how many of which kind, and where they lie in wait.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use super::random::Random;

/// Rate limiters refuse several requests in a row: so many.
const BURST: usize = 5;

/// How often the server misbehaves in which way.
///
/// Every fault but the malformed records lies at one record. The first request whose page covers that record is answered by
/// the fault, once; so whoever fetches all pages meets every fault exactly once, in each paging style, with each page size
/// and each number of requests at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Answers 429 with `Retry-After: <seconds>`.
    pub refusals_in_seconds: usize,
    /// Answers 429 with `Retry-After: <HTTP date>`.
    pub refusals_by_date: usize,
    /// Answers 500.
    pub errors: usize,
    /// Bodies of which half is sent before the connection is closed.
    pub cut_bodies: usize,
    /// Pages that take `slow_for` longer than others.
    pub slow_pages: usize,
    /// See `slow_pages`.
    pub slow_for: Duration,
    /// Entries without their key or that are not objects: part of the data, so a retry does not mend them.
    pub malformed: usize,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            refusals_in_seconds: 10,
            refusals_by_date: 10,
            errors: 20,
            cut_bodies: 10,
            slow_pages: 1,
            slow_for: Duration::from_secs(5),
            malformed: 7,
        }
    }
}

impl Faults {
    /// A server that does nothing wrong.
    pub fn none() -> Self {
        Faults {
            refusals_in_seconds: 0,
            refusals_by_date: 0,
            errors: 0,
            cut_bodies: 0,
            slow_pages: 0,
            slow_for: Duration::ZERO,
            malformed: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    RefuseInSeconds,
    RefuseByDate,
    Error,
    CutBody,
    Slow,
}

/// The faults that have not happened yet, by position and a number that keeps two at one position apart.
#[derive(Debug, Default)]
pub(super) struct Plan(BTreeMap<(usize, usize), Fault>);

impl Plan {
    /// Spreads the faults evenly over `entries`, in an order that depends on the seed alone.
    pub(super) fn new(faults: &Faults, seed: u64, entries: usize) -> Self {
        let mut refusals = vec![Fault::RefuseInSeconds; faults.refusals_in_seconds];
        refusals.resize(faults.refusals_in_seconds + faults.refusals_by_date, Fault::RefuseByDate);
        let mut random = Random::new(seed, 2);
        random.shuffle(&mut refusals);

        let mut groups: Vec<Vec<Fault>> = refusals.chunks(BURST).map(<[Fault]>::to_vec).collect();
        for (count, fault) in
            [(faults.errors, Fault::Error), (faults.cut_bodies, Fault::CutBody), (faults.slow_pages, Fault::Slow)]
        {
            groups.extend((0..count).map(|_| vec![fault]));
        }
        random.shuffle(&mut groups);

        let order = groups.concat();
        let stride = entries.checked_div(order.len()).unwrap_or(0).max(1);
        let at = |number: usize, random: &mut Random| {
            (number * stride + random.below(stride)).min(entries.saturating_sub(1))
        };
        Plan(order.into_iter().enumerate().map(|(number, fault)| ((at(number, &mut random), number), fault)).collect())
    }

    /// Takes the first fault that lies in wait in these positions.
    pub(super) fn take(&mut self, positions: Range<usize>) -> Option<Fault> {
        let key = *self.0.range((positions.start, 0)..(positions.end, 0)).next()?.0;
        self.0.remove(&key)
    }
}
