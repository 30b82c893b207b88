//! Work in a scope of its own, whose owner hears of what it left behind.

use std::{future::pending, panic::resume_unwind};

use bowline_concurrency::{Scope, enclose, scope};
use bowline_testing::{Polled, poll_once};
use tokio::task::yield_now;

use crate::{support::on_both, world::World};

#[test]
fn it_returns_the_value_and_leaves_nothing() {
    on_both(|| async {
        let world = World::default();
        let mut left = None;
        let work = async {
            world.clone().work().await;
            drop(world.lease());
            7
        };
        assert_eq!(enclose("the work", &mut left, work).await.ok(), Some(7));
        assert!(left.is_none());
        world.assert_clean();
    });
}

#[test]
fn it_returns_a_panic_after_what_is_below_has_settled() {
    on_both(|| async {
        let world = World::default();
        let mut left = None;
        let work = async {
            drop(world.lease());
            yield_now().await;
            resume_unwind(Box::new("the work panics"))
        };
        let payload = enclose::<_>("the work", &mut left, work).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(*payload.downcast::<&str>().unwrap(), "the work panics");
        world.assert_clean();
        assert!(left.is_none());
    });
}

#[test]
fn whoever_drops_it_can_wait_for_what_is_left() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let mut left = None;
            let mut work = Polled::new(enclose("the work", &mut left, async {
                let _lease = world.lease();
                scope(async |group| group.spawn(world.clone().endless()).await).await
            }));
            work.assert_pending();
            drop(work);
            left.expect("something is left").settled().await;
            world.assert_clean();
        })
        .await;
    });
}

#[test]
fn work_that_asks_for_no_scope_has_none() {
    on_both(|| async {
        let mut left = None;
        let mut work = Polled::new(enclose("the work", &mut left, pending::<()>()));
        work.assert_pending();
        drop(work);
        assert!(left.is_none());
    });
}

#[test]
fn releases_that_are_dropped_inside_do_not_go_to_the_scope_around() {
    on_both(|| async {
        let mut left = None;
        let around = Scope::current();
        let inside = enclose("the work", &mut left, async { Scope::current().name() }).await.unwrap();
        assert_eq!(inside, "the work");
        assert_ne!(around.name(), inside);
    });
}

#[test]
#[should_panic(expected = "polled after it is done")]
fn polling_it_after_it_is_done_panics() {
    on_both(|| async {
        let mut left = None;
        let mut work = Box::pin(enclose("the work", &mut left, async {}));
        assert!(poll_once(work.as_mut()).is_ready());
        let _ = poll_once(work.as_mut());
    });
}
