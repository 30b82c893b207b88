//! What both databases can do for the tests.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use bowline_concurrency::settled;
use bowline_resources::{RollbackLater, Transactional};
use sqlx::{
    ConnectOptions, Database, Executor, Pool, Postgres, Result, Sqlite, query, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{WORKS, server::Server};

pub(super) trait Engine: Database<Connection: RollbackLater + Transactional<Error = sqlx::Error>> {
    type Place;

    fn options(place: &Self::Place) -> <Self::Connection as sqlx::Connection>::Options;
    fn run(connection: &mut Self::Connection, statement: &'static str) -> impl Future<Output = Result<()>> + Send;
    fn add(connection: &mut Self::Connection, name: String) -> impl Future<Output = Result<()>> + Send;
    fn names(connection: &mut Self::Connection) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// How many other connections have a transaction open, as far as this one can see.
    fn open(connection: &mut Self::Connection) -> impl Future<Output = Result<i64>> + Send;
}

const ADD: &str = "INSERT INTO names VALUES ($1)";
const NAMES: &str = "SELECT name FROM names ORDER BY name";

impl Engine for Sqlite {
    type Place = Folder;

    fn options(place: &Folder) -> SqliteConnectOptions {
        // A writer that comes too late is told so at once: no open transaction hides behind a wait.
        SqliteConnectOptions::new()
            .filename(place.0.join("names.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(5))
    }

    async fn run(connection: &mut Self::Connection, statement: &'static str) -> Result<()> {
        connection.execute(statement).await.map(drop)
    }

    async fn add(connection: &mut Self::Connection, name: String) -> Result<()> {
        query(ADD).bind(name).execute(connection).await.map(drop)
    }

    async fn names(connection: &mut Self::Connection) -> Result<Vec<String>> {
        query_scalar(NAMES).fetch_all(connection).await
    }

    async fn open(connection: &mut Self::Connection) -> Result<i64> {
        // Only one can write: who may, is alone.
        connection.execute("BEGIN IMMEDIATE").await?;
        connection.execute("ROLLBACK").await?;
        Ok(0)
    }
}

impl Engine for Postgres {
    type Place = Server;

    fn options(place: &Server) -> sqlx::postgres::PgConnectOptions {
        place.options(place.port())
    }

    async fn run(connection: &mut Self::Connection, statement: &'static str) -> Result<()> {
        connection.execute(statement).await.map(drop)
    }

    async fn add(connection: &mut Self::Connection, name: String) -> Result<()> {
        query(ADD).bind(name).execute(connection).await.map(drop)
    }

    async fn names(connection: &mut Self::Connection) -> Result<Vec<String>> {
        query_scalar(NAMES).fetch_all(connection).await
    }

    async fn open(connection: &mut Self::Connection) -> Result<i64> {
        let others = "SELECT count(*) FROM pg_stat_activity
            WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()";
        query_scalar(others).fetch_one(connection).await
    }
}

/// A table of names, a pool of one connection, and a connection beside it that judges.
pub(super) struct Names<E: Engine> {
    pub(super) pool: Pool<E>,
    pub(super) judge: tokio::sync::Mutex<E::Connection>,
}

impl<E: Engine> Names<E> {
    pub(super) async fn open(place: &E::Place) -> Result<Self> {
        let options = E::options(place);
        let mut judge = options.connect().await?;
        E::run(&mut judge, "DROP TABLE IF EXISTS names").await?;
        E::run(&mut judge, "CREATE TABLE names (name TEXT NOT NULL)").await?;
        Ok(Names { pool: Self::pool(options), judge: tokio::sync::Mutex::new(judge) })
    }

    pub(super) fn pool(options: <E::Connection as sqlx::Connection>::Options) -> Pool<E> {
        sqlx::pool::PoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options)
    }

    /// Which names begin with this.
    pub(super) async fn beginning(&self, start: &str) -> Vec<String> {
        let names = E::names(&mut *self.judge.lock().await).await.expect(WORKS);
        names.iter().filter_map(|name| name.strip_prefix(start)).map(str::to_owned).collect()
    }

    /// The pool hands its one connection out, and no transaction is open on it.
    pub(super) async fn assert_clean(&self, after: &str) {
        settled().await;
        let mut connection = self.pool.acquire().await.unwrap_or_else(|error| panic!("{after}: {error}"));
        // Something is used before the judge looks: what was queued is done by then.
        E::run(&mut connection, "SELECT 1").await.unwrap_or_else(|error| panic!("{after}: {error}"));
        assert_eq!(self.open_transactions().await.expect(WORKS), 0, "{after}: a transaction is open");
        E::run(&mut connection, "BEGIN").await.unwrap_or_else(|error| panic!("{after}: {error}"));
        E::run(&mut connection, "ROLLBACK").await.unwrap_or_else(|error| panic!("{after}: {error}"));
        connection.return_to_pool().await;
    }

    pub(super) async fn open_transactions(&self) -> Result<i64> {
        E::open(&mut *self.judge.lock().await).await
    }
}

/// A folder that goes with its test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("bowline-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect(WORKS);
        Folder(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
