//! Transactions: committed on `Ok`, rolled back on everything else.

use std::fmt;

use crate::{exit::Exit, resource::Resource, with::with};

/// Where transactions begin, such as a database pool.
///
/// A cheap, cloneable handle: a transaction whose caller has gone is ended in the background.
pub trait Begin: Clone + Send + Sync + 'static {
    /// A transaction that has begun.
    type Transaction: Send + 'static;
    /// Why beginning or ending one failed.
    type Error: fmt::Debug + Send + 'static;

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// No transaction has begun.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: a transaction that has begun after its caller went is rolled back.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction, Self::Error>> + Send;

    /// Makes the changes permanent.
    ///
    /// # Errors
    ///
    /// The changes are not permanent. [`rollback`](Begin::rollback) is not called after that: most databases end a transaction whose
    /// commit failed. Where one keeps it open, as SQLite does while others hold its lock, roll back here.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: once begun, it runs to its end although its caller has gone.
    fn commit(&self, transaction: Self::Transaction) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Undoes the changes.
    ///
    /// # Errors
    ///
    /// The state of the connection is unknown; it should not be used again.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: the enclosing scope waits for it, at most 30 s.
    fn rollback(&self, transaction: Self::Transaction) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Runs `body` in a transaction: `Ok` commits; an error, a panic or a dropped caller rolls back.
///
/// # Errors
///
/// The error of the body, after the rollback; or that of beginning or committing. The error of a rollback goes to the
/// observer, beside the error of the body.
///
/// # Panics
///
/// With a panic of the body, after the rollback; with one of beginning or committing; and outside a Tokio runtime.
///
/// # Cancel safety
///
/// It may be dropped anywhere, also while the transaction begins: it is rolled back, and the enclosing scope waits for that.
/// The only point of no return is the end of the body: what it decided is done, although the caller has gone.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Begin, transaction};
/// use std::{io, sync::{Arc, Mutex}};
///
/// /// A number that changes only in transactions.
/// #[derive(Clone, Default)]
/// struct Account(Arc<Mutex<i64>>);
///
/// impl Begin for Account {
///     type Transaction = i64;
///     type Error = io::Error;
///
///     async fn begin(&self) -> io::Result<i64> {
///         Ok(*self.0.lock().unwrap())
///     }
///     async fn commit(&self, changed: i64) -> io::Result<()> {
///         *self.0.lock().unwrap() = changed;
///         Ok(())
///     }
///     async fn rollback(&self, _: i64) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let account = Account::default();
/// transaction(&account, async |balance| Ok::<_, io::Error>(*balance += 10)).await?;
/// let failed = transaction(&account, async |balance| {
///     *balance -= 1000;
///     Err::<(), _>(io::Error::other("not covered"))
/// });
/// assert!(failed.await.is_err());
/// assert_eq!(*account.0.lock().unwrap(), 10);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "commit")]
#[doc(alias = "rollback")]
pub async fn transaction<B, T, E, F>(begin: &B, body: F) -> Result<T, E>
where
    B: Begin,
    E: From<B::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut B::Transaction) -> Result<T, E>,
{
    with(InTransaction(begin.clone()), body).await
}

/// A transaction as a resource. It is armed before `begin` is awaited: the lease exists from the poll that begins it.
struct InTransaction<B>(B);

impl<B: Begin> Resource for InTransaction<B> {
    type Value = B::Transaction;
    type Error = B::Error;

    async fn acquire(&mut self) -> Result<B::Transaction, B::Error> {
        self.0.begin().await
    }

    async fn release(&mut self, transaction: B::Transaction, exit: Exit) -> Result<(), B::Error> {
        if exit.is_completed() { self.0.commit(transaction).await } else { self.0.rollback(transaction).await }
    }
}
