//! The database: one connection, on a thread of its own.

mod schema;
mod write;

use std::{
    fmt,
    ops::AddAssign,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bowline_bridge::{BlockingPool, BuildError, CallError};
use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;
use tracing::warn;

use crate::checkpoint::Checkpoint;

/// How long the end waits for a call that is still running.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// What became of records: new, changed, unchanged, dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Keys that were not there before.
    pub new: u64,
    /// Keys whose record was another one.
    pub changed: u64,
    /// Keys whose record was the same.
    pub unchanged: u64,
    /// Items that could not be stored as records.
    pub dead: u64,
}

impl Stored {
    /// All that are records.
    pub fn records(&self) -> u64 {
        self.new + self.changed + self.unchanged
    }
}

impl AddAssign for Stored {
    fn add_assign(&mut self, more: Stored) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.dead += more.dead;
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} changed, {} unchanged", self.new, self.changed, self.unchanged)
    }
}

/// A run: one pass over all pages, however often it is interrupted.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number in the database.
    pub number: i64,
    /// Its number among the runs of the same source, from 1.
    pub ordinal: u32,
    /// Which pages an earlier session has stored.
    pub checkpoint: Checkpoint,
    /// Whether an earlier session began it.
    pub resumed: bool,
}

/// An SQLite file with the records and what is known about them. Clones are handles to the same connection.
#[derive(Clone, Debug)]
pub struct Store {
    pool: BlockingPool,
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    table: String,
    slow_commit: Duration,
}

/// The database did not do what it should.
#[derive(Debug, Error)]
pub enum StoreError {
    /// SQLite says no.
    #[error("{}: cannot {step}: {error}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        step: &'static str,
        /// Why it was not.
        error: rusqlite::Error,
    },
    /// What an earlier session wrote cannot be read.
    #[error("{}: the checkpoint of run {run} cannot be read ({error}): begin a new run with --fresh", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The run.
        run: i64,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// There is no thread for the database.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The thread was told to end before the call.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Store {
    /// Opens the file, or creates it, and the tables that it lacks.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or written, or is something else.
    pub async fn open(path: &Path, table: &str, slow_commit: Duration) -> Result<Self, StoreError> {
        // A connection is for one thread at a time, and so is its pool.
        let pool = BlockingPool::builder().name("sqlite").threads(1).build()?;
        let (file, name) = (path.to_owned(), table.to_owned());
        let opened = pool.run(move |_| schema::open(&file, &name)).named("open the database").await?;
        let connection =
            opened.map_err(|error| StoreError::Sqlite { path: path.to_owned(), step: "open it", error })?;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Store { pool, connection, path: path.to_owned(), table: table.to_owned(), slow_commit })
    }

    /// Takes the last run of this source up again if it was interrupted, or begins a new one.
    ///
    /// # Errors
    ///
    /// The database fails, or holds a checkpoint that cannot be read.
    pub async fn begin_run(&self, source: &str, fresh: bool) -> Result<Run, StoreError> {
        let source = source.to_owned();
        let row = self.call("begin a run", move |connection| last_run(connection, &source, fresh)).await?;
        let checkpoint = Checkpoint::restore(row.done, row.next, &row.beyond)
            .map_err(|error| StoreError::Checkpoint { path: self.path.clone(), run: row.number, error })?;
        Ok(Run { number: row.number, ordinal: row.ordinal, checkpoint, resumed: row.resumed })
    }

    /// Notes that all pages of the run are stored.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn finish_run(&self, run: &Run) -> Result<(), StoreError> {
        let number = run.number;
        self.call("finish the run", move |connection| connection.execute(schema::FINISH_RUN, [number]).map(drop)).await
    }

    /// What the run has stored, in all sessions.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn whole_run(&self, run: &Run) -> Result<Stored, StoreError> {
        let number = run.number;
        self.call("read the run", move |connection| {
            connection.query_row(schema::TOTALS, [number], |row| {
                Ok(Stored { new: row.get(0)?, changed: row.get(1)?, unchanged: row.get(2)?, dead: row.get(3)? })
            })
        })
        .await
    }

    /// Ends the thread, after what it is doing.
    pub async fn close(self) {
        let report = self.pool.shutdown(CLOSE_WITHIN).await;
        for call in report.stuck() {
            warn!("{}: still not done: {}", self.path.display(), call.name());
        }
    }

    /// Runs `work` on the thread of the database. It happens or it does not, also when the caller is dropped meanwhile.
    async fn call<T: Send + 'static>(
        &self,
        step: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.connection.clone();
        let result = self.pool.run(move |_| work(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
        let result = result.report_orphaned_error().named(step).await?;
        result.map_err(|error| StoreError::Sqlite { path: self.path.clone(), step, error })
    }
}

struct RunRow {
    number: i64,
    ordinal: u32,
    done: u64,
    next: Option<String>,
    beyond: String,
    resumed: bool,
}

fn last_run(connection: &Connection, source: &str, fresh: bool) -> rusqlite::Result<RunRow> {
    let ordinal = connection.query_row(schema::COUNT_RUNS, [source], |row| row.get(0))?;
    let unfinished = |row: &rusqlite::Row<'_>| {
        Ok(RunRow {
            number: row.get(0)?,
            ordinal,
            done: row.get(1)?,
            next: row.get(2)?,
            beyond: row.get(3)?,
            resumed: true,
        })
    };
    if let Some(row) = connection.query_row(schema::UNFINISHED_RUN, [source], unfinished).optional()?.filter(|_| !fresh)
    {
        return Ok(row);
    }
    connection.execute(schema::BEGIN_RUN, params![source])?;
    let number = connection.last_insert_rowid();
    Ok(RunRow { number, ordinal: ordinal + 1, done: 0, next: None, beyond: "[]".to_owned(), resumed: false })
}
