//! Which types and futures may cross threads.

use std::pin::Pin;

use bowline_resources::{Exit, Resource, transaction, with};
use bowline_testing::{assert_send, assert_send_value, assert_sync, assert_unpin, on_both_runtimes};
use tokio::task::yield_now;

use crate::support::{Door, Log, Stuck};

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
    fn generic<B: bowline_resources::Begin<Error = Stuck>>(begin: &B) -> impl Future<Output = Result<(), Stuck>> {
        transaction(begin, async |_| Ok(()))
    }
    let _ = generic::<Nothing>;
    assert_send_value(&transaction(&Nothing, async |()| Ok::<_, Stuck>(())));
}

#[derive(Clone)]
struct Nothing;

impl bowline_resources::Begin for Nothing {
    type Transaction = ();
    type Error = Stuck;

    async fn begin(&self) -> Result<(), Stuck> {
        Ok(())
    }

    async fn commit(&self, (): ()) -> Result<(), Stuck> {
        Ok(())
    }

    async fn rollback(&self, (): ()) -> Result<(), Stuck> {
        Ok(())
    }
}

#[test]
fn resources_made_of_others_are_send_sync_and_unpin() {
    use bowline_resources::{All, Map, MapErr, WithReleaseWithin, Zip};

    type Mapped = Map<Door, fn(&mut bowline_testing::Probe) -> u8>;
    type Made = (Zip<Door, Door>, All<Door>, Mapped, MapErr<Door, fn(Stuck) -> u8>, WithReleaseWithin<Door>);
    assert_send::<Made>();
    assert_sync::<Made>();
    assert_unpin::<Made>();
    let log = Log::default();
    let both = Door::new("a", &log).zip(Door::new("b", &log)).map(|_| ()).map_err(|error| error.0);
    assert_send_value(&with(bowline_resources::all([both]), async |_| Ok::<_, &str>(())));
}
