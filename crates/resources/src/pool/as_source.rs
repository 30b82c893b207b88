//! A pool of connections as the source of transactions.

use bowline_concurrency::Failure;

use super::{AcquireError, Checkout, Pool, Pooled};
use crate::{
    held::name,
    transaction::{ConnectionSource, Transactional},
};

/// Connections of a pool are what [`transaction`](crate::transaction()) takes: one that it leaves with an open transaction, or in an unknown state, is
/// destroyed and never handed out again.
///
/// The error of the connection has to take that of the pool, which may be full or closed.
impl<R> ConnectionSource for Pool<R>
where
    R: Pooled<Value: Transactional<Error: From<AcquireError<R::Error>>>>,
{
    type Connection = R::Value;
    type Guard = Checkout<R>;

    async fn acquire(&self) -> Result<Checkout<R>, <R::Value as Transactional>::Error> {
        Ok(Pool::acquire(self).await?)
    }

    async fn give_back(&self, connection: Checkout<R>) -> Result<(), <R::Value as Transactional>::Error> {
        if let Err(error) = connection.give_back().await {
            // It is destroyed by now, and the transaction has ended well.
            Failure::error(name::<R>("the reset of"), error).report();
        }
        Ok(())
    }

    fn discard(&self, mut connection: Checkout<R>) {
        connection.invalidate();
    }
}
