//! Several futures in one task.

use std::{num::NonZeroUsize, pin::Pin, time::Duration};

use bowline_concurrency::{Completed, scope};
use bowline_testing::{Visited, assert_cancel_safe};
use tokio::task::yield_now;

use crate::world::World;

const MOMENT: Duration = Duration::from_millis(2);

/// Drives what `make` makes of a world.
fn driven<F: Future>(make: impl Fn(World) -> F, least: usize) -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            (make(world.clone()), world)
        },
        World::left_clean,
    );
    visited.at_least(least);
    visited
}

type Boxed = Pin<Box<dyn Future<Output = Result<usize, usize>> + Send>>;

/// Leaves a task behind where it is dropped, and a lease everywhere.
fn below(world: World) -> Boxed {
    Box::pin(async move {
        let _lease = world.lease();
        scope(async |group| Ok(group.spawn(world.clone().work()).await)).await
    })
}

fn fails(world: World) -> Boxed {
    Box::pin(async move {
        let _lease = world.lease();
        yield_now().await;
        Err(0)
    })
}

pub(super) fn gather() -> Visited {
    driven(
        |world| async move {
            let inputs = (0..3).map(|_| below(world.clone()));
            bowline_concurrency::gather(inputs).limit(NonZeroUsize::new(2).unwrap()).await;
            let failing = (below(world.clone()), fails(world.clone()), world.clone().work());
            let (left, right, rest) = failing;
            let failing = bowline_concurrency::try_gather((left, right, async { Ok(rest.await) }));
            assert!(failing.await.is_err());
        },
        4,
    )
}

pub(super) fn gather_within() -> Visited {
    driven(
        |world| async move {
            let inputs = (below(world.clone()), world.endless());
            let (first, second) = bowline_concurrency::gather(inputs).within(MOMENT).await;
            drop(first); // On a busy machine it may not end in time.
            assert!(second.is_err());
        },
        2,
    )
}

pub(super) fn race() -> Visited {
    driven(|world| bowline_concurrency::race([below(world.clone()), fails(world.clone()), below(world)]), 1)
}

pub(super) fn first_ok() -> Visited {
    driven(
        |world| {
            let inputs = [below(world.clone()), fails(world.clone()), below(world)];
            bowline_concurrency::first_ok(inputs).staggered(MOMENT)
        },
        2,
    )
}

pub(super) fn hedge() -> Visited {
    driven(|world| bowline_concurrency::hedge(Duration::ZERO, move || below(world.clone())), 2)
}

pub(super) fn quorum() -> Visited {
    driven(
        |world| {
            let inputs = [below(world.clone()), fails(world.clone()), below(world)];
            bowline_concurrency::quorum(NonZeroUsize::MIN, inputs)
        },
        2,
    )
}

pub(super) fn as_completed() -> Visited {
    driven(
        |world| {
            let inputs = [(1, below(world.clone())), (2, fails(world.clone())), (3, below(world.clone()))];
            bowline_concurrency::as_completed(inputs, async move |mut outputs: Completed<_, _>| {
                for _ in 0..2 {
                    let _lease = world.lease();
                    outputs.next().await;
                    below(world.clone()).await.unwrap();
                }
            })
        },
        4,
    )
}
