//! What the server saw, to check a client's summary against.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A refused client needs this long to read its answer and hold its other requests back; what it sent before is not early.
const READING_TIME: Duration = Duration::from_millis(250);

/// The numbers since the server was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests of every kind.
    pub requests: u64,
    /// Pages answered in full.
    pub pages: u64,
    /// Well-formed records in these pages.
    pub records: u64,
    /// Malformed records in these pages.
    pub malformed: u64,
    /// Answers 429 with the seconds to wait.
    pub refused_in_seconds: u64,
    /// Answers 429 with the date to wait for.
    pub refused_by_date: u64,
    /// Answers 500.
    pub errors: u64,
    /// Answers 503.
    pub unavailable: u64,
    /// Bodies sent by half.
    pub cut_bodies: u64,
    /// Answers that took long on purpose.
    pub slow_pages: u64,
    /// Requests that came while a client had been told to wait.
    pub early: u64,
    /// The most requests that were in work at a time.
    pub peak_in_flight: u64,
}

impl Counts {
    /// Answers 429 in both forms.
    pub fn refused(&self) -> u64 {
        self.refused_in_seconds + self.refused_by_date
    }

    /// Requests that a client has to repeat to get all pages.
    pub fn faulty_answers(&self) -> u64 {
        self.refused() + self.errors + self.unavailable + self.cut_bodies
    }
}

/// The place where the numbers are kept.
#[derive(Debug, Default)]
pub struct Counters(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    in_flight: u64,
    /// From when to when the client should be silent, one for each refusal that still counts.
    silences: Vec<(Instant, Instant)>,
}

impl Counters {
    /// Counts a request that has come at `now`; it is in work until the guard is dropped.
    #[must_use = "the request is in work as long as the guard lives"]
    pub fn arrive(&self, now: Instant) -> InFlight<'_> {
        let mut state = self.state();
        state.silences.retain(|&(_, end)| now < end);
        if state.silences.iter().any(|&(start, _)| start <= now) {
            state.counts.early += 1;
        }
        state.counts.requests += 1;
        state.in_flight += 1;
        state.counts.peak_in_flight = state.counts.peak_in_flight.max(state.in_flight);
        InFlight(self)
    }

    /// Notes that a client is told at `now` to be silent for `wait`.
    pub fn silence(&self, now: Instant, wait: Duration) {
        self.state().silences.push((now + READING_TIME, now + wait));
    }

    /// Changes the numbers.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.state().counts);
    }

    /// Reads the numbers.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in work.
#[derive(Debug)]
pub struct InFlight<'a>(&'a Counters);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}
