//! Groups with a limit of children.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{ScopeError, TaskGroup, scope};
use bowline_testing::Polled;
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
};

use crate::support::{Census, finish, on_both, stays_pending};

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn tg_80_never_more_children_run_than_the_limit_says() {
    on_both(|| async {
        let (census, most) = (Census::default(), Arc::new(AtomicUsize::new(0)));
        let done = TaskGroup::builder().limit(at_most(3)).scope(async |group| {
            let mut tasks = Vec::new();
            for n in 0..60 {
                let (census, most) = (census.clone(), most.clone());
                let child = async move {
                    let _here = census.enter();
                    most.fetch_max(census.alive(), SeqCst);
                    yield_now().await;
                    most.fetch_max(census.alive(), SeqCst);
                };
                // Both ways to spawn keep to it, also beside each other.
                tasks.push(if n % 2 == 0 { group.spawn(child) } else { group.permit().await.spawn(child) });
            }
            let mut done = 0;
            for task in tasks {
                task.await;
                done += 1;
            }
            done
        });
        assert_eq!(done.await, 60);
        assert!((1..=3).contains(&most.load(SeqCst)), "{most:?}");
    });
}

#[test]
fn tg_80_on_a_full_group_try_permit_says_no_and_permit_waits() {
    on_both(|| async {
        TaskGroup::builder()
            .limit(at_most(1))
            .scope(async |group| {
                let (end, gate) = oneshot::channel::<()>();
                drop(group.try_permit().unwrap()); // Unused, it is given back.
                let first = group.try_permit().unwrap().named("first").spawn(gate);
                assert_eq!(first.name(), Some("first"));
                assert!(group.try_permit().is_none());
                let mut waits = Polled::new(group.permit());
                stays_pending(&mut waits).await;
                drop(end);
                let permit = finish(&mut waits).await;
                assert!(first.is_finished() || first.await.is_err(), "the permit came from the first");
                assert!(group.try_permit().is_none(), "the permit is the only one");
                permit.spawn(async {}).await;
            })
            .await;
    });
}

#[test]
fn tg_80_child_spawned_into_a_full_group_waits_in_its_task() {
    on_both(|| async {
        TaskGroup::builder()
            .limit(at_most(1))
            .scope(async |group| {
                let (end, gate) = oneshot::channel::<()>();
                let (tell, mut told) = mpsc::unbounded_channel();
                let tells = tell.clone();
                drop(group.try_permit().unwrap().spawn(async move {
                    let _ = gate.await;
                    tells.send("first").unwrap();
                }));
                let second = group.spawn(async move { tell.send("second").unwrap() });
                for _ in 0..50 {
                    yield_now().await;
                    assert!(told.try_recv().is_err() && !second.is_finished());
                }
                drop(end);
                second.await;
                assert_eq!((told.recv().await, told.recv().await), (Some("first"), Some("second")));
            })
            .await;
    });
}

#[test]
fn tg_80_permit_that_is_no_longer_waited_for_gives_up_its_place() {
    on_both(|| async {
        TaskGroup::builder()
            .limit(at_most(1))
            .scope(async |group| {
                let first = group.try_permit().unwrap();
                let mut gives_up = Polled::new(group.permit());
                let mut next = Polled::new(group.permit());
                gives_up.assert_pending();
                next.assert_pending();
                drop(gives_up);
                drop(first);
                assert!(next.is_woken());
                drop(next.assert_ready());
            })
            .await;
    });
}

#[test]
fn without_a_limit_a_permit_is_there_at_once() {
    on_both(|| async {
        scope(async |group| {
            let permits: Vec<_> = (0..1000).map(|_| group.try_permit().unwrap()).collect();
            drop(permits);
            group.permit().await.spawn(async {}).await;
        })
        .await;
    });
}

#[test]
fn tg_81_limit_of_an_open_group_cannot_be_changed() {
    // There is no method that would; see the docs of `Builder::limit`. The builder that it came from is another value.
    on_both(|| async {
        let builder = TaskGroup::builder().limit(at_most(1));
        let open = builder.clone();
        open.scope(async |group| {
            let only = group.try_permit().unwrap();
            let _more = builder.clone().limit(at_most(10));
            assert!(group.try_permit().is_none());
            drop(only);
        })
        .await;
    });
}

/// How a child that has the only place ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Value,
    Error,
    Panic,
}

#[test]
fn tg_86_place_is_given_back_however_a_child_ends() {
    // A failed child cancels its group, so the next in the line needs the grace.
    for ends in [Ends::Value, Ends::Error, Ends::Panic] {
        on_both(move || async move {
            let (tell, mut told) = oneshot::channel();
            let work = TaskGroup::builder().limit(at_most(1)).grace(Duration::from_secs(3600)).try_scope(
                async move |group: &TaskGroup<&str>| {
                    let (end, gate) = oneshot::channel::<()>();
                    drop(group.try_permit().unwrap().try_spawn(async move {
                        let _ = gate.await;
                        match ends {
                            Ends::Value => Ok(()),
                            Ends::Error => Err("boom"),
                            Ends::Panic => std::panic::panic_any(1_u8),
                        }
                    }));
                    drop(group.spawn(async move { tell.send(()).unwrap() }));
                    drop(end);
                    Ok(())
                },
            );
            let outcome = tokio::spawn(work).await;
            assert!(told.try_recv().is_ok(), "the next in the line has not run");
            match ends {
                Ends::Value => assert!(outcome.unwrap().is_ok()),
                Ends::Error => assert!(matches!(outcome.unwrap(), Err(ScopeError::Failed(_)))),
                Ends::Panic => assert!(outcome.unwrap_err().into_panic().is::<u8>()),
            }
        });
    }
}

#[test]
fn place_of_a_cancelled_child_is_given_back() {
    on_both(|| async {
        TaskGroup::builder()
            .limit(at_most(1))
            .scope(async |group| {
                let endless = group.spawn(pending::<()>());
                let waits = group.spawn(pending::<()>());
                assert!(waits.cancel().await.is_none(), "out of the line");
                assert!(endless.cancel().await.is_none());
                assert_eq!(group.spawn(async { 7 }).await, 7);
            })
            .await;
    });
}
