//! Transactions on a connection that is only borrowed, and savepoints.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
};

use bowline_concurrency::{Failure, scope};

use super::{
    connection::{RollbackLater, Step},
    tx::Tx,
};
use crate::{
    held::name,
    lease::caught,
    unseen::{UnseenError, UnseenPanic},
};

/// Runs `body` in a transaction on a borrowed connection: `Ok` commits; an error, a panic or a dropped caller rolls back.
///
/// There must be no transaction open; in one, use [`savepoint`]. Where there is a pool prefer [`transaction`](crate::transaction): it awaits what is owed even
/// after its caller has gone, while this one, dropped, can only arrange that the rollback comes before the next use. Until then the database keeps the locks.
///
/// # Errors
///
/// The error of the body, after the rollback; or that of beginning or of committing. After a failed commit it is rolled back as a precaution.
/// Errors of a rollback go to the observer, and it is tried again before the next use.
///
/// # Panics
///
/// With a panic of the body, after the rollback; with one of beginning or committing.
///
/// # Cancel safety
///
/// It may be dropped anywhere: what was done is rolled back before the next use of the connection ([`RollbackLater`]). Dropped while it commits, all of
/// it is permanent or nothing, and nobody is told which.
///
/// # Examples
///
/// With sqlx, whose connections can do this (feature `sqlx`):
///
/// ```
/// # #[cfg(feature = "sqlx")] mod example {
/// use bowline_resources::{savepoint, transaction_on};
/// use sqlx::{Connection, Executor, SqliteConnection};
///
/// # #[tokio::main(flavor = "current_thread")] pub async fn main() -> sqlx::Result<()> {
/// let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
/// connection.execute("CREATE TABLE users (name TEXT)").await?;
/// transaction_on(&mut connection, async |tx| {
///     tx.execute("INSERT INTO users VALUES ('ada')").await?;
///     let refused = savepoint(tx, async |tx| {
///         tx.execute("INSERT INTO users VALUES ('bob')").await?;
///         Err::<(), _>(sqlx::Error::RowNotFound)
///     });
///     assert!(refused.await.is_err()); // Only bob is gone.
///     Ok::<_, sqlx::Error>(())
/// })
/// .await?;
/// let names: Vec<String> = sqlx::query_scalar("SELECT name FROM users").fetch_all(&mut connection).await?;
/// assert_eq!(names, ["ada"]);
/// # Ok(())
/// # }
/// # }
/// # #[cfg(feature = "sqlx")] example::main().unwrap();
/// ```
pub async fn transaction_on<C, T, E, F>(connection: &mut C, body: F) -> Result<T, E>
where
    C: RollbackLater,
    E: From<C::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut Tx<'_, C>) -> Result<T, E>,
{
    run(connection, 0, body).await
}

/// Runs `body` in a part of a transaction that can be rolled back alone: `Ok` keeps its changes, as part of the transaction; an error, a panic or a
/// dropped caller undoes them and leaves the rest.
///
/// They nest. Two of the same transaction cannot run at a time: there is one connection.
///
/// # Errors
///
/// Those of [`transaction_on`]. With most databases a transaction goes on after a statement that failed in a savepoint.
///
/// # Panics
///
/// Those of [`transaction_on`].
///
/// # Cancel safety
///
/// That of [`transaction_on`]: dropped half-way, its changes are undone before the next use of the connection, and the transaction goes on.
/// After the body has returned `Ok` its changes share the fate of the transaction, whenever it is dropped.
///
/// # Examples
///
/// See [`transaction_on`].
#[doc(alias = "nested")]
pub async fn savepoint<C, T, E, F>(tx: &mut Tx<'_, C>, body: F) -> Result<T, E>
where
    C: RollbackLater,
    E: From<C::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut Tx<'_, C>) -> Result<T, E>,
{
    let depth = tx.depth() + 1;
    run(&mut **tx, depth, body).await
}

async fn run<C, T, E, F>(connection: &mut C, depth: usize, body: F) -> Result<T, E>
where
    C: RollbackLater,
    E: From<C::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut Tx<'_, C>) -> Result<T, E>,
{
    // Before the first await: whoever goes away while it begins may leave a transaction that has begun.
    let mut open = Open { connection, depth, step: Some(Step::Begin) };
    open.begin().await?;
    let outcome = {
        let connection = &mut *open.connection;
        let body = scope(async |_| body(&mut Tx::new(connection, depth)).await.map_err(UnseenError::new));
        caught(pin!(body)).await
    };
    match outcome {
        Ok(Ok(output)) => {
            open.commit().await?;
            Ok(output)
        }
        Ok(Err(error)) => {
            open.roll_back().await;
            Err(error.into_inner())
        }
        Err(payload) => {
            let panic = UnseenPanic::new(payload);
            open.roll_back().await;
            panic.resume()
        }
    }
}

/// A transaction that is rolled back before the next use of the connection, unless it ends otherwise.
struct Open<'c, C: RollbackLater> {
    connection: &'c mut C,
    depth: usize,
    /// `None` when it has ended.
    step: Option<Step>,
}

impl<C: RollbackLater> Open<'_, C> {
    async fn begin(&mut self) -> Result<(), C::Error> {
        let begun = self.connection.begin(self.depth).await;
        // After an error there is nothing to roll back; with a savepoint that did not begin it would be what is around.
        self.step = begun.is_ok().then_some(Step::Body);
        begun
    }

    async fn commit(&mut self) -> Result<(), C::Error> {
        self.step = Some(Step::Commit);
        let committed = self.connection.commit(self.depth).await;
        match committed {
            Ok(()) => self.step = None,
            Err(_) => self.roll_back().await,
        }
        committed
    }

    /// What goes wrong is reported: the caller is told what was first.
    async fn roll_back(&mut self) {
        self.step = Some(Step::Rollback);
        match self.connection.rollback(self.depth).await {
            Ok(()) => self.step = None,
            Err(error) => Failure::error(name::<C>("the rollback on"), error).report(),
        }
    }
}

impl<C: RollbackLater> Drop for Open<'_, C> {
    fn drop(&mut self) {
        let Some(during) = self.step else { return };
        let left = catch_unwind(AssertUnwindSafe(|| self.connection.rollback_later(self.depth, during)));
        if let Err(payload) = left {
            Failure::panic(name::<C>("the rollback on"), payload).report();
        }
    }
}
