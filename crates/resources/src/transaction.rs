//! Transactions: committed on `Ok`, rolled back on everything else.

mod borrowed;
mod connection;
mod ending_within;
mod open;
mod owned;
mod tx;

use std::fmt;

pub use self::{
    borrowed::{savepoint, transaction_on},
    connection::{ConnectionSource, RollbackLater, Step, Transactional},
    ending_within::EndingWithin,
    tx::Tx,
};
use self::{open::InTransaction, owned::Owned};
use crate::with::with;

/// Takes a connection out of `source` and runs `body` in a transaction on it: `Ok` commits; an error, a panic or a dropped caller rolls back.
///
/// | then | and the connection is |
/// |---|---|
/// | it was committed, or rolled back | handed back: [`ConnectionSource::give_back`] |
/// | the rollback failed, panicked or took too long, or nobody knows | thrown away: [`ConnectionSource::discard`] |
///
/// So a connection with an open transaction is never handed out again. The body gets the connection as a [`Tx`]; inside, [`savepoint`] nests.
/// What the body opened and left behind has settled before the commit or the rollback begins. For a connection that is only
/// borrowed use [`transaction_on`].
///
/// # Errors
///
/// The error of the body, after the rollback; or that of acquiring a connection, of beginning or of committing. After a failed commit
/// the transaction is rolled back as a precaution. Errors of a rollback, and of handing back, go to the observer (that of
/// [`Scope::observe_failures`](bowline_concurrency::Scope::observe_failures)): what the caller is told is what became of the transaction.
///
/// # Panics
///
/// With a panic of the body, after the rollback; with one of beginning or committing; and outside a Tokio runtime with timers.
///
/// # Cancel safety
///
/// It may be dropped anywhere; the enclosing scope waits for what is left to do.
///
/// | dropped while | |
/// |---|---|
/// | a connection is acquired | nothing has happened; the acquisition is dropped |
/// | the transaction begins | it has begun, is rolled back, and the connection handed back |
/// | the body runs | the body is dropped on the spot, the transaction rolled back |
/// | it is committed or rolled back | that is done to its end |
///
/// The only point of no return is the end of the body: what it decided is done, although the caller has gone, for up to [`ConnectionSource::end_within`].
///
/// # Examples
///
/// A connection that is made for each transaction. (For pools of sqlx there is the feature `sqlx`.)
///
/// ```
/// use bowline_resources::{ConnectionSource, Transactional, transaction};
/// use std::{io, sync::{Arc, Mutex}};
///
/// /// A number that changes only in transactions.
/// #[derive(Clone, Default)]
/// struct Account(Arc<Mutex<i64>>);
///
/// struct Session { account: Account, balance: i64 }
///
/// impl Transactional for Session {
///     type Error = io::Error;
///
///     async fn begin(&mut self, _depth: usize) -> io::Result<()> {
///         self.balance = *self.account.0.lock().unwrap();
///         Ok(())
///     }
///     async fn commit(&mut self, _depth: usize) -> io::Result<()> {
///         *self.account.0.lock().unwrap() = self.balance;
///         Ok(())
///     }
///     async fn rollback(&mut self, _depth: usize) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// impl ConnectionSource for Account {
///     type Connection = Session;
///     type Guard = Box<Session>;
///
///     async fn acquire(&self) -> io::Result<Box<Session>> {
///         Ok(Box::new(Session { account: self.clone(), balance: 0 }))
///     }
///     async fn give_back(&self, _session: Box<Session>) -> io::Result<()> {
///         Ok(())
///     }
///     fn discard(&self, _session: Box<Session>) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let account = Account::default();
/// transaction(&account, async |tx| Ok::<_, io::Error>(tx.balance += 10)).await?;
/// let failed = transaction(&account, async |tx| {
///     tx.balance -= 1000;
///     Err::<(), _>(io::Error::other("not covered"))
/// });
/// assert!(failed.await.is_err());
/// assert_eq!(*account.0.lock().unwrap(), 10);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "begin")]
#[doc(alias = "commit")]
#[doc(alias = "rollback")]
#[doc(alias = "atomic")]
pub async fn transaction<S, T, E, F>(source: &S, body: F) -> Result<T, E>
where
    S: ConnectionSource,
    E: From<<S::Connection as Transactional>::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut Tx<'_, S::Connection>) -> Result<T, E>,
{
    // Not masked: who waits for a connection in vain may leave. There is no await before the connection is owned.
    let owned = Owned::new(source.clone(), source.acquire().await?);
    with(InTransaction::new(owned), async |owned| body(&mut Tx::new(owned.connection(), 0)).await).await
}
