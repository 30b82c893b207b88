//! PostgreSQL: by statements of our own, of which sqlx does not count the depth.
//!
//! sqlx counts a transaction when the answer to its `BEGIN` has come. Dropped before, it leaves one that has begun and is not counted,
//! and is not rolled back (sqlx#4385); with a savepoint it is worse: what it rolls back then is the transaction around.
//!
//! # Invariants
//!
//! 1. sqlx's count stays 0. Then [`queue`] can put any statement into the queue of the connection, without an await.
//! 2. What is queued is idempotent: it may follow one that was sent already.
//! 3. The exception to 1 is an answer so quick that [`queue`] sees it: see there. Then the count is 1 until the transaction ends.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use sqlx::{
    AssertSqlSafe, Error, Executor, PgConnection, SqlSafeStr, SqlStr, postgres::PgTransactionManager as Manager,
};
use sqlx_core::transaction::TransactionManager;

use crate::transaction::{RollbackLater, Step, Transactional};

/// Inside, use [`savepoint`](crate::savepoint) and not sqlx's own `begin`: sqlx does not know of the transaction, and its `COMMIT` would end it.
/// A level of isolation is set by the first statement: `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`.
///
/// A transaction in which a statement has failed cannot be committed: PostgreSQL would roll it back and say that all is well; here that is an error.
impl Transactional for PgConnection {
    type Error = Error;

    async fn begin(&mut self, depth: usize) -> Result<(), Error> {
        if depth == 0 && Manager::get_transaction_depth(self) > 0 {
            return Err(Error::InvalidSavePointStatement); // In one of sqlx's.
        }
        self.execute(if depth == 0 { "BEGIN".into_sql_str() } else { of_savepoint("SAVEPOINT", depth) }).await?;
        Ok(())
    }

    async fn commit(&mut self, depth: usize) -> Result<(), Error> {
        if depth > 0 {
            self.execute(of_savepoint("RELEASE SAVEPOINT", depth)).await?;
        } else if Manager::get_transaction_depth(self) > 0 {
            self.execute("SELECT 1".into_sql_str()).await?;
            Manager::commit(self).await?; // Invariant 3.
        } else {
            // After a statement that failed, PostgreSQL answers to COMMIT that all is well, and rolls back. A SELECT fails there.
            self.execute(sqlx::raw_sql("SELECT 1; COMMIT")).await?;
        }
        Ok(())
    }

    async fn rollback(&mut self, depth: usize) -> Result<(), Error> {
        if depth == 0 && Manager::get_transaction_depth(self) > 0 {
            return Manager::rollback(self).await; // Invariant 3.
        }
        match self.execute(rollback(depth)).await {
            // Perhaps of a statement that was cut off in the body: its answer comes first.
            Err(Error::Database(_)) => self.execute(rollback(depth)).await?,
            outcome => outcome?,
        };
        Ok(())
    }
}

/// After a statement that was cut off, sqlx gives its error, if that is its answer, to the next statement. What was owed is done all the same.
impl RollbackLater for PgConnection {
    fn rollback_later(&mut self, depth: usize, during: Step) {
        match during {
            // A savepoint that was set all the same is empty, and ends with what is around.
            Step::Begin if depth > 0 => {}
            // It was released, or it will be with what is around.
            Step::Commit if depth > 0 => {}
            _ if Manager::get_transaction_depth(self) == 0 => queue(self, rollback(depth)),
            _ => {
                // Invariant 3. For a savepoint this is too much; so nothing more is accepted until the end of what is around.
                Manager::start_rollback(self);
                if depth > 0 {
                    queue(self, "BEGIN; SELECT 1 / 0".into_sql_str());
                }
            }
        }
    }
}

/// Queues a statement: it is sent now or, if the socket is full, before the next one.
///
/// It is what sqlx does with the statement that begins a transaction; no other of its functions writes before it has awaited what is
/// on its way. Dropped after one poll, it leaves the statement queued and nothing counted. If the answer has come in that poll (a thread that
/// stood still between two system calls), sqlx sees an open transaction, and counts it: invariant 3.
fn queue(connection: &mut PgConnection, statement: SqlStr) {
    let poll = pin!(Manager::begin(connection, Some(statement))).poll(&mut Context::from_waker(Waker::noop()));
    match poll {
        Poll::Pending | Poll::Ready(Ok(())) => {}
        // Of a connection that is broken, and will say so; or of a statement before ours.
        Poll::Ready(Err(_)) => {}
    }
}

fn rollback(depth: usize) -> SqlStr {
    // The savepoint is kept: rolled back to again, it does no harm.
    if depth == 0 { "ROLLBACK".into_sql_str() } else { of_savepoint("ROLLBACK TO SAVEPOINT", depth) }
}

fn of_savepoint(what: &str, depth: usize) -> SqlStr {
    AssertSqlSafe(format!("{what} bowline_{depth}")).into_sql_str()
}
