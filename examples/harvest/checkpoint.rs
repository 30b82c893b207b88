//! Which pages of a run are stored.
//!
//! 1. A page is marked in the transaction that stores its rows, so the marks and the rows never disagree.
//! 2. Pages come out of order. `done` counts those that are stored *without a gap*; pages beyond a gap are listed. The highest page says
//!    nothing: after a crash, the gap below it must be fetched.
//! 3. Where only a page knows its successor, `next` is that of the last page before the gap. Successors beyond are kept until the gap closes.

use std::collections::BTreeMap;

/// The stored pages of one run, counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    done: u64,
    next: Option<String>,
    beyond: BTreeMap<u64, Option<String>>,
}

impl Checkpoint {
    /// Takes up what was written down; `beyond` as [`beyond`](Checkpoint::beyond) gives it.
    ///
    /// # Errors
    ///
    /// `beyond` is not what was written.
    pub fn restore(done: u64, next: Option<String>, beyond: &str) -> Result<Self, serde_json::Error> {
        let beyond: Vec<(u64, Option<String>)> = serde_json::from_str(beyond)?;
        Ok(Checkpoint { done, next, beyond: beyond.into_iter().collect() })
    }

    /// Marks a page as stored; `next` is where its successor is.
    pub fn mark(&mut self, index: u64, next: Option<String>) {
        if self.contains(index) {
            return;
        }
        self.beyond.insert(index, next);
        while let Some(next) = self.beyond.remove(&self.done) {
            self.done += 1;
            self.next = next;
        }
    }

    /// Whether a page is stored.
    pub fn contains(&self, index: u64) -> bool {
        index < self.done || self.beyond.contains_key(&index)
    }

    /// How many pages are stored without a gap: the first one that is missing.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Where the first missing page is, in the styles where only its predecessor knows.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The pages beyond the gap, to be written down.
    pub fn beyond(&self) -> String {
        serde_json::json!(self.beyond.iter().collect::<Vec<_>>()).to_string()
    }
}
