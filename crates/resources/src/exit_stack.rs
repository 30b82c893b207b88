//! Several resources, released together.
//!
//! # Invariants
//!
//! 1. A value that was acquired is in a [`Loan`], from the same poll on. A loan that is dropped puts it back into its seat, or hands its
//!    release off, if it has no seat.
//! 2. The seats are in a table that the stack shares with its loans. Who takes a member out of it releases it.
//! 3. Members leave the table from its end, one at a time: the next one when the release of the one before it has ended.
//! 4. What is acquired or released in the background, since its caller went, has a seat until it is done (`Elsewhere`). So
//!    earlier members wait for it.
//! 5. Under the lock of the table no code of the user's runs.

use std::{any::type_name, fmt, sync::Arc, thread, time::Duration};

use bowline_concurrency::{Failure, Scope, Shield, shield};

mod callback;
mod error;
mod in_body;
mod loan;
mod member;
mod orphan;
mod outcome;
mod table;
mod together;
mod unwind;

pub use callback::CallbackOutput;
pub use error::{CloseError, ReleaseError};
pub use in_body::exit_stack;
pub use loan::Loan;

use crate::{exit::Exit, held::name, masked::Masked, resource::Resource};
use member::BoxError;
use orphan::Orphaning;
use outcome::Outcome;
use table::Table;
use together::unwind_together;
use unwind::{Caller, Deserted, unwind};

/// Releases any number of resources and callbacks, the last one first: Python's `AsyncExitStack`.
///
/// - [`enter`](ExitStack::enter) acquires a [`Resource`] and gives a [`Loan`] of its value.
/// - [`push`](ExitStack::push) and [`defer`](ExitStack::defer) add callbacks, [`adopt`](ExitStack::adopt) a value that is there already.
/// - [`close`](ExitStack::close) releases all. One that fails or panics does not keep the others from being released.
///
/// Where the use of the resources has one end, prefer [`exit_stack()`]: it tells the releases how that was. A fixed number of resources
/// needs no stack: nest [`with`](crate::with).
///
/// # Dropped without being closed
///
/// The releases run as one task in the background, in the same order, with [`Exit::Cancelled`], or [`Exit::Panicked`] if the thread is panicking;
/// the enclosing scope waits for it. Each has a deadline of its own, [`release_within`](Resource::release_within), and 30 s for
/// callbacks. One that hangs is then dropped and reported, and the next one goes on. A value that is still on loan is waited for just as long.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, ExitStack, Resource};
///
/// struct Shard(u32);
///
/// impl Resource for Shard {
///     type Value = Vec<String>;
///     type Error = std::io::Error;
///
///     async fn acquire(&mut self) -> std::io::Result<Vec<String>> {
///         Ok(Vec::new())
///     }
///
///     async fn release(&mut self, rows: Vec<String>, _exit: Exit) -> std::io::Result<()> {
///         Ok(println!("shard {}: {rows:?}", self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut stack = ExitStack::new();
/// let mut shards = Vec::new();
/// for number in 0..3 {
///     shards.push(stack.enter(Shard(number)).await?);
/// }
/// stack.push(async |exit| println!("audited: {exit:?}"));
/// shards[1].push("a row".to_owned());
/// shards.remove(0).release().await?; // Before the others.
/// assert_eq!(stack.len(), 3);
///
/// drop(shards); // Back into the stack.
/// stack.close().await?; // The audit, shard 2, shard 1.
/// # Ok(())
/// # }
/// ```
#[doc(alias = "AsyncExitStack")]
#[derive(Default)]
pub struct ExitStack {
    /// `None` as long as nothing has come in.
    table: Option<Arc<Table>>,
}

impl ExitStack {
    /// Makes an empty stack.
    pub const fn new() -> Self {
        ExitStack { table: None }
    }

    /// Acquires a resource, which is released with the others, or before by [`Loan::release`].
    ///
    /// # Errors
    ///
    /// It could not be acquired. The stack is as it was before.
    ///
    /// # Panics
    ///
    /// With a panic of the acquisition; the stack is as it was before.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped anywhere. Dropped half-way, the acquisition is finished in the background, and the value released at once;
    /// the enclosing scope waits for that, and so does the release of the earlier members.
    pub async fn enter<R>(&mut self, mut resource: R) -> Result<Loan<R::Value>, R::Error>
    where
        R: Resource<Error: Into<BoxError>>,
    {
        let table = self.table().clone();
        let budget = resource.release_within();
        let shared = table.clone();
        let work = shield(budget, async move {
            let value = resource.acquire().await?;
            Ok(Loan::new(resource, value, budget, shared))
        });
        let take = |outcome: Result<Loan<R::Value>, R::Error>, exit, elsewhere| match outcome {
            Ok(loan) => loan.hand_off(exit, elsewhere),
            Err(error) => Failure::error(name::<R>("the acquisition of"), error).report(),
        };
        let name = ("acquisition", type_name::<R>());
        let orphaning = Orphaning { work: Some(work), table, seat: None, name, take: Some(take) };
        let mut loan = orphaning.await?;
        loan.take_seat();
        Ok(loan)
    }

    /// Takes a value that was acquired elsewhere, and releases it with the others.
    pub fn adopt<R>(&mut self, resource: R, value: R::Value) -> Loan<R::Value>
    where
        R: Resource<Error: Into<BoxError>>,
    {
        let budget = resource.release_within();
        let mut loan = Loan::new(resource, value, budget, self.table().clone());
        loan.take_seat();
        loan
    }

    /// Adds an asynchronous callback, which is called once, in its turn. It may return nothing or a `Result`, whose error [`close`](ExitStack::close) returns.
    ///
    /// ```
    /// use bowline_resources::ExitStack;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut stack = ExitStack::new();
    /// stack.push(async |_exit| Err("not there"));
    /// stack.push(async |exit| println!("{exit:?}")); // First.
    /// assert!(stack.close().await.is_err());
    /// # }
    /// ```
    #[doc(alias = "push_async_callback")]
    #[doc(alias = "push_async_exit")]
    pub fn push<C, F>(&mut self, callback: C)
    where
        C: FnOnce(Exit) -> F + Send + 'static,
        F: Future<Output: CallbackOutput> + Send + 'static,
    {
        self.table().add(callback::callback(type_name::<C>(), callback));
    }

    /// Adds a plain callback; otherwise like [`push`](ExitStack::push). It must not block.
    #[doc(alias = "callback")]
    pub fn defer<C, T>(&mut self, callback: C)
    where
        C: FnOnce(Exit) -> T + Send + 'static,
        T: CallbackOutput + 'static,
    {
        self.table().add(callback::callback(type_name::<C>(), move |exit| async move { callback(exit) }));
    }

    /// Moves everything into a new stack. This one is empty then and releases nothing; loans belong to the new one.
    #[doc(alias = "pop_all")]
    #[must_use = "dropping the new stack releases everything"]
    pub fn take(&mut self) -> ExitStack {
        std::mem::take(self)
    }

    /// How many members there are, with those that are on loan.
    pub fn len(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.len())
    }

    /// Whether there is no member, not even one on loan.
    pub fn is_empty(&self) -> bool {
        self.table.as_ref().is_none_or(|table| table.is_empty())
    }

    /// Releases all members with [`Exit::Completed`], the last one first, each when the one before it is done.
    ///
    /// A value that is still on loan is an error, and passed over. It is released when its loan is dropped, as a task that the scope around waits for.
    ///
    /// # Errors
    ///
    /// Releases failed or values were on loan: all errors, in the order in which they happened. Nothing is left in the stack.
    ///
    /// # Panics
    ///
    /// With the first panic of a release, when all have run. Other panics and errors go to the observer then.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped anywhere. Before it is polled, that is to drop the stack. Half-way, the rest is done as a task
    /// that the enclosing scope waits for, with a deadline for each release, and errors go to the observer.
    pub async fn close(self) -> Result<(), CloseError> {
        self.close_with(Exit::Completed).await
    }

    /// Releases all members and tells them how the use ended; otherwise like [`close`](ExitStack::close).
    ///
    /// # Errors
    ///
    /// See [`close`](ExitStack::close).
    ///
    /// # Panics
    ///
    /// See [`close`](ExitStack::close).
    ///
    /// # Cancel safety
    ///
    /// See [`close`](ExitStack::close).
    pub async fn close_with(mut self, exit: Exit) -> Result<(), CloseError> {
        let Some(table) = self.table.take() else { return Ok(()) };
        let deserted = Deserted::default();
        conclude(unwind(table, exit, deserted.clone()), deserted).await
    }

    /// Releases all members at once; otherwise like [`close_with`](ExitStack::close_with). They are concurrent, in the task of the caller.
    ///
    /// For members that do not depend on each other. Of a stack that is dropped instead, they are released one after the other.
    ///
    /// # Errors
    ///
    /// See [`close`](ExitStack::close).
    ///
    /// # Panics
    ///
    /// See [`close`](ExitStack::close).
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the rest is finished in the background, still side by side; the enclosing scope waits for it.
    ///
    /// # Examples
    ///
    /// A group that is released at once, in its turn among others:
    ///
    /// ```
    /// use bowline_resources::ExitStack;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), bowline_resources::CloseError> {
    /// let mut shards = ExitStack::new();
    /// shards.push(async |_| println!("one shard"));
    /// shards.push(async |_| println!("another"));
    ///
    /// let mut stack = ExitStack::new();
    /// stack.push(async move |exit| shards.close_in_parallel(exit).await);
    /// stack.defer(|_| println!("first"));
    /// stack.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close_in_parallel(mut self, exit: Exit) -> Result<(), CloseError> {
        let Some(table) = self.table.take() else { return Ok(()) };
        let deserted = Deserted::default();
        conclude(unwind_together(table, exit, deserted.clone()), deserted).await
    }

    fn table(&mut self) -> &Arc<Table> {
        self.table.get_or_insert_with(|| Arc::new(Table::new()))
    }
}

async fn conclude(work: impl Future<Output = Outcome> + Send + 'static, deserted: Deserted) -> Result<(), CloseError> {
    let mut work = Masked::new(shield(Duration::MAX, work), hand_off_rest);
    let _caller = Caller(deserted);
    (&mut work).await.conclude()
}

fn hand_off_rest(rest: Shield<Outcome>) {
    drop(rest.named(WHOLE)); // Its outcome has reported itself.
}

const WHOLE: &str = "the release of an exit stack";

impl Drop for ExitStack {
    fn drop(&mut self) {
        let Some(table) = self.table.take().filter(|table| !table.is_empty()) else { return };
        let exit = if thread::panicking() { Exit::Panicked } else { cancelled_here() };
        let work = unwind(table.clone(), exit, Deserted::yes());
        table.hand_off(WHOLE.into(), async { drop(work.await) });
    }
}

fn cancelled_here() -> Exit {
    Exit::Cancelled(Scope::current().reason_for_drop())
}

impl fmt::Debug for ExitStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitStack").field("len", &self.len()).finish()
    }
}
