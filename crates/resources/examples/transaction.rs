//! A connection that is closed and a session that is committed or rolled back, on a file of SQLite: what if the caller goes away half-way?
//!
//! Then the session is rolled back before the deadline returns, and the pool, of one connection only, is as good as new.
//!
//! Run: `cargo run -p bowline-resources --features sqlx --example transaction`
//!
//! Expected output:
//!
//! ```text
//! stored: ada
//! not stored: bob is not wanted
//! too late: storing eve did not finish within 50ms (deadline set at …)
//! stored: cy; with a second name: false
//! users: ["ada", "cy"]
//! ```

use std::{env, error::Error, fs, future::pending, path::PathBuf, process, time::Duration};

use bowline_concurrency::{root_scope, timeout};
use bowline_resources::{Exit, Resource, savepoint, transaction, with};
use sqlx::{
    Connection, Executor, SqliteConnection, SqlitePool, query, query_scalar,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// `AsyncDatabaseConnection`
struct DatabaseConnection(PathBuf);

impl Resource for DatabaseConnection {
    type Value = SqliteConnection;
    type Error = sqlx::Error;

    async fn acquire(&mut self) -> sqlx::Result<SqliteConnection> {
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&self.0).create_if_missing(true)).await
    }

    async fn release(&mut self, connection: SqliteConnection, _: Exit) -> sqlx::Result<()> {
        connection.close().await
    }
}

/// `get_users()`
async fn get_users(file: PathBuf) -> sqlx::Result<Vec<String>> {
    let users = "SELECT name FROM users ORDER BY name";
    with(DatabaseConnection(file), async |db| query_scalar(users).fetch_all(db).await).await
}

/// `async with get_db_session() as session`
async fn store(pool: &SqlitePool, name: &str) -> Result<(), Box<dyn Error>> {
    transaction(pool, async |session| {
        query("INSERT INTO users VALUES ($1)").bind(name).execute(&mut **session).await?;
        match name {
            "bob" => Err(format!("{name} is not wanted").into()),
            "eve" => pending().await,
            _ => Ok(()),
        }
    })
    .await
}

/// A user, and if that can be had, a second name.
async fn store_with_alias(pool: &SqlitePool, name: &str, alias: &str) -> sqlx::Result<bool> {
    transaction(pool, async |session| {
        let insert = "INSERT INTO users VALUES ($1)";
        query(insert).bind(name).execute(&mut **session).await?;
        let second = savepoint(session, async |session| {
            query("UPDATE users SET name = name || ' 2'").execute(&mut **session).await?;
            query(insert).bind(alias).execute(&mut **session).await
        });
        Ok(second.await.is_ok()) // Else only what it has done is undone.
    })
    .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = env::temp_dir().join(format!("bowline-transaction-{}.sqlite", process::id()));
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let outcome = root_scope(async {
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        pool.execute("CREATE TABLE users (name TEXT PRIMARY KEY CHECK (name <> ''))").await?;
        store(&pool, "ada").await?;
        println!("stored: ada");
        if let Err(error) = store(&pool, "bob").await {
            println!("not stored: {error}");
        }
        if let Err(elapsed) = timeout(Duration::from_millis(50), store(&pool, "eve")).named("storing eve").await {
            println!("too late: {elapsed}"); // Rolled back, and the connection is in the pool again.
        }
        println!("stored: cy; with a second name: {}", store_with_alias(&pool, "cy", "").await?);
        println!("users: {:?}", get_users(file.clone()).await?);
        pool.close().await;
        Ok(())
    })
    .await?;
    fs::remove_file(file)?;
    outcome
}
