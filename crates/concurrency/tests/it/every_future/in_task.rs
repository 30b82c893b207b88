//! Scopes in their caller's task.

use bowline_concurrency::{InTaskGroup, in_task_scope, scope, try_in_task_scope};
use bowline_testing::{Visited, assert_cancel_safe};
use tokio::task::yield_now;

use crate::world::{World, hushed};

pub(super) fn plain() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let world = &inside;
                in_task_scope(async |group| {
                    let borrowing = group.spawn(async move { world.clone().work().await });
                    drop(group.spawn(async { world.lease() }));
                    let spawning = group.spawn(scope(async |group| group.spawn(world.clone().work()).await));
                    world.clone().work().await + borrowing.await + spawning.await
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

pub(super) fn failing() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = hushed(async move {
                let world = &inside;
                let result = try_in_task_scope(async |group: InTaskGroup<'_, String>| -> Result<(), _> {
                    drop(group.spawn(world.clone().endless()));
                    group
                        .try_spawn(async {
                            let _lease = world.lease();
                            yield_now().await;
                            Err::<(), _>("boom".to_owned())
                        })
                        .await;
                    Ok(())
                });
                assert!(result.await.is_err());
            });
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}
