//! Panics of bodies, acquisitions and releases, and who hears of them.

use bowline_resources::with;
use bowline_testing::{assert_cancel_safe, on_both_runtimes};

use crate::support::{Act, Door, Log, Stuck, awaits, observe, panic_of};

#[test]
fn a_panic_of_the_body_goes_on_after_the_release() {
    on_both_runtimes(async || {
        let log = Log::default();
        let body = with(Door::new("a", &log).release(3, Act::Works), async |_| {
            awaits(1).await?;
            if log.closed().is_empty() {
                panic!("the body panics");
            }
            Ok::<_, Stuck>(())
        });
        assert_eq!(panic_of(body).await, "the body panics");
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: panicked"]);
    });
}

#[test]
fn a_panic_of_the_body_outranks_an_error_or_a_panic_of_the_release() {
    for (act, expected) in [(Act::Fails, "error of the release"), (Act::Panics, "panic of the release")] {
        on_both_runtimes(async || {
            let log = Log::default();
            observe(&log);
            let door = Door::new("a", &log).release(1, act);
            let body = with(door, async |_| -> Result<(), Stuck> { panic!("the body panics") });
            assert_eq!(panic_of(body).await, "the body panics");
            assert_eq!(log.all("observed "), [expected]);
        });
    }
}

#[test]
fn an_error_of_the_body_survives_a_panic_of_the_release() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let door = Door::new("a", &log).release(1, Act::Panics);
        assert_eq!(with(door, async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
        assert_eq!(log.all("observed "), ["panic of the release"]);
    });
}

#[test]
fn a_panic_of_the_acquisition_or_of_the_release_reaches_the_caller() {
    on_both_runtimes(async || {
        let log = Log::default();
        let door = Door::new("a", &log).acquire(1, Act::Panics);
        assert_eq!(panic_of(with(door, async |_| awaits(0).await)).await, "acquire panics");
        assert!(log.entries().is_empty());

        let door = Door::new("a", &log).release(1, Act::Panics);
        assert_eq!(panic_of(with(door, async |_| awaits(0).await)).await, "release panics");
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn a_panic_of_the_body_whose_caller_goes_during_the_release_is_observed() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            observe(&log);
            let body = log.clone();
            let future = with(Door::new("a", &log).release(3, Act::Works), async move |_| -> Result<(), Stuck> {
                body.add("panicking");
                panic!("the body panics")
            });
            // Undisturbed, the panic comes here, which for this test is as good as the observer.
            let seen = log.clone();
            let future = async move {
                assert_eq!(panic_of(future).await, "the body panics");
                seen.add("observed panic of the body");
            };
            (future, log)
        },
        async |log: Log| {
            log.assert_balanced();
            assert_eq!(log.all("observed panic of the body").len(), log.all("panicking").len(), "{:?}", log.entries());
            assert!(log.all("closed ").iter().all(|exit| exit == "a: panicked" || log.all("panicking").is_empty()));
        },
    );
    visited.at_least(4);
}
