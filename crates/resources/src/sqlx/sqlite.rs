//! SQLite: sqlx keeps the depth on the thread of the connection, where no future can be dropped.

use sqlx::{Connection, Error, SqliteConnection, sqlite::SqliteTransactionManager as Manager};
use sqlx_core::transaction::TransactionManager;

use crate::transaction::{RollbackLater, Step, Transactional};

/// sqlx knows of the transaction: inside, its own `begin` makes savepoints, too.
///
/// SQLite begins with reading, and fails at the first change if others have written since; `SQLITE_BUSY` at the commit is an error, after which it is rolled back.
impl Transactional for SqliteConnection {
    type Error = Error;

    async fn begin(&mut self, depth: usize) -> Result<(), Error> {
        if Manager::get_transaction_depth(self) != depth {
            // A rollback for later may still be in the queue of the thread. The answer comes after it.
            self.ping().await?;
        }
        if Manager::get_transaction_depth(self) != depth {
            // Of an sqlx transaction around ours, or one inside that was not ended.
            return Err(Error::InvalidSavePointStatement);
        }
        Manager::begin(self, None).await
    }

    async fn commit(&mut self, _depth: usize) -> Result<(), Error> {
        Manager::commit(self).await
    }

    async fn rollback(&mut self, _depth: usize) -> Result<(), Error> {
        Manager::rollback(self).await
    }
}

impl RollbackLater for SqliteConnection {
    fn rollback_later(&mut self, _depth: usize, during: Step) {
        match during {
            // The thread finds nobody to tell, and rolls back itself. A second rollback would be that of what is around.
            Step::Begin => {}
            // A commit or a rollback that was done, but told to nobody: the thread takes no notice of this one.
            Step::Body | Step::Commit | Step::Rollback => Manager::start_rollback(self),
        }
    }
}
