//! Gathering what is finished in time.

use std::{
    future::{pending, ready},
    time::Duration,
};

use bowline_concurrency::{gather, try_gather};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use crate::{
    support::{Census, Owes, paused, timed},
    world::World,
};

#[test]
fn within_keeps_what_is_finished_and_says_which_deadline_it_was() {
    timed(|scale| async move {
        let began = Instant::now();
        let inputs = (0..4).map(|number| async move {
            sleep(scale.units(4 * number)).await;
            number
        });
        let outcomes = gather(inputs).within(scale.units(6)).named("pages").await;
        scale.assert_took(began, 6);
        assert!(matches!(outcomes[..], [Ok(0), Ok(1), Err(_), Err(_)]), "{outcomes:?}");
        let elapsed = outcomes[3].as_ref().unwrap_err();
        assert!(elapsed.deadline().location().file().ends_with("gather_within.rs"), "{elapsed}");
        assert_eq!(elapsed.deadline().name(), Some("pages"));
    });
}

#[test]
fn within_returns_after_the_rest_is_gone_and_names_what_is_not() {
    paused(async {
        let world = World::default();
        let inside = world.clone();
        let (fast, slow) = gather((async { 1 }, inside.endless())).within(Duration::from_secs(1)).await;
        assert!(fast.is_ok() && slow.is_err());
        world.assert_clean();

        let census = Census::default();
        let (open, gate) = oneshot::channel();
        let owes = Owes::new(census.enter(), gate);
        let input = async {
            let _owes = owes;
            pending::<()>().await
        };
        let [outcome] = gather([input]).within(Duration::from_secs(1)).settle_within(Duration::from_secs(1)).await;
        assert_eq!(outcome.unwrap_err().stragglers(), ["what is owed"]);
        drop(open);
    });
}

#[test]
fn within_of_fallible_inputs_stops_at_an_error_and_keeps_values_at_the_deadline() {
    paused(async {
        let never = || async { Ok::<u32, &str>(pending().await) };
        let outcomes = try_gather((async { Ok::<_, &str>(1) }, never())).within(Duration::from_secs(1)).await.unwrap();
        assert!(matches!(outcomes, (Ok(1), Err(_))));
        let failed = try_gather((async { Err::<u32, _>("boom") }, never())).within(Duration::from_secs(1)).await;
        assert_eq!(failed.unwrap_err(), "boom");
        // All in time: the deadline leaves no mark.
        let all = gather([ready(1), ready(2)]).within(Duration::from_secs(1)).await;
        assert!(matches!(all, [Ok(1), Ok(2)]));
        // Of time there is none: what is ready is taken all the same.
        let all = gather((ready(1), pending::<()>())).within(Duration::ZERO).await;
        assert!(matches!(all, (Ok(1), Err(_))));
    });
}

#[test]
fn borrowed_inputs_live_on_after_the_deadline() {
    paused(async {
        let mut slow = Box::pin(async {
            sleep(Duration::from_secs(2)).await;
            7
        });
        let [outcome] = gather([&mut slow]).within(Duration::from_secs(1)).await;
        assert!(outcome.is_err());
        assert_eq!(slow.await, 7);
    });
}
