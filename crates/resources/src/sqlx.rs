//! Transactions of sqlx (feature `sqlx`).

mod postgres;
mod sqlite;

use sqlx::{Database, Error, Pool, pool::PoolConnection};

use crate::transaction::{ConnectionSource, Transactional};

/// The connections of `SqlitePool` and `PgPool`.
///
/// A connection comes back while `transaction` is awaited, and so tested, and not some time later as by sqlx. A connection that is thrown away
/// is closed without a goodbye: the database rolls back, and one in memory is gone with it. After [`Pool::close`] nothing begins any more.
impl<DB: Database> ConnectionSource for Pool<DB>
where
    DB::Connection: Transactional<Error = Error>,
{
    type Connection = DB::Connection;
    type Guard = PoolConnection<DB>;

    async fn acquire(&self) -> Result<PoolConnection<DB>, Error> {
        Pool::acquire(self).await
    }

    /// With a ping, as by sqlx's own destructor. But that one awaits it in a task of which nobody knows: with a peer that
    /// does not answer, for ever, and the permit is gone (sqlx#4349). Cut off here, the future gives the permit back.
    async fn give_back(&self, mut connection: PoolConnection<DB>) -> Result<(), Error> {
        connection.return_to_pool().await;
        Ok(())
    }

    fn discard(&self, connection: PoolConnection<DB>) {
        // Now, and not in a task as `close_on_drop` does: a runtime that ends would keep the permit. The server sees the end of
        // the connection, and rolls back.
        drop(connection.detach());
    }
}
