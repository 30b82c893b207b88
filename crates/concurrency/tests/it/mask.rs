//! Work that hears of no cancellation, and handed-off work on an executor of the caller's.

use std::{cell::Cell, panic::panic_any, pin::pin, rc::Rc};

use bowline_concurrency::{Scope, TaskGroup, hand_off, is_cancelled, lost_releases, mask, scope, try_scope};
use bowline_testing::{Polled, poll_once};
use tokio::{
    runtime::Handle,
    task::{LocalSet, spawn_local, yield_now},
};

use crate::support::{on_both, on_local_set};

#[test]
fn masked_work_hears_of_no_cancellation_and_what_follows_does() {
    on_both(|| async {
        let outcome = try_scope(async |group: &TaskGroup<&str>| {
            group.cancel("enough");
            let rest = Rc::new(4);
            let mut masked = Polled::new(mask(async {
                assert!(is_cancelled().is_none());
                yield_now().await;
                assert!(is_cancelled().is_none());
                *rest
            }));
            masked.assert_pending();
            assert_eq!((masked.assert_ready(), is_cancelled().is_some()), (4, true));
            Ok(())
        });
        Polled::new(outcome).assert_ready().unwrap();
    });
}

#[test]
fn the_scope_waits_for_what_masked_work_left_behind() {
    on_both(|| async {
        for polls in 0..3 {
            let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            scope(async |_| {
                let flag = done.clone();
                let mut masked = Polled::new(mask(async move {
                    hand_off(&Handle::current(), "a release", async move {
                        yield_now().await;
                        flag.store(true, std::sync::atomic::Ordering::Relaxed);
                    });
                    yield_now().await;
                }));
                for _ in 0..polls {
                    _ = masked.poll();
                }
            })
            .await;
            assert_eq!(done.load(std::sync::atomic::Ordering::Relaxed), polls > 0);
        }
    });
}

#[test]
fn a_panic_of_masked_work_goes_on() {
    on_both(|| async {
        let masked = tokio::spawn(mask(async { panic_any(7_u8) }));
        assert_eq!(masked.await.unwrap_err().into_panic().downcast_ref::<u8>(), Some(&7));
    });
}

#[test]
fn the_scope_waits_for_handed_off_work_that_is_driven_elsewhere() {
    on_local_set(|| async {
        let done = Rc::new(Cell::new(false));
        scope(async |_| {
            let flag = done.clone();
            let work = async move {
                assert!(is_cancelled().is_none());
                yield_now().await;
                flag.set(true);
            };
            spawn_local(Scope::current().handed_off("local work", work));
        })
        .await;
        assert!(done.get());
    });
}

#[test]
fn handed_off_work_that_is_dropped_is_counted_as_lost_and_the_scope_goes_on() {
    on_local_set(|| async {
        let before = lost_releases();
        let heard = Rc::new(Cell::new(0));
        scope(async |_| {
            let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let lost = count.clone();
            Scope::current().observe_failures(move |failure| {
                assert!(failure.is_lost() && failure.origin() == "local work");
                lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            });
            let set = LocalSet::new();
            let work = Scope::current().handed_off("local work", std::future::pending());
            set.spawn_local(work);
            drop(set);
            heard.set(count.load(std::sync::atomic::Ordering::Relaxed));
        })
        .await;
        assert_eq!((heard.get(), lost_releases() > before), (1, true));
    });
}

#[test]
fn handed_off_work_holds_its_scope_from_the_call_on() {
    on_local_set(|| async {
        let mut slot = None;
        let mut around = pin!(scope(async |_| {
            slot = Some(Scope::current().handed_off("local work", async {}));
        }));
        assert!(poll_once(around.as_mut()).is_pending());
    });
}
