//! What a group gives: handles, permits, cancellation.

use std::{num::NonZeroUsize, time::Duration};

use bowline_concurrency::{Builder, PolicyGroup, ScopeError, StartError, TaskGroup, Until, scope, try_scope};
use bowline_testing::{Visited, assert_cancel_safe};
use tokio::{sync::oneshot, task::yield_now};

use crate::world::{Lease, World, hushed};

pub(super) fn task() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                scope(async |group| {
                    let value = |world: World| async move {
                        world.clone().work().await;
                        world.lease() // A value that owes a release, taken or not.
                    };
                    let taken = group.spawn(value(inside.clone()));
                    drop(group.spawn(value(inside.clone())));
                    let _late = group.spawn(value(inside.clone()));
                    drop(taken.await);
                })
                .await;
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn cancel_task() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                scope(async |group| {
                    let below = inside.clone();
                    let nested =
                        group.spawn(async move { scope(async |group| group.spawn(below.endless()).await).await });
                    let finished = {
                        let lease = inside.lease();
                        group.spawn(async move { lease })
                    };
                    yield_now().await;
                    assert!(nested.cancel().await.is_none());
                    drop(finished.cancel().await);
                })
                .await;
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}

pub(super) fn start() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let body = async move |group: &TaskGroup<&str>| {
                let below = inside.clone();
                let server = group.start(|ready| async move {
                    below.clone().work().await;
                    ready.signal(below.lease());
                    below.work().await
                });
                let (lease, server) = server.await.unwrap();
                drop(lease);
                assert_eq!(server.await, 1);
                let below = inside.clone();
                let failing = group.try_start(|ready| async move {
                    below.clone().work().await;
                    let _lease = below.lease();
                    yield_now().await;
                    drop::<bowline_concurrency::Ready<()>>(ready);
                    Err::<(), _>("no address")
                });
                assert!(matches!(failing.await, Err(StartError::Failed("no address"))));
                Ok(())
            };
            let future = async move { try_scope(body).await.unwrap() };
            (hushed(future), world)
        },
        World::left_clean,
    );
    visited.at_least(3);
    visited
}

pub(super) fn policy_scope() -> Visited {
    policies(|| None)
}

pub(super) fn builder_policy_scope() -> Visited {
    policies(|| Some(TaskGroup::builder().grace(Duration::from_secs(60))))
}

fn policies(builder: fn() -> Option<Builder>) -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                // The outputs owe a release, and stay with the policy.
                let enough = Until::new(|leases: &Vec<Lease>| leases.len() == 2);
                let body = async |group: &PolicyGroup<Until<Vec<Lease>, _>>| {
                    for leases in [1, 1, 2] {
                        let below = inside.clone();
                        group.spawn(async move {
                            below.clone().work().await;
                            (0..leases).map(|_| below.lease()).collect()
                        });
                    }
                    let below = inside.clone();
                    group.spawn(async move {
                        bowline_concurrency::cancelled().await;
                        below.work().await;
                        Vec::new()
                    });
                    inside.clone().work().await;
                };
                let outputs = match builder() {
                    None => bowline_concurrency::policy_scope(enough, body).await,
                    Some(builder) => builder.policy_scope(enough, body).await,
                };
                assert!(outputs[3].is_none());
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn permit() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = TaskGroup::builder().limit(NonZeroUsize::MIN).scope(async move |group| {
                for _ in 0..3 {
                    drop(group.permit().await.spawn(inside.clone().work()));
                }
            });
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}

pub(super) fn cancelled() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let body = async move |group: &TaskGroup<&str>| {
                let (spawner, below) = (group.spawner(), inside.clone());
                drop(group.spawn(async move {
                    below.work().await;
                    spawner.cancel("enough");
                }));
                bowline_concurrency::cancelled().await;
                inside.work().await;
                Err::<(), _>("it was asked to end")
            };
            (hushed(TaskGroup::builder().grace(Duration::from_secs(60)).try_scope(body)), world)
        },
        World::left_clean,
    );
    visited.at_least(3);
    visited
}

pub(super) fn cancel_and_wait() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                scope(async |outer| {
                    let (give, given) = oneshot::channel();
                    let below = inside.clone();
                    let server = outer.spawn(try_scope(async move |group: &TaskGroup<String>| -> Result<(), _> {
                        drop(group.spawn(below.clone().endless()));
                        let _ = give.send(group.spawner());
                        std::future::pending().await
                    }));
                    given.await.unwrap().cancel_and_wait("enough").await;
                    inside.assert_clean();
                    assert!(matches!(server.await, Err(ScopeError::Cancelled(_))));
                })
                .await;
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}
