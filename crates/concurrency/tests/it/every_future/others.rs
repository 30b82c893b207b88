//! Roots, shields, waiting, ways into the tree.

use std::{thread, time::Duration};

use bowline_concurrency::{InScope, Root, RunBlocking, Scope, SpawnBlocking, scope};
use bowline_testing::{Visited, assert_cancel_safe};

use crate::world::{World, hushed};

const LONG: Duration = Duration::from_secs(60);

async fn parts(world: World) {
    scope(async |group| drop(group.spawn(world.clone().work()))).await;
    drop(world.lease());
    world.work().await;
}

pub(super) fn root_scope() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            (bowline_concurrency::root_scope(parts(world.clone())), world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn root_with_options() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            (hushed(Root::new().drain_within(Duration::ZERO).scope(parts(world.clone()))), world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn shutdown_requested() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = bowline_concurrency::root_scope(async move {
                tokio::select! {
                    () = bowline_concurrency::shutdown_requested() => unreachable!("nobody has asked"),
                    () = parts(inside) => {}
                }
            });
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn enclose() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let mut left = None;
                let done = bowline_concurrency::enclose("the work", &mut left, parts(inside)).await;
                assert!(done.is_ok() && left.is_none());
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn mask() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            (bowline_concurrency::mask(parts(world.clone())), world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn settled() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let outer = Scope::current();
                for _ in 0..2 {
                    drop(inside.lease());
                    bowline_concurrency::settled().await;
                    drop(inside.lease());
                    scope(async |_| outer.settled().await).await;
                    inside.assert_clean();
                }
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn shield() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let taken = world.clone();
            let work = async move {
                parts(inside.clone()).await;
                inside.lease()
            };
            (bowline_concurrency::shield(LONG, work).when_orphaned(move |_| drop(taken.lease())), world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

pub(super) fn drain() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let lease = inside.lease();
                // A thread of its own knows no scope: the process root takes it.
                thread::spawn(move || drop(lease)).join().unwrap();
                let _ = bowline_concurrency::drain(LONG).await; // Other tests may keep it waiting.
            };
            (future, world)
        },
        async |world| {
            let _ = bowline_concurrency::drain(LONG).await;
            world.assert_clean();
        },
    );
    visited.at_least(1);
    visited
}

pub(super) fn run_blocking() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let work = move || {
                let _here = crate::support::SlowDrop::new(inside.enter());
                inside.lease() // Owed by the value, whether somebody takes it or not.
            };
            (async move { drop(SpawnBlocking.run_blocking(work).await.unwrap()) }, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn in_scope() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            (parts(world.clone()).in_scope(&Scope::current()), world)
        },
        World::left_clean,
    );
    visited.at_least(4);
    visited
}

#[cfg(feature = "tower")]
pub(super) fn request() -> Visited {
    use bowline_concurrency::ScopeLayer;
    use tower_layer::Layer;
    use tower_service::Service;

    let visit = |budget| {
        let visited = assert_cancel_safe(
            async || {
                let world = World::default();
                let layer = ScopeLayer::new(Scope::current()).settle_within(budget);
                (layer.layer(crate::handler::Handler(parts)).call(world.clone()), world)
            },
            World::left_clean,
        );
        visited.at_least(4);
        visited
    };
    println!("  without a wait: {}", visit(Duration::ZERO));
    visit(LONG)
}
