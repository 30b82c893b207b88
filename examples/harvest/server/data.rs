//! The records: computed from the seed when they are asked for, so that a hundred thousand of them cost no memory.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::random::Random;

/// How many records each run after the first one finds added.
pub const ADDED_PER_RUN: usize = 37;
/// How many records each run after the first one finds changed.
pub const CHANGED_PER_RUN: usize = 12;

const WORDS: [&str; 24] = [
    "amber", "anchor", "basalt", "beacon", "cable", "cedar", "copper", "dune", "ember", "fjord", "granite", "harbor",
    "heron", "island", "juniper", "lagoon", "maple", "narwhal", "orchid", "pebble", "quartz", "reef", "sorrel",
    "tundra",
];

/// What the API holds, as one run sees it.
///
/// It is a list of *entries*: the records in the order of their ids, with the malformed ones strewn in. Records that a later
/// run adds come at the end, so an entry never moves.
#[derive(Debug)]
pub(super) struct Data {
    seed: u64,
    records: usize,
    record_bytes: usize,
    /// The positions of the malformed entries, ascending.
    malformed: Vec<usize>,
    added: usize,
    /// The versions of the records that have changed, by id.
    versions: HashMap<usize, u32>,
}

impl Data {
    pub(super) fn new(seed: u64, records: usize, record_bytes: usize, malformed: usize) -> Self {
        let mut random = Random::new(seed, 1);
        let stride = (records + malformed).checked_div(malformed).unwrap_or(0);
        let malformed = (0..malformed).map(|part| part * stride + random.below(stride)).collect();
        Data { seed, records, record_bytes, malformed, added: 0, versions: HashMap::new() }
    }

    /// Becomes what run number `run` sees; the first run is 1. Going to the same run twice changes nothing.
    pub(super) fn mutate(&mut self, run: u32) {
        self.added = 0;
        self.versions.clear();
        for run in 2..=run {
            self.added += ADDED_PER_RUN;
            let mut random = Random::new(self.seed, 1_000 + u64::from(run));
            let mut changed = BTreeSet::new();
            while changed.len() < CHANGED_PER_RUN.min(self.records) {
                changed.insert(1 + random.below(self.records));
            }
            for id in changed {
                *self.versions.entry(id).or_insert(1) += 1;
            }
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.records + self.malformed.len() + self.added
    }

    pub(super) fn entry(&self, position: usize) -> Value {
        match self.malformed.binary_search(&position) {
            Ok(number) => self.malformed_entry(number),
            Err(before) => self.record(position - before + 1),
        }
    }

    pub(super) fn is_malformed(&self, position: usize) -> bool {
        self.malformed.binary_search(&position).is_ok()
    }

    /// All well-formed records.
    pub(super) fn records(&self) -> Vec<Value> {
        (1..=self.records + self.added).map(|id| self.record(id)).collect()
    }

    fn record(&self, id: usize) -> Value {
        let version = self.versions.get(&id).copied().unwrap_or(1);
        let mut random = Random::new(self.seed, 1_000_000 + id as u64);
        let mut record = json!({
            "id": id,
            "name": format!("{} {}", random.pick(&WORDS), random.pick(&WORDS)),
            "section": random.pick(&WORDS),
            "price_cents": 100 + random.below(100_000),
            "stock": random.below(500) + version as usize,
            "tags": [random.pick(&WORDS), random.pick(&WORDS), random.pick(&WORDS)],
            "version": version,
        });
        // Three quarters to five quarters of the size that was asked for.
        let size = self.record_bytes * 3 / 4 + random.below(self.record_bytes / 2 + 1);
        let missing = size.saturating_sub(record.to_string().len() + r#","text":"""#.len());
        let mut text = String::new();
        while text.len() < missing {
            text.push_str(random.pick(&WORDS));
            text.push(' ');
        }
        text.truncate(missing);
        record["text"] = text.into();
        record
    }

    /// An entry that no client can store: without its key, or not an object at all.
    fn malformed_entry(&self, number: usize) -> Value {
        let mut keyless = self.record(self.records + 1_000_000 + number);
        match number % 5 {
            0 => {
                keyless.as_object_mut().expect("a record is an object").remove("id");
                keyless
            }
            1 => json!("not an object"),
            2 => Value::Null,
            3 => {
                keyless["id"] = Value::Null;
                keyless
            }
            _ => json!([number, "a list"]),
        }
    }
}
