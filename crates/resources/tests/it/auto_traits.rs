//! Which types and futures may cross threads.

use std::pin::Pin;

use bowline_resources::{
    CloseError, Closed, ConnectionSource, Exit, ExitStack, KeyedShared, Loan, ReleaseError, ShareError, Shared,
    SharedLease, SharedStatistics, Step, Swap, SwapError, Transactional, Tx, exit_stack, savepoint, transaction, with,
};
use bowline_testing::{assert_send, assert_send_value, assert_sync, assert_unpin, on_both_runtimes};
use tokio::task::yield_now;

use crate::{
    support::{Door, Log, Stuck},
    transaction::{Connection, Database},
};

#[test]
fn exits_are_send_sync_and_unpin() {
    assert_send::<Exit>();
    assert_sync::<Exit>();
    assert_unpin::<Exit>();
}

#[test]
fn uses_that_borrow_are_send() {
    let (log, text, mut count) = (Log::default(), String::from("borrowed"), 0);
    assert_send_value(&with(Door::new("a", &log), async |value| {
        count += text.len();
        yield_now().await;
        println!("{value:?}");
        with(Door::new("b", &log), async |_| {
            count += text.len();
            Ok::<_, Stuck>(())
        })
        .await
    }));
}

trait Store {
    fn save<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, Stuck>> + Send + 'a>>;
    fn load<'a>(&'a self, text: &'a str) -> impl Future<Output = Result<usize, Stuck>> + Send + 'a;
}

impl Store for Log {
    fn save<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, Stuck>> + Send + 'a>> {
        Box::pin(with(Door::new("boxed", self), async move |_| {
            yield_now().await;
            Ok(text.len())
        }))
    }

    fn load<'a>(&'a self, text: &'a str) -> impl Future<Output = Result<usize, Stuck>> + Send + 'a {
        with(Door::new("returned", self), async move |_| {
            yield_now().await;
            Ok(text.len())
        })
    }
}

#[test]
fn uses_work_boxed_returned_and_spawned() {
    on_both_runtimes(async || {
        let log = Log::default();
        assert_eq!(log.save("four").await, Ok(4));
        assert_eq!(log.load("three").await, Ok(5));
        let spawned = log.clone();
        let task = tokio::spawn(async move {
            let (text, mut count) = (String::from("two"), 0);
            with(Door::new("spawned", &spawned), async |_| {
                yield_now().await;
                count += text.len();
                Ok::<_, Stuck>(())
            })
            .await?;
            Ok::<_, Stuck>(count)
        });
        assert_eq!(task.await.unwrap(), Ok(3));
        assert_eq!(log.closed(), ["boxed", "returned", "spawned"]);
    });
}

/// A `with` keeps one copy of its body, so that nesting does not square the size of the future.
#[test]
fn nesting_does_not_multiply_the_size_of_the_future() {
    let log = Log::default();
    let kilobyte = async || {
        let buffer = [0_u8; 1024];
        yield_now().await;
        Ok::<_, Stuck>(buffer.len())
    };
    let one = with(Door::new("1", &log), async |_| kilobyte().await);
    let two = with(Door::new("1", &log), async |_| with(Door::new("2", &log), async |_| kilobyte().await).await);
    let (one, two) = (size_of_val(&one), size_of_val(&two));
    assert!(one < 4 * 1024 && two < 8 * 1024, "{one}, {two}");
}

#[test]
fn transactions_are_send() {
    fn generic<S>(source: &S) -> impl Future<Output = Result<(), Stuck>>
    where
        S: ConnectionSource<Connection: Transactional<Error = Stuck>>,
    {
        transaction(source, async |_| Ok(()))
    }
    let _ = generic::<Database>;
    let (database, text, mut count) = (Database::default(), String::from("borrowed"), 0);
    assert_send_value(&transaction(&database, async |tx| {
        count += text.len();
        savepoint(tx, async |tx| {
            count += text.len();
            yield_now().await;
            tx.add(1);
            Ok::<_, Stuck>(())
        })
        .await
    }));
    assert_send::<Tx<'_, Connection>>();
    assert_sync::<Tx<'_, u32>>();
    assert_unpin::<Tx<'_, Connection>>();
    assert_send::<Step>();
    assert_sync::<Step>();
}

#[test]
fn stacks_and_loans_are_send_sync_and_unpin() {
    assert_send::<ExitStack>();
    assert_sync::<ExitStack>();
    assert_unpin::<ExitStack>();
    assert_send::<Loan<u8>>();
    assert_sync::<Loan<u8>>();
    assert_unpin::<Loan<u8>>();
    assert_send::<CloseError>();
    assert_sync::<CloseError>();
    assert_send::<ReleaseError>();
    assert_sync::<ReleaseError>();
}

#[test]
fn uses_of_stacks_are_send() {
    fn generic<R: bowline_resources::Resource<Error = Stuck>>(
        stack: &mut ExitStack,
        resource: R,
    ) -> impl Future + Send {
        stack.enter(resource)
    }
    let (log, text) = (Log::default(), String::from("borrowed"));
    let mut stack = ExitStack::new();
    assert_send_value(&generic(&mut stack, Door::new("a", &log)));
    assert_send_value(&stack.take().close());
    assert_send_value(&stack.close_in_parallel(Exit::Completed));
    assert_send_value(&exit_stack(async |stack: &mut ExitStack| {
        let loan = stack.enter(Door::new("a", &log)).await.unwrap();
        stack.push(async |_| yield_now().await);
        yield_now().await;
        println!("{text}");
        loan.release().await.unwrap();
        Ok::<_, CloseError>(())
    }));
}

/// Neither the resource nor its errors have to be `Sync`.
struct NotSync(std::cell::Cell<u8>);

impl bowline_resources::Resource for NotSync {
    type Value = u8;
    type Error = std::cell::Cell<u8>;

    async fn acquire(&mut self) -> Result<u8, Self::Error> {
        Ok(self.0.get())
    }

    async fn release(&mut self, _: u8, _: Exit) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn shared_resources_cross_threads() {
    assert_send::<(Shared<NotSync>, KeyedShared<String, NotSync>, Swap<NotSync>, SharedLease<NotSync>)>();
    assert_sync::<(Shared<NotSync>, KeyedShared<String, NotSync>, Swap<NotSync>, SharedLease<NotSync>)>();
    assert_unpin::<(Shared<NotSync>, KeyedShared<String, NotSync>, Swap<NotSync>, SharedLease<NotSync>)>();
    assert_send::<(ShareError<Stuck>, SwapError<Stuck>, Closed, SharedStatistics)>();
    assert_sync::<(ShareError<Stuck>, SwapError<Stuck>, Closed, SharedStatistics)>();
}

#[test]
fn uses_of_shared_resources_are_send() {
    let shared = Shared::new(|| NotSync(std::cell::Cell::new(1)));
    assert_send_value(&shared.get());
    assert_send_value(&shared.close());
    let keyed = KeyedShared::new(|key: &u8| NotSync(std::cell::Cell::new(*key)));
    assert_send_value(&keyed.get(1));
    assert_send_value(&keyed.close());
    assert_send_value(&Swap::new(NotSync(std::cell::Cell::new(1))));
    fn of(swap: &Swap<NotSync>) {
        assert_send_value(&swap.swap(NotSync(std::cell::Cell::new(1))));
        assert_send_value(&swap.close());
    }
    fn released(share: SharedLease<NotSync>) {
        assert_send_value(&share.release());
    }
    let _ = (of, released);
}

#[test]
fn pools_and_their_parts_are_send_and_sync() {
    use bowline_resources::{
        AcquireError, Checkout, CloseReport, GiveBackError, Pool, PoolBuilder, PoolCheckout, PoolStatistics,
        TryAcquireError,
    };

    use crate::pool_support::Wire;

    assert_send::<Pool<Wire>>();
    assert_sync::<Pool<Wire>>();
    assert_unpin::<Pool<Wire>>();
    assert_send::<PoolBuilder<Wire>>();
    assert_sync::<PoolBuilder<Wire>>();
    assert_send::<Checkout<Wire>>();
    assert_sync::<Checkout<Wire>>();
    assert_unpin::<Checkout<Wire>>();
    assert_send::<PoolCheckout<Wire>>();
    assert_sync::<PoolCheckout<Wire>>();
    assert_send::<PoolStatistics>();
    assert_send::<CloseReport>();
    assert_sync::<AcquireError<Stuck>>();
    assert_sync::<GiveBackError<Stuck>>();
    assert_sync::<TryAcquireError>();
}

#[test]
fn uses_of_a_pool_are_send() {
    use bowline_resources::{AcquireError, Checkout, Pool, Pooled};

    fn generic<R: Pooled>(pool: &Pool<R>, text: &str) {
        assert_send_value(&pool.acquire());
        assert_send_value(&pool.close(std::time::Duration::ZERO));
        assert_send_value(&pool.with(async |_: &mut Checkout<R>| {
            yield_now().await;
            Ok::<_, AcquireError<R::Error>>(text.len())
        }));
    }
    generic(&crate::pool_support::Wire::new(&Log::default()).pool(1).build(), "borrowed");
}

#[test]
fn resources_made_of_others_are_send_sync_and_unpin() {
    use bowline_resources::{All, Map, MapErr, Resource, WithReleaseWithin, Zip};

    type Mapped = Map<Door, fn(&mut bowline_testing::Probe) -> u8>;
    type Made = (Zip<Door, Door>, All<Door>, Mapped, MapErr<Door, fn(Stuck) -> u8>, WithReleaseWithin<Door>);
    assert_send::<Made>();
    assert_sync::<Made>();
    assert_unpin::<Made>();
    let log = Log::default();
    let both = Door::new("a", &log).zip(Door::new("b", &log)).map(|_| ()).map_err(|error| error.0);
    assert_send_value(&with(bowline_resources::all([both]), async |_| Ok::<_, &str>(())));
}
