//! Pages into rows, in one transaction with the note that they are there.

use std::{sync::Arc, thread};

use bowline_resources::{ConnectionSource, Transactional, transaction};
use rusqlite::{Connection, OptionalExtension, params};
use tracing::debug;

use super::{Store, StoreError, Stored, schema};
use crate::{
    checkpoint::Checkpoint,
    page::{Page, Record},
};

/// The one connection, for who writes in a transaction on it.
#[derive(Debug)]
pub struct Writing(Store);

impl Transactional for Writing {
    type Error = StoreError;

    async fn begin(&mut self, _depth: usize) -> Result<(), StoreError> {
        self.0.call("begin a transaction", |connection| connection.execute_batch("BEGIN IMMEDIATE")).await
    }

    async fn commit(&mut self, _depth: usize) -> Result<(), StoreError> {
        let slow_commit = self.0.slow_commit;
        let commit = move |connection: &Connection| {
            if !slow_commit.is_zero() {
                eprintln!("committing");
                thread::sleep(slow_commit);
            }
            connection.execute_batch("COMMIT")
        };
        self.0.call("commit", commit).await
    }

    async fn rollback(&mut self, _depth: usize) -> Result<(), StoreError> {
        // Also after a commit that failed: SQLite may have kept the transaction, and the next one could not begin.
        let rollback = |connection: &Connection| {
            if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
        };
        self.0.call("roll back", rollback).await
    }
}

impl ConnectionSource for Store {
    type Connection = Writing;
    type Guard = Box<Writing>;

    async fn acquire(&self) -> Result<Box<Writing>, StoreError> {
        Ok(Box::new(Writing(self.clone())))
    }

    async fn give_back(&self, _: Box<Writing>) -> Result<(), StoreError> {
        Ok(())
    }

    /// There is only this one, and the next transaction says what is wrong with it.
    fn discard(&self, _: Box<Writing>) {}
}

impl Store {
    /// Stores pages and the checkpoint that says so: all of it or, if this fails or the process dies, nothing.
    ///
    /// # Errors
    ///
    /// The database fails. Nothing was stored.
    pub async fn save(&self, run: i64, pages: Vec<Arc<Page>>, checkpoint: &Checkpoint) -> Result<Stored, StoreError> {
        let checkpoint = checkpoint.clone();
        let stored = transaction(self, async |writing| {
            let table = writing.0.table.clone();
            let write = move |connection: &Connection| {
                let stored = write_pages(connection, &table, run, &pages)?;
                write_marks(connection, run, stored, &checkpoint)?;
                Ok(stored)
            };
            writing.0.call("store a batch", write).await
        })
        .await?;
        debug!("a batch is committed: {stored}, {} dead letters", stored.dead);
        Ok(stored)
    }
}

fn write_pages(connection: &Connection, table: &str, run: i64, pages: &[Arc<Page>]) -> rusqlite::Result<Stored> {
    let mut stored = Stored::default();
    for page in pages {
        for record in &page.records {
            write_record(connection, table, run, record, &mut stored)?;
        }
        let mut dead_letter = connection.prepare_cached(schema::ADD_DEAD_LETTER)?;
        for dead in &page.dead {
            dead_letter.execute(params![run, page.index + 1, dead.position, dead.reason, dead.raw])?;
            stored.dead += 1;
        }
    }
    Ok(stored)
}

fn write_record(
    connection: &Connection,
    table: &str,
    run: i64,
    record: &Record,
    stored: &mut Stored,
) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(&schema::find_record(table))?;
    let known: Option<String> = find.query_row([&record.key], |row| row.get(0)).optional()?;
    let (statement, count) = match known {
        Some(hash) if hash == record.hash => {
            stored.unchanged += 1;
            return Ok(());
        }
        Some(_) => (schema::change_record(table), &mut stored.changed),
        None => (schema::add_record(table), &mut stored.new),
    };
    connection.prepare_cached(&statement)?.execute(params![record.key, record.doc, record.hash, run])?;
    *count += 1;
    Ok(())
}

fn write_marks(connection: &Connection, run: i64, stored: Stored, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
    let Stored { new, changed, unchanged, dead } = stored;
    connection.prepare_cached(schema::ADD_TOTALS)?.execute(params![run, new, changed, unchanged, dead])?;
    let marks = params![run, checkpoint.done(), checkpoint.next(), checkpoint.beyond()];
    connection.prepare_cached(schema::MARK_PAGES)?.execute(marks)?;
    Ok(())
}
