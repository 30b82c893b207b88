//! Uses inside uses, dropped together: the inner ones are released first, however long that takes.

use std::future::pending;

use bowline_concurrency::{scope, settled};
use bowline_resources::{Exit, Resource, with};
use bowline_testing::{assert_cancel_safe, on_both_runtimes};
use tokio::task::yield_now;

use crate::support::{Act, Door, Log, Stuck, awaits};

/// Three doors, the inner ones slower to close.
async fn three(log: Log) -> Result<(), Stuck> {
    with(Door::new("outer", &log).release(1, Act::Works), async |_| {
        with(Door::new("mid", &log).release(2, Act::Works), async |_| {
            with(Door::new("inner", &log).release(6, Act::Works), async |_| awaits(2).await).await?;
            awaits(1).await
        })
        .await?;
        awaits(1).await
    })
    .await
}

#[test]
fn rs_24_three_dropped_together_are_released_from_the_inside() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            (three(log.clone()), log)
        },
        async |log: Log| {
            log.assert_balanced();
            // Not begun before the inner one is closed either.
            let at_the_end = |entry: &String| entry.starts_with("closing") || entry.starts_with("closed");
            let closing: Vec<_> = log.entries().into_iter().filter(at_the_end).collect();
            assert!(closing.chunks(2).all(|pair| {
                pair[0].starts_with("closing") && pair[1].starts_with(&pair[0].replace("closing", "closed"))
            }));
        },
    )
    .at_least(16);
}

#[test]
fn rs_24_a_use_in_a_child_task_is_released_before_the_one_around_its_scope() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let in_body = log.clone();
            let future = with(Door::new("outer", &log), async move |_| {
                scope(async |group| {
                    let door = Door::new("inner", &in_body).release(6, Act::Works);
                    group.spawn(with(door, async |_| awaits(2).await)).await
                })
                .await
            });
            (future, log)
        },
        async |log: Log| log.assert_balanced(),
    )
    .at_least(3);
}

#[test]
fn rs_24_children_that_run_are_released_before_the_one_around_their_scope() {
    on_both_runtimes(async || {
        let log = Log::default();
        let work = with(Door::new("outer", &log), async |_| {
            scope(async |group| {
                for name in ["b", "c"] {
                    let door = Door::new(name, &log).release(6, Act::Works);
                    drop(group.spawn(with(door, async |_| pending::<Result<(), Stuck>>().await)));
                }
                pending::<Result<(), Stuck>>().await
            })
            .await
        });
        lose(work, || log.opened().len() == 3).await;
        let mut closed = log.closed();
        assert_eq!(closed.pop().as_deref(), Some("outer"));
        closed.sort();
        assert_eq!(closed, ["b", "c"]);
    });
}

/// Drops the work when it is time, and waits for what it leaves.
async fn lose<T>(work: impl Future<Output = T>, is_time: impl Fn() -> bool) {
    tokio::select! {
        _ = work => unreachable!("it is endless"),
        () = async { while !is_time() { yield_now().await } } => {}
    }
    settled().await;
}

/// Its release needs scopes, tasks and a resource of its own.
struct Involved(Log);

impl Resource for Involved {
    type Value = ();
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<(), Stuck> {
        self.0.add("open involved");
        Ok(())
    }

    async fn release(&mut self, (): (), _exit: Exit) -> Result<(), Stuck> {
        let log = self.0.clone();
        let outcome = scope(async |group| {
            group.spawn(async move { with(Door::new("own", &log), async |_| awaits(1).await).await }).await
        })
        .await;
        self.0.add("closed involved");
        outcome
    }
}

#[test]
fn a_release_may_open_scopes_tasks_and_resources_although_all_around_is_cancelled() {
    on_both_runtimes(async || {
        let log = Log::default();
        let work = scope(async |group| {
            group.spawn(with(Involved(log.clone()), async |()| pending::<Result<(), Stuck>>().await)).await
        });
        lose(work, || !log.opened().is_empty()).await;
        assert_eq!(
            log.entries(),
            ["open involved", "open own", "closing own", "closed own: completed", "closed involved"]
        );
    });
}
