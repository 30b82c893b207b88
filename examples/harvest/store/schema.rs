//! Tables and statements.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, MAIN_DB, ffi};

/// Another process may be reading; a commit waits so long for it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What harvest knows about its work. No secret is in here: a source is a hash.
const CONTROL: &str = "
CREATE TABLE IF NOT EXISTS harvest_runs (
    run         INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    new         INTEGER NOT NULL DEFAULT 0,
    changed     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    dead        INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS harvest_checkpoints (
    run    INTEGER PRIMARY KEY REFERENCES harvest_runs,
    done   INTEGER NOT NULL, -- pages stored without a gap
    next   TEXT,             -- where the first missing page is, in styles that say so
    beyond TEXT NOT NULL     -- pages stored beyond the gap
);
CREATE TABLE IF NOT EXISTS harvest_dead_letters (
    run      INTEGER NOT NULL REFERENCES harvest_runs,
    page     INTEGER NOT NULL, -- from 1
    position INTEGER NOT NULL, -- on the page, from 0
    reason   TEXT NOT NULL,
    raw      TEXT NOT NULL,
    PRIMARY KEY (run, page, position)
);
";

/// `run` is the one that stored the document as it is.
const RECORDS: &str = "
CREATE TABLE IF NOT EXISTS \"{table}\" (
    key        TEXT PRIMARY KEY,
    doc        TEXT NOT NULL,
    hash       TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    run        INTEGER NOT NULL REFERENCES harvest_runs
);
";

pub(super) const COUNT_RUNS: &str = "SELECT count(*) FROM harvest_runs WHERE source = ?1";
/// The last run, if it is unfinished: an older one that was given up stays so.
pub(super) const UNFINISHED_RUN: &str = "
SELECT run, coalesce(done, 0), next, coalesce(beyond, '[]')
FROM (SELECT * FROM harvest_runs WHERE source = ?1 ORDER BY run DESC LIMIT 1) LEFT JOIN harvest_checkpoints USING (run)
WHERE finished_at IS NULL";
pub(super) const BEGIN_RUN: &str =
    "INSERT INTO harvest_runs (source, started_at) VALUES (?1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
pub(super) const FINISH_RUN: &str =
    "UPDATE harvest_runs SET finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE run = ?1";
pub(super) const TOTALS: &str = "SELECT new, changed, unchanged, dead FROM harvest_runs WHERE run = ?1";
pub(super) const ADD_TOTALS: &str = "
UPDATE harvest_runs SET new = new + ?2, changed = changed + ?3, unchanged = unchanged + ?4, dead = dead + ?5
WHERE run = ?1";
pub(super) const MARK_PAGES: &str = "
INSERT INTO harvest_checkpoints (run, done, next, beyond) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (run) DO UPDATE SET done = excluded.done, next = excluded.next, beyond = excluded.beyond";
pub(super) const ADD_DEAD_LETTER: &str = "
INSERT OR REPLACE INTO harvest_dead_letters (run, page, position, reason, raw) VALUES (?1, ?2, ?3, ?4, ?5)";

pub(super) fn find_record(table: &str) -> String {
    format!("SELECT hash FROM \"{table}\" WHERE key = ?1")
}

pub(super) fn add_record(table: &str) -> String {
    format!(
        "INSERT INTO \"{table}\" (key, doc, hash, first_seen, changed_at, run) VALUES
         (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?4)"
    )
}

pub(super) fn change_record(table: &str) -> String {
    format!(
        "UPDATE \"{table}\" SET doc = ?2, hash = ?3, changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), run = ?4
         WHERE key = ?1"
    )
}

pub(super) fn open(path: &Path, table: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    if connection.is_readonly(MAIN_DB)? {
        let readonly = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(readonly, Some("it is read-only".to_owned())));
    }
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Readers are not kept out, and a commit is one write. A crash of the process loses nothing that was committed.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(CONTROL)?;
    connection.execute_batch(&RECORDS.replace("{table}", table))?;
    Ok(connection)
}
