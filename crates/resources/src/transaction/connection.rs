//! What transactions need of a driver, and of a pool.

use std::{fmt, ops::DerefMut, time::Duration};

use super::ending_within::EndingWithin;

/// A connection on which transactions run, one at a time.
///
/// `depth` is 0 for a transaction, and counts up for the savepoints in it: the first in a transaction has 1, one in that has 2. None of
/// the three futures needs to be cancel safe; what is owed when they are cut off is said there.
pub trait Transactional: Send {
    /// Why beginning or ending a transaction failed.
    type Error: fmt::Debug + Send + 'static;

    /// Begins a transaction, or sets a savepoint.
    ///
    /// # Errors
    ///
    /// Nothing has begun.
    ///
    /// # Cancel safety
    ///
    /// On an owned connection it runs to its end although its caller has gone, and [`rollback`](Transactional::rollback) follows. Cut off
    /// there, past its deadline or by the end of the runtime, it takes the connection with it. On a borrowed connection see [`RollbackLater`].
    fn begin(&mut self, depth: usize) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes the changes permanent; of a savepoint, makes them part of what is around.
    ///
    /// # Errors
    ///
    /// The changes are not permanent. A [`rollback`](Transactional::rollback) follows as a precaution: most databases have ended a transaction
    /// whose commit failed, but SQLite keeps it while others hold its lock.
    ///
    /// # Cancel safety
    ///
    /// That of [`begin`](Transactional::begin), but for the rollback.
    fn commit(&mut self, depth: usize) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Undoes the changes.
    ///
    /// With depth 0 it may be called where no transaction is open any more, or none has begun because [`begin`](Transactional::begin) failed: it is fine then.
    ///
    /// # Errors
    ///
    /// The state of the connection is unknown: an owned one is thrown away.
    ///
    /// # Cancel safety
    ///
    /// That of [`begin`](Transactional::begin).
    fn rollback(&mut self, depth: usize) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A connection on which a transaction can be left without an await: what [`transaction_on`](crate::transaction_on) and [`savepoint`](crate::savepoint) need.
///
/// A connection that is only borrowed cannot be taken along to a task that rolls back. The next one who uses it pays.
pub trait RollbackLater: Transactional {
    /// Arranges that the transaction or savepoint is rolled back **before the next use** of the connection: its user has gone.
    ///
    /// `during` is where it was cut off; the future that did that step has been dropped.
    ///
    /// | during | it is owed that | and beware of |
    /// |---|---|---|
    /// | [`Step::Begin`] | nothing has begun | a transaction that begins all the same, as its statement is on the way; and of rolling back what is around |
    /// | [`Step::Body`] | it is rolled back | |
    /// | [`Step::Commit`] | it is committed or rolled back | a savepoint that has been released: rolled back again that is an error, or the end of what is around |
    /// | [`Step::Rollback`] | it is rolled back | a rollback done twice, as above |
    ///
    /// It must not block. Inner ones are told before outer ones.
    fn rollback_later(&mut self, depth: usize, during: Step);
}

/// What a transaction was at when its caller went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It was being begun.
    Begin,
    /// The body ran.
    Body,
    /// The body had returned `Ok`, and it was being committed.
    Commit,
    /// It was being rolled back, or that failed.
    Rollback,
}

/// Where connections come from that are to be handed back clean, such as a pool.
///
/// A cheap, cloneable handle: what is to be done after its caller has gone is done with a clone.
pub trait ConnectionSource: Clone + Send + Sync + 'static {
    /// The connection, as a body sees it.
    type Connection: Transactional + 'static;
    /// The connection on loan. For a connection without any guard around it a `Box` will do.
    type Guard: DerefMut<Target = Self::Connection> + Send + 'static;

    /// Acquires a connection on which no transaction is open.
    ///
    /// # Errors
    ///
    /// There is none.
    ///
    /// # Cancel safety
    ///
    /// It must be cancel safe: dropped half-way, it leaves no connection behind that nobody has.
    fn acquire(&self) -> impl Future<Output = Result<Self::Guard, ErrorOf<Self>>> + Send;

    /// Hands a connection back on which no transaction is open.
    ///
    /// # Errors
    ///
    /// They are reported to the observer: the transaction has ended well before.
    ///
    /// # Cancel safety
    ///
    /// Cut off past [`end_within`](ConnectionSource::end_within), or by the end of the runtime, it throws the connection away.
    fn give_back(&self, connection: Self::Guard) -> impl Future<Output = Result<(), ErrorOf<Self>>> + Send;

    /// Throws a connection away, without awaits: nobody knows its state, so nobody must get it again.
    ///
    /// It is called in a destructor, where its runtime may have ended: the runtime is entered, but what is spawned there may not run. It must not block.
    fn discard(&self, connection: Self::Guard);

    /// How long a rollback may take, and then handing back; and once the caller has gone, beginning or ending the transaction as a whole. 30 s unless overridden.
    ///
    /// Past that the connection is thrown away, and that is reported to the observer: nobody waits for a dead peer for ever.
    fn end_within(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// The same source with another [`end_within`](ConnectionSource::end_within).
    fn ending_within(self, budget: Duration) -> EndingWithin<Self> {
        EndingWithin::new(self, budget)
    }
}

/// The error of the connections of a source.
pub(super) type ErrorOf<S> = <<S as ConnectionSource>::Connection as Transactional>::Error;
