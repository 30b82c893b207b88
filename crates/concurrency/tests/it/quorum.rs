//! Enough successes of several.

use std::{
    cell::Cell,
    future::{pending, ready},
    num::NonZeroUsize,
};

use bowline_concurrency::{Reason, Scope, quorum, scope};
use bowline_testing::{Polled, on_both_runtimes};
use tokio::task::yield_now;

use crate::{
    support::{on_both, on_drop},
    world::World,
};

fn n(needed: usize) -> NonZeroUsize {
    NonZeroUsize::new(needed).unwrap()
}

async fn vote(yields: usize, ok: bool) -> Result<usize, usize> {
    for _ in 0..yields {
        yield_now().await;
    }
    if ok { Ok(yields) } else { Err(yields) }
}

#[test]
fn it_gives_as_many_values_as_are_needed_in_the_order_in_which_they_come() {
    on_both_runtimes(async || {
        let votes = quorum(n(2), [vote(5, true), vote(3, true), vote(0, false), vote(1, true)]).await.unwrap();
        assert_eq!(votes, [(3, 1), (1, 3)]);
        let of_a_tuple = quorum(n(1), (pending::<Result<&str, ()>>(), ready(Ok("b")))).await.unwrap();
        assert_eq!(of_a_tuple, [(1, "b")]);
    });
}

#[test]
fn too_many_errors_end_it_before_the_others_do() {
    on_both(|| async {
        let world = World::default();
        let inside = world.clone();
        let never = async {
            scope(async |group| group.spawn(inside.clone().endless()).await).await;
            Ok(0)
        };
        let none = quorum(n(3), (never, vote(1, false), vote(2, true), vote(3, false))).await.unwrap_err();
        world.assert_clean();
        assert_eq!((none.needed(), none.errors()), (3, &[(1, 1), (3, 3)][..]));
        assert_eq!(none.to_string(), "no quorum of 3: 1 succeeded, 2 failed, first number 1: 1");
        assert_eq!(none.into_parts().0, [(2, 2)]);
    });
}

#[test]
fn fewer_inputs_than_are_needed_are_never_polled() {
    let polled = Cell::new(false);
    let input = async {
        polled.set(true);
        Ok::<(), u32>(())
    };
    let mut too_few = Polled::new(quorum(n(2), [input]));
    let none = too_few.assert_ready().unwrap_err();
    assert_eq!(none.to_string(), "a quorum of 2 cannot be reached: give at least as many futures");
    assert!(!polled.get());
    let mut nothing = Polled::new(quorum(n(1), Vec::<std::future::Ready<Result<(), u32>>>::new()));
    assert!(nothing.assert_ready().is_err());
}

#[test]
fn the_rest_is_dropped_for_a_reason() {
    on_both_runtimes(async || {
        let reason = Cell::new(None);
        let not_needed = async {
            let _guard = on_drop(|| reason.set(Some(Scope::current().reason_for_drop())));
            pending::<Result<u32, ()>>().await
        };
        assert_eq!(quorum(n(1), (not_needed, async { Ok(1) })).await.unwrap(), [(1, 1)]);
        assert!(matches!(reason.take(), Some(Reason::NotNeeded)));
    });
}

#[test]
fn all_of_them_may_be_needed() {
    on_both_runtimes(async || {
        let all = quorum(n(1_000), (0..1_000).map(|number| vote(number % 7, true))).await.unwrap();
        assert_eq!(all.len(), 1_000);
        let none = quorum(n(1_000), (0..1_000).map(|number| vote(number % 7, number != 999))).await.unwrap_err();
        assert_eq!(none.errors().len(), 1);
    });
}
