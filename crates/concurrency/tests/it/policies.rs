//! Scopes whose outcomes go to a policy.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    Collect, FirstSuccess, NoSuccess, PolicyGroup, Scope, Supervise, TaskGroup, Until, cancelled, policy_scope, scope,
};
use bowline_testing::Polled;
use tokio::{runtime::Builder, sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, ends, finish, on_both, on_drop, paused, stays_pending};

/// No test waits for it.
const GRACE: Duration = Duration::from_secs(3600);

#[test]
fn tg_61_errors_of_supervised_children_reach_the_handler_once_each_and_concern_nobody_else() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        let handler = move |name: Option<&str>, error: u32| list.lock().unwrap().push((name.map(str::to_owned), error));
        let (end, gate) = oneshot::channel::<()>();
        let result = policy_scope(Supervise::new(handler), async |group| {
            group.named("first").spawn(async { Err(1) });
            group.spawn(async {
                yield_now().await;
                Err(2)
            });
            group.spawn(async move {
                assert!(gate.await.is_ok(), "it goes on");
                Ok(())
            });
            while heard.lock().unwrap().len() < 2 {
                yield_now().await;
            }
            end.send(()).unwrap();
            Ok::<_, ()>("the result of the body")
        })
        .await;
        assert_eq!(result, Ok("the result of the body"));
        let mut heard = heard.lock().unwrap().clone();
        heard.sort();
        assert_eq!(heard, [(None, 2), (Some("first".to_owned()), 1)]);
    });
}

#[test]
fn tg_62_error_of_a_supervising_body_cancels_the_children_and_is_returned_even_if_a_child_fails_too() {
    on_both(|| async {
        let (census, heard) = (Census::default(), Arc::new(AtomicUsize::new(0)));
        let count = heard.clone();
        let result = policy_scope(
            Supervise::new(move |_: Option<&str>, _: u32| {
                count.fetch_add(1, SeqCst);
            }),
            async |group| {
                let here = SlowDrop::new(census.enter());
                group.spawn(async move {
                    let _here = here;
                    pending().await
                });
                group.spawn(async { Err(1) });
                while heard.load(SeqCst) == 0 {
                    yield_now().await;
                }
                Err::<(), _>("of the body")
            },
        )
        .await;
        assert_eq!(result, Err("of the body"));
        assert_eq!(census.alive(), 0);
        assert_eq!(heard.load(SeqCst), 1);
    });
}

#[test]
fn tg_69_first_success_gives_the_value_and_the_others_are_gone() {
    on_both(|| async {
        let census = Census::default();
        let value = policy_scope(FirstSuccess::new(), async |group| {
            group.spawn(async { Err("down") });
            let here = SlowDrop::new(census.enter());
            group.spawn(async move {
                let _here = here;
                pending().await
            });
            group.spawn(async {
                yield_now().await;
                Ok(7)
            });
            pending::<()>().await; // The decision ends the body, too.
        })
        .await;
        assert_eq!(value.unwrap(), 7);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_69_without_a_success_all_errors_are_returned_and_without_a_task_a_distinct_one() {
    on_both(|| async {
        let error = policy_scope(FirstSuccess::<(), &str>::new(), async |group| {
            group.named("a").spawn(async { Err("down") });
            group.named("b").spawn(async { Err("gone") });
        })
        .await
        .unwrap_err();
        let NoSuccess::AllFailed(errors) = error else { panic!("two have failed") };
        let mut named: Vec<_> = errors.named().map(|(name, error)| (name.unwrap(), *error)).collect();
        named.sort_unstable();
        assert_eq!(named, [("a", "down"), ("b", "gone")]);
        let error = policy_scope(FirstSuccess::<(), &str>::new(), async |_| {}).await.unwrap_err();
        assert!(matches!(error, NoSuccess::NoTasks));
        assert!(error.to_string().starts_with("no task could succeed"));
    });
}

#[test]
fn tg_70_until_returns_all_outcomes_in_the_order_of_spawning_with_those_that_had_not_ended() {
    on_both(|| async {
        let census = Census::default();
        let outcomes = policy_scope(Until::new(|n: &u32| *n == 3), async |group| {
            let (after, first) = oneshot::channel::<()>();
            group.spawn(async move {
                let _ = first.await;
                3
            });
            let here = census.enter();
            group.spawn(async move {
                let _here = here;
                pending().await
            });
            group.spawn(async move {
                let _after = on_end(after);
                1
            });
        })
        .await;
        // The output of the third came after its locals were dropped, so the first one may have been quicker.
        assert_eq!((outcomes[0], outcomes[1]), (Some(3), None));
        assert_eq!(outcomes.len(), 3);
        assert_eq!(census.alive(), 0);
        let outcomes =
            policy_scope(Until::new(|_: &u32| false), async |group| (0..3).for_each(|n| group.spawn(async move { n })));
        assert_eq!(outcomes.await, [Some(0), Some(1), Some(2)]);
    });
}

fn on_end(tell: oneshot::Sender<()>) -> impl Drop {
    on_drop(move || {
        let _ = tell.send(());
    })
}

#[test]
fn tg_82_first_error_alone_or_all_of_them_and_nothing_that_a_cancellation_induced() {
    on_both(|| async {
        // Fail fast: the first one, and the others are cancelled.
        let census = Census::default();
        let errors = policy_scope(Collect::<(), _>::fail_fast(), async |group| {
            let here = SlowDrop::new(census.enter());
            group.spawn(async move {
                let _here = here;
                pending().await
            });
            group.named("bad").spawn(async { Err("boom") });
        })
        .await
        .unwrap_err();
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("bad"), &"boom")]);
        assert_eq!(census.alive(), 0);
        // With a grace the others answer with errors of their own; they are none.
        let body = async |group: &PolicyGroup<Collect<(), &'static str>>| {
            group.spawn(async {
                cancelled().await;
                Err("cancelled")
            });
            group.spawn(async { Err("boom") });
        };
        let result = TaskGroup::builder().grace(GRACE).policy_scope(Collect::fail_fast(), body).await;
        assert_eq!(result.unwrap_err().into_vec(), ["boom"]);
        // All: everybody runs to the end; the first one is the first.
        let (end, gate) = oneshot::channel::<()>();
        let errors = policy_scope(Collect::<(), _>::all(), async |group| {
            group.spawn(async move {
                assert!(gate.await.is_ok());
                Err(2)
            });
            group.spawn(async move {
                let _end = on_end(end);
                yield_now().await;
                Err(1)
            });
        })
        .await
        .unwrap_err();
        assert_eq!(errors.len(), 2);
        // And all values.
        let values = policy_scope(Collect::<_, &str>::all(), async |group| {
            (0..100).for_each(|n| group.spawn(async move { Ok(n) }));
        });
        assert_eq!(values.await.unwrap(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn panic_of_a_child_or_of_the_body_fails_the_scope_as_everywhere() {
    on_both(|| async {
        for in_body in [false, true] {
            let census = Census::default();
            let here = SlowDrop::new(census.enter());
            let failed = tokio::spawn(policy_scope(Until::new(|_: &()| false), async move |group| {
                group.spawn(async move {
                    let _here = here;
                    pending().await
                });
                if in_body {
                    panic!("boom");
                }
                group.spawn(async { panic!("boom") });
                pending().await
            }));
            assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"boom"));
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn child_has_dropped_its_locals_before_the_policy_hears_of_it() {
    on_both(|| async {
        let outputs = policy_scope(Until::new(|locals: &Census| locals.alive() != 0), async |group| {
            for _ in 0..100 {
                let locals = Census::default();
                let here = SlowDrop::new(locals.enter());
                group.spawn(async move {
                    let _here = here;
                    yield_now().await;
                    locals
                });
            }
        });
        assert!(outputs.await.iter().all(Option::is_some));
    });
}

#[test]
fn scope_waits_for_a_policy_that_is_being_asked() {
    on_both(|| async {
        let census = Census::default();
        let inside = census.clone();
        let enough = Until::new(move |_: &()| {
            drop(SlowDrop::new(inside.enter()));
            true
        });
        policy_scope(enough, async |group| group.spawn(async {})).await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn outcomes_of_a_scope_that_is_dropped_go_with_it_and_not_with_its_last_child() {
    on_both(|| async {
        let (census, (open, gate)) = (Census::default(), oneshot::channel::<()>());
        let value = census.enter();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let body = async |group: &PolicyGroup<_>| {
            group.spawn(async move { Some(value) });
            group.spawn(async move {
                let _ = cancelled().await;
                let _ = gate.await;
                None
            });
            pending::<()>().await;
        };
        let policy = Until::new(move |_: &Option<_>| {
            count.fetch_add(1, SeqCst);
            false
        });
        let mut around = Polled::new(scope(async |_| {
            let mut inner = Polled::new(TaskGroup::builder().grace(GRACE).policy_scope(policy, body));
            while asked.load(SeqCst) == 0 {
                inner.assert_pending();
                yield_now().await;
            }
            assert_eq!(census.alive(), 1);
            drop(inner);
            assert_eq!(census.alive(), 0);
        }));
        while around.poll().is_pending() && census.alive() != 0 {
            yield_now().await;
        }
        stays_pending(&mut around).await;
        open.send(()).unwrap();
        finish(&mut around).await;
        assert_eq!(asked.load(SeqCst), 1, "nobody asks after the scope has gone");
    });
}

#[test]
fn policy_scope_on_a_runtime_that_goes_neither_hangs_nor_concludes_from_what_is_lost() {
    ends("a policy scope", || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut open = Polled::new(policy_scope(Collect::<(), &str>::all(), async |group| {
            group.spawn(pending());
            pending().await
        }));
        {
            let _entered = runtime.enter();
            open.assert_pending();
        }
        drop(runtime);
        let lost = catch_unwind(AssertUnwindSafe(|| open.poll().is_ready()));
        assert!(lost.unwrap_err().downcast_ref::<String>().unwrap().contains("lost a child"));
    });
}

#[test]
fn hundred_thousand_outcomes() {
    on_both(|| async {
        let values = policy_scope(Collect::<_, ()>::all(), async |group| {
            (0..100_000).for_each(|n| group.spawn(async move { Ok(n) }));
        });
        assert_eq!(values.await.unwrap().len(), 100_000);
    });
}

#[test]
fn errors_that_a_policy_holds_when_a_panic_is_resumed_go_to_the_observer() {
    // On one thread, where the first child has ended before the second one begins.
    paused(async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        let failed = tokio::spawn(scope(async move |_| {
            Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
            let all = policy_scope(Collect::<(), String>::all(), async |group| {
                group.named("db").spawn(async { Err("lost".to_owned()) });
                group.spawn(async { panic!("boom") });
            });
            drop(all.await);
        }));
        assert!(failed.await.unwrap_err().is_panic());
        assert_eq!(*heard.lock().unwrap(), [r#"db in a scope failed: "lost""#]);
    });
}
