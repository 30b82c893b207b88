//! Services of scopes that are dropped half-way, and of runtimes that go.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use bowline_concurrency::{Failure, Reason, Scope, ScopeError, TaskGroup, cancelled, is_cancelled, scope, try_scope};
use bowline_testing::{Polled, assert_cancel_safe};
use tokio::{runtime::Builder, sync::oneshot, task::yield_now};

use crate::{
    support::{Census, Owes, SlowDrop, ends, finish, on_both, on_drop},
    world::World,
};

/// No test waits for it.
const GRACE: Duration = Duration::from_secs(3600);

#[test]
fn tg_90_scope_dropped_half_way_has_its_services_cancelled_after_its_children_and_the_scope_around_waits() {
    on_both(|| async {
        for grace in [Duration::ZERO, GRACE] {
            let (census, (open, gate)) = (Census::default(), oneshot::channel());
            let (tell, mut told) = oneshot::channel();
            let world = World::default();
            let others = census.clone();
            let service = world.clone();
            let body = async |group: &TaskGroup| {
                let last = on_drop(move || {
                    let _ = tell.send(others.alive());
                });
                group.spawn_service("connection", async move {
                    let _last = (last, service.lease());
                    let reason = cancelled().await;
                    assert!(matches!(reason, Reason::OwnerDropped));
                    service.work().await;
                });
                let owes = Owes::new(census.enter(), gate);
                drop(group.spawn(async move {
                    let _owes = owes;
                    cancelled().await;
                }));
                pending::<()>().await;
            };
            let mut around = Polled::new(scope(async |_| {
                tokio::select! {
                    biased;
                    () = TaskGroup::builder().grace(grace).scope(body) => unreachable!("it never ends"),
                    () = async { for _ in 0..20 { yield_now().await } } => {}
                }
            }));
            for _ in 0..100 {
                around.assert_pending();
                yield_now().await;
            }
            assert_eq!(census.alive(), 1, "a release is owed");
            assert!(told.try_recv().is_err(), "the service is there");
            open.send(()).unwrap();
            finish(&mut around).await;
            assert_eq!(told.try_recv(), Ok(0));
            world.assert_clean();
        }
    });
}

#[test]
fn scope_dropped_outside_every_runtime_ends_its_services_at_once() {
    ends("a drop outside", || {
        for grace in [Duration::ZERO, GRACE] {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let (gone, is_gone) = mpsc::channel::<()>();
            let mut open = Polled::new(TaskGroup::builder().grace(grace).scope(async move |group| {
                let clone = gone.clone();
                group.spawn_service("service", async move {
                    let _gone = clone;
                    pending().await
                });
                drop(group.spawn(async move {
                    let _gone = gone;
                    pending::<()>().await
                }));
                pending::<()>().await;
            }));
            let handle = runtime.handle().clone();
            {
                let _entered = handle.enter();
                open.assert_pending();
            }
            drop(open);
            assert!(is_gone.recv().is_err(), "both are gone");
            drop(runtime);
        }
    });
}

#[test]
fn failure_of_a_service_whose_scope_was_dropped_goes_to_the_observer() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure: &Failure| list.lock().unwrap().push(failure.to_string()));
            // It cannot fail before its scope is dropped, whichever thread is faster.
            let (open, gate) = oneshot::channel::<()>();
            let body = async move |group: &TaskGroup<&str>| -> Result<(), &str> {
                group.try_spawn_service("log", async {
                    cancelled().await;
                    let _ = gate.await;
                    Err("disk full")
                });
                Ok(()) // Dropped in the last phase: the group itself has ended.
            };
            let mut inner = Polled::new(TaskGroup::builder().name("pages").grace(GRACE).try_scope(body));
            assert!(inner.poll().is_pending());
            drop(inner);
            drop(open);
        })
        .await;
        assert_eq!(*heard.lock().unwrap(), [r#"log in pages failed: "disk full""#]);
    });
}

#[test]
fn runtime_that_goes_takes_services_down_without_a_hang() {
    ends("a runtime that goes", || {
        for polled in [false, true] {
            for threads in [0, 2] {
                let runtime = match threads {
                    0 => Builder::new_current_thread().enable_all().build().unwrap(),
                    _ => Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
                };
                let world = World::default();
                let inside = world.clone();
                let mut open = Polled::new(async move {
                    try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
                        let here = inside.enter();
                        group.spawn_service("service", async move {
                            let _here = here;
                            pending().await
                        });
                        let here = inside.enter();
                        drop(group.spawn(async move {
                            let _here = here;
                            pending::<()>().await
                        }));
                        pending().await
                    })
                    .await
                });
                if polled {
                    {
                        let _entered = runtime.enter();
                        open.assert_pending();
                    }
                    drop(runtime);
                    let result = open.assert_ready();
                    assert!(matches!(result, Err(ScopeError::Cancelled(Reason::RuntimeGone))), "{result:?}");
                } else {
                    // Dropped in the runtime; the task that waits for the turn of the services goes with it.
                    runtime.block_on(async {
                        open.assert_pending();
                        drop(open);
                    });
                    drop(runtime);
                }
                world.assert_clean();
            }
        }
    });
}

#[test]
fn scope_with_services_dropped_anywhere_leaves_nothing() {
    for grace in [Duration::ZERO, Duration::from_secs(60)] {
        let visited = assert_cancel_safe(
            async || {
                let world = World::default();
                let inside = world.clone();
                let body = async move |group: &TaskGroup| {
                    for answers in [false, true] {
                        let below = inside.clone();
                        group.spawn_service("service", async move {
                            let _here = (SlowDrop::new(below.enter()), below.lease());
                            if answers {
                                cancelled().await;
                                below.work().await;
                            } else {
                                while is_cancelled().is_none() {
                                    yield_now().await;
                                }
                            }
                        });
                    }
                    drop(group.spawn(inside.clone().work()));
                    group.spawn(inside.clone().work()).await;
                    inside.clone().work().await;
                };
                (TaskGroup::builder().grace(grace).scope(body), world)
            },
            World::left_clean,
        );
        visited.at_least(2);
    }
}
