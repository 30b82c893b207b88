//! Scopes and timeouts.

use std::{num::NonZeroUsize, pin::pin, time::Duration};

use bowline_concurrency::{TaskGroup, deadline, move_on_after, timeout_at};
use bowline_testing::{Visited, assert_cancel_safe};
use tokio::{task::yield_now, time::Instant};

use crate::world::{World, hushed};

const MOMENT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(60);

pub(super) fn scope() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                bowline_concurrency::scope(async |group| {
                    let below = inside.clone();
                    let task = group.spawn(async move {
                        bowline_concurrency::scope(async |group| {
                            group.named("leaf").spawn(below.clone().work()).await + group.spawn(below.work()).await
                        })
                        .await
                    });
                    drop(group.spawn(inside.clone().work()));
                    inside.clone().work().await + task.await
                })
                .await
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn try_scope() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = hushed(async move {
                let result = bowline_concurrency::try_scope(async |group: &TaskGroup<&str>| {
                    drop(group.spawn(inside.clone().endless()));
                    inside.clone().work().await;
                    let value = inside.lease();
                    group.try_spawn(async { Err::<(), _>("boom") }).await;
                    drop(value);
                    Ok(())
                });
                assert!(result.await.is_err());
            });
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

/// With all options: the points of the ends are other ones than those of a plain scope.
pub(super) fn builder_scope() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future =
                TaskGroup::builder().name("limited").limit(NonZeroUsize::MIN).grace(MOMENT).scope(async move |group| {
                    for _ in 0..3 {
                        drop(group.spawn(inside.clone().work()));
                    }
                    inside.clone().work().await
                });
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn builder_try_scope() -> Visited {
    let visit = |limit, grace, settle_within| {
        assert_cancel_safe(
            async || {
                let world = World::default();
                let inside = world.clone();
                // A scope around: what is over the budget has a place to go.
                let future = hushed(async move {
                    let body = async |group: &TaskGroup<&str>| {
                        drop(group.try_spawn(async {
                            bowline_concurrency::cancelled().await;
                            Err::<(), _>("asked")
                        }));
                        drop(group.spawn(inside.clone().endless()));
                        inside.clone().work().await;
                        std::future::pending::<Result<(), _>>().await
                    };
                    let builder = TaskGroup::builder().deadline(limit).grace(grace).settle_within(settle_within);
                    assert!(builder.cancel_when(tokio::time::sleep(LONG)).try_scope(body).await.is_err());
                });
                (future, world)
            },
            World::left_clean,
        )
    };
    let graceless = visit(MOMENT, Duration::ZERO, LONG);
    graceless.at_least(4);
    let hasty = visit(Duration::ZERO, MOMENT, Duration::ZERO);
    hasty.at_least(2);
    let graceful = visit(MOMENT, MOMENT, LONG);
    graceful.at_least(4);
    println!("  graceless {graceless}; hasty {hasty}");
    graceful
}

pub(super) fn timeout() -> Visited {
    async fn body(world: World) -> usize {
        let below = world.clone();
        bowline_concurrency::scope(async move |group| {
            drop(group.spawn(below.clone().work()));
            below.work().await
        })
        .await;
        let _lease = world.lease();
        tokio::time::sleep(2 * MOMENT).await;
        1
    }
    let mut last = None;
    for limit in [Duration::ZERO, MOMENT, LONG] {
        let plain = assert_cancel_safe(
            async || {
                let world = World::default();
                (bowline_concurrency::timeout(limit, body(world.clone())), world)
            },
            World::left_clean,
        );
        let movable = assert_cancel_safe(
            async || {
                let world = World::default();
                let inside = world.clone();
                let future = deadline(LONG, async move |handle| {
                    inside.clone().work().await;
                    handle.reschedule(Instant::now() + limit).unwrap();
                    body(inside).await
                });
                (future.grace(MOMENT), world)
            },
            World::left_clean,
        );
        println!("  {limit:?}: {plain}; movable: {movable}");
        plain.at_least(1);
        movable.at_least(4);
        last = Some(plain);
    }
    let again = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let mut work = pin!(body(inside.clone()));
                while timeout_at(Instant::now() + MOMENT / 2, &mut work).await.is_err() {}
            };
            (future, world)
        },
        World::left_clean,
    );
    println!("  a borrowed future: {again}");
    again.at_least(4);
    last.unwrap()
}

pub(super) fn move_on() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                assert!(move_on_after(LONG, inside.clone().work()).await.is_some());
                let moved = move_on_after(
                    MOMENT,
                    bowline_concurrency::scope(async |group| {
                        drop(group.spawn(inside.clone().work()));
                        inside.clone().endless().await
                    }),
                );
                assert!(moved.await.is_none());
                yield_now().await;
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(5);
    visited
}
