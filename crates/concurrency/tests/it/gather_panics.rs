//! Gathered work that panics, in its code and in its destructors.

use std::{
    future::{pending, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bowline_concurrency::{Scope, gather, scope, try_gather};
use bowline_testing::{Polled, on_both_runtimes};
use futures_util::FutureExt;
use tokio::task::yield_now;

use crate::{
    support::{Census, on_both, on_drop},
    world::World,
};

#[test]
fn a_panic_is_resumed_after_the_others_are_gone() {
    on_both(|| async {
        let world = World::default();
        let inside = world.clone();
        let panicking = async {
            yield_now().await;
            std::panic::panic_any("boom");
        };
        let gathered = AssertUnwindSafe(gather((inside.endless(), panicking))).catch_unwind().await;
        assert_eq!(gathered.unwrap_err().downcast_ref::<&str>(), Some(&"boom"));
        world.assert_clean();
    });
}

#[test]
fn destructors_that_panic_do_not_keep_others_from_running_nor_end_the_process() {
    on_both_runtimes(async || {
        scope(async |_| {
            let reported = Arc::new(AtomicUsize::new(0));
            let counted = reported.clone();
            Scope::current().observe_failures(move |failure| {
                assert!(failure.is_panic());
                counted.fetch_add(1, SeqCst);
            });
            let census = Census::default();
            let inputs = (0..4).map(|number| {
                let alive = census.enter();
                async move {
                    let _alive = alive;
                    let _guard = on_drop(move || assert!(number == 3, "the destructor of {number}"));
                    if number == 3 { Err::<(), _>(()) } else { pending().await }
                }
            });
            let gathered = AssertUnwindSafe(try_gather(inputs));
            assert!(gathered.catch_unwind().await.is_err(), "the first panic is resumed here");
            assert_eq!((census.alive(), reported.load(SeqCst)), (0, 2), "the others are reported");
        })
        .await;
    });
}

#[test]
fn it_must_not_be_polled_after_its_end() {
    let mut done = Polled::new(gather([ready(1)]));
    done.assert_ready();
    assert!(catch_unwind(AssertUnwindSafe(|| done.poll())).is_err());
}

#[test]
fn destructors_of_inputs_that_were_not_started_may_panic_too() {
    on_both_runtimes(async || {
        scope(async |_| {
            let reported = Arc::new(AtomicUsize::new(0));
            let counted = reported.clone();
            Scope::current().observe_failures(move |_| {
                counted.fetch_add(1, SeqCst);
            });
            let inputs = || {
                (0..3).map(|_| {
                    let bad = on_drop(|| panic!("a destructor"));
                    async move {
                        let _bad = bad;
                        pending::<()>().await
                    }
                })
            };
            drop(gather(inputs()));
            assert_eq!(reported.swap(0, SeqCst), 3);
            let mut limited = Polled::new(gather(inputs()).limit(std::num::NonZeroUsize::MIN));
            limited.assert_pending();
            drop(limited);
            assert_eq!(reported.load(SeqCst), 3);
        })
        .await;
    });
}

#[test]
fn error_that_a_panic_of_a_destructor_outranks_goes_to_the_observer() {
    on_both_runtimes(async || {
        scope(async |_| {
            let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
            let list = heard.clone();
            Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
            let bad = async {
                let _bad = on_drop(|| panic!("a destructor"));
                pending::<Result<(), &str>>().await
            };
            let gathered = try_gather((bad, async { Err::<(), _>("lost") }));
            assert!(AssertUnwindSafe(gathered).catch_unwind().await.is_err_and(|_| true));
            assert_eq!(*heard.lock().unwrap(), [r#"an input of a gather failed: "lost""#]);
        })
        .await;
    });
}
