//! Pages: what an answer becomes on its way to the database.

use std::fmt::Write;

use ring::digest::{SHA256, digest};
use serde_json::Value;
use thiserror::Error;

use crate::pointer::{Pointer, describe};

/// One page, ready to be stored.
#[derive(Debug, Default)]
pub struct Page {
    /// Counted from 0, in the order of the API.
    pub index: u64,
    /// The records that have a key.
    pub records: Vec<Record>,
    /// The others.
    pub dead: Vec<DeadLetter>,
    /// Where the next page is, in the styles that say so.
    pub next: Option<String>,
}

/// A record on its way into a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What `--key` points to, as text.
    pub key: String,
    /// The record, its fields sorted.
    pub doc: String,
    /// SHA-256 of `doc`: says whether a record has changed.
    pub hash: String,
}

/// What the API returned as a record, but cannot be stored as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where on its page it was, counted from 0.
    pub position: usize,
    /// Its JSON.
    pub raw: String,
    /// Why it is dead.
    pub reason: String,
}

/// The answer is JSON, but there is no list of records in it.
#[derive(Debug, Error)]
#[error("expected a list of records at {pointer} (--items), but found {found} in {answer}")]
pub struct NoList {
    pointer: Pointer,
    found: String,
    answer: String,
}

impl Page {
    /// Adds the records of an answer, and says how many it had.
    ///
    /// # Errors
    ///
    /// There is no list at `items`.
    pub fn take(&mut self, body: &Value, items: &Pointer, key: &Pointer) -> Result<usize, NoList> {
        let Some(list) = items.find(body).and_then(Value::as_array) else {
            let found = items.find(body).map_or_else(|| "nothing".to_owned(), describe);
            return Err(NoList { pointer: items.clone(), found, answer: describe(body) });
        };
        let before = self.items();
        for (position, item) in list.iter().enumerate() {
            match record(item, key) {
                Ok(record) => self.records.push(record),
                Err(reason) => {
                    self.dead.push(DeadLetter { position: before + position, raw: item.to_string(), reason });
                }
            }
        }
        Ok(list.len())
    }

    /// How many items the page has, dead or alive.
    pub fn items(&self) -> usize {
        self.records.len() + self.dead.len()
    }
}

fn record(item: &Value, key: &Pointer) -> Result<Record, String> {
    let key = match key.find(item) {
        Some(Value::String(key)) if !key.is_empty() => key.clone(),
        Some(Value::Number(key)) => key.to_string(),
        Some(other) => return Err(format!("the key at {key} is {}", describe(other))),
        None => return Err(format!("no key at {key}: it is {}", describe(item))),
    };
    let doc = item.to_string();
    let hash = sha256(&doc);
    Ok(Record { key, doc, hash })
}

/// SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
