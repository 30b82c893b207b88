//! Resources of one thread, on a `LocalSet`.

use std::{future::pending, rc::Rc, time::Duration};

use bowline_concurrency::{lost_releases, scope, timeout};
use bowline_resources::{Exit, LocalResource, Resource, resource, with_local};
use bowline_testing::{Polled, Probe, on_both_runtimes, on_current_thread};
use tokio::{
    task::{LocalSet, spawn_local, yield_now},
    time::Instant,
};

use crate::support::{Act, BUDGET, Door, Log, Stuck, Telling, awaits, observe, panic_of};

/// A door that cannot leave its thread.
struct Here(Door, Rc<()>);

impl Here {
    fn new(door: Door) -> Self {
        Here(door, Rc::default())
    }
}

impl LocalResource for Here {
    type Value = (Probe, Rc<()>);
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Self::Value, Stuck> {
        Ok((Resource::acquire(&mut self.0).await?, self.1.clone()))
    }

    async fn release(&mut self, value: Self::Value, exit: Exit) -> Result<(), Stuck> {
        Resource::release(&mut self.0, value.0, exit).await
    }

    fn release_within(&self) -> Duration {
        BUDGET
    }

    fn abandon(&mut self, value: Option<Self::Value>) {
        self.0.log().add(if value.is_some() { "abandoned with its value" } else { "abandoned" });
    }
}

fn on_local_sets(case: impl AsyncFn(&Log)) {
    on_both_runtimes(async || {
        let log = Log::default();
        LocalSet::new().run_until(case(&log)).await;
    });
}

#[test]
fn rs_01_rs_02_acquire_body_and_release_run_in_order() {
    on_local_sets(async |log| {
        let outcome = with_local(Here::new(Door::new("a", log)), async |(value, _)| {
            log.add(format!("{value:?}").split(',').next().unwrap());
            awaits(2).await?;
            Ok::<_, Stuck>(7)
        });
        assert_eq!(outcome.await, Ok(7));
        assert_eq!(log.entries(), ["open a", "Probe { name: \"a\"", "closing a", "closed a: completed"]);
        let failed = with_local(Here::new(Door::new("b", log)), async |_| Err::<(), _>(Stuck("body")));
        assert_eq!(failed.await, Err(Stuck("body")));
        assert_eq!(log.entries().last().unwrap(), "closed b: failed");
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_04_rs_07_an_error_of_the_release_is_returned_or_observed() {
    on_local_sets(async |log| {
        scope(async |_| {
            observe(log);
            let door = || Here::new(Door::new("a", log).release(1, Act::Fails));
            assert_eq!(with_local(door(), async |_| Ok(())).await, Err(Stuck("release")));
            assert_eq!(with_local(door(), async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
            assert_eq!(log.all("observed "), ["error of the release"]);
            let body = async |_: &mut (Probe, Rc<()>)| -> Result<(), Stuck> { panic!("the body panics") };
            assert_eq!(panic_of(with_local(door(), body)).await, "the body panics");
            assert_eq!(log.all("observed ").len(), 2);
            let door = Here::new(Door::new("a", log).release(1, Act::Panics));
            assert_eq!(panic_of(with_local(door, async |_| awaits(0).await)).await, "release panics");
        })
        .await;
        assert_eq!(log.entries().last().unwrap(), "abandoned");
    });
}

#[test]
fn rs_06_after_a_failed_acquisition_neither_body_nor_release_run() {
    on_local_sets(async |log| {
        let awaits = async |_| {
            log.add("body");
            Ok::<_, Stuck>(())
        };
        let door = Here::new(Door::new("a", log).acquire(2, Act::Fails));
        assert_eq!(with_local(door, async |_| awaits(0).await).await, Err(Stuck("acquire")));
        let door = Here::new(Door::new("a", log).acquire(2, Act::Panics));
        assert_eq!(panic_of(with_local(door, async |_| awaits(0).await)).await, "acquire panics");
        assert!(log.entries().is_empty());
    });
}

/// Two inside one another, which end in every way. Gives the outcome away, be it a panic.
async fn two(log: &Log, end: &str) {
    let door = |name, n| Here::new(Door::new(name, log).acquire(2, Act::Works).release(n, Act::Works));
    let used = with_local(door("outer", 2), async |_| {
        with_local(door("inner", 5), async |_| {
            awaits(2).await?;
            log.add("ending");
            match end {
                "fails" => Err(Stuck("body")),
                "panics" => panic!("the body panics"),
                _ => Ok(()),
            }
        })
        .await
    });
    if end == "panics" { drop(panic_of(used).await) } else { drop(used.await) }
}

#[test]
fn rs_14_rs_15_dropped_after_any_poll_each_is_released_once_and_the_inner_first() {
    let expected = [("ends", "completed"), ("fails", "failed"), ("panics", "panicked")];
    on_both_runtimes(async || {
        for ((end, exit), outside) in expected.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            let mut polls = 0;
            loop {
                let (log, set) = (Log::default(), LocalSet::new());
                let mut finished = false;
                let around = scope(async |_| {
                    observe(&log);
                    let mut used = Polled::new(two(&log, end));
                    for _ in 0..polls {
                        finished |= set.run_until(async { (used.poll().is_ready(), yield_now().await).0 }).await;
                        if finished {
                            break;
                        }
                    }
                    // The scope waits below, while the set is driven.
                    if outside { drop(used) } else { set.run_until(async { drop(used) }).await }
                });
                set.run_until(around).await;
                log.assert_balanced();
                let inner = log.all("closed inner: ");
                let ending = log.entries().contains(&"ending".into());
                assert!(inner.iter().all(|seen| seen == if ending { exit } else { "dropped" }), "{:?}", log.entries());
                assert!(!log.entries().iter().any(|entry| entry.starts_with("abandoned")));
                if finished {
                    break;
                }
                polls += 1;
            }
            assert!(polls >= 12, "{polls}");
        }
    });
}

#[test]
fn rs_14_an_acquisition_that_fails_after_its_caller_has_gone_is_observed() {
    for (act, expected) in [(Act::Fails, "error of the acquisition"), (Act::Panics, "panic of the acquisition")] {
        on_local_sets(async |log| {
            scope(async |_| {
                observe(log);
                let door = Here::new(Door::new("a", log).acquire(5, act));
                Polled::new(with_local(door, async |_| awaits(0).await)).assert_pending();
            })
            .await;
            assert_eq!(log.entries(), [format!("observed {expected}")]);
        });
    }
}

#[test]
fn rs_15_a_timeout_returns_after_the_release_and_gives_it_its_reason() {
    on_local_sets(async |log| {
        let door = Here::new(Door::new("a", log).release(5, Act::Works));
        let body = with_local(door, async |_| pending::<Result<(), Stuck>>().await);
        let elapsed = timeout(Duration::from_millis(1), body).named("page 7").await.unwrap_err();
        assert!(elapsed.stragglers().is_empty());
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: deadline page 7"]);
    });
}

#[test]
fn rs_15_a_task_of_the_set_that_is_aborted_is_released() {
    on_local_sets(async |log| {
        let door = Here::new(Door::new("a", log).release(5, Act::Works));
        let task =
            spawn_local(scope(async move |_| with_local(door, async |_| pending::<Result<(), Stuck>>().await).await));
        while log.opened().is_empty() {
            yield_now().await;
        }
        task.abort();
        while log.closed().is_empty() {
            yield_now().await;
        }
        log.assert_balanced();
    });
}

#[test]
fn rs_15_a_release_past_its_deadline_is_cut_reported_and_abandoned() {
    on_current_thread(async || {
        for polls in 1..4 {
            let (log, start) = (Log::default(), Instant::now());
            let used = async {
                scope(async |_| {
                    observe(&log);
                    let door = Here::new(Door::new("a", &log).acquire(0, Act::Works).release(0, Act::Hangs));
                    let mut used = Polled::new(with_local(door, async |_| awaits(1).await));
                    for _ in 0..polls {
                        used.assert_pending();
                        yield_now().await;
                    }
                })
                .await;
            };
            LocalSet::new().run_until(used).await;
            assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
            assert_eq!(log.entries(), ["open a", "closing a", "abandoned", "observed overdue of the release"]);
            assert_eq!(log.values.live(), 0);
        }
    });
}

#[test]
fn rs_15_a_set_that_is_dropped_first_loses_the_release_which_is_counted_and_abandoned() {
    on_current_thread(async || {
        // In the body, and the value is still there; in the release, and it is not.
        for (polls, expected) in [(1, "abandoned with its value"), (2, "abandoned")] {
            for set_first in [true, false] {
                let (log, before) = (Log::default(), lost_releases());
                scope(async |_| {
                    observe(&log);
                    let set = LocalSet::new();
                    let door = Here::new(Door::new("a", &log).acquire(0, Act::Works).release(0, Act::Hangs));
                    let mut used = Polled::new(with_local(door, async |_| awaits(1).await));
                    for _ in 0..polls {
                        set.run_until(async { used.assert_pending() }).await;
                    }
                    if set_first {
                        drop(set);
                        drop(used);
                    } else {
                        drop(used);
                        drop(set);
                    }
                })
                .await;
                let entries = log.entries();
                assert!(entries.contains(&expected.to_owned()), "{entries:?}");
                assert_eq!(log.all("observed "), ["lost of the release"]);
                assert_eq!((lost_releases() - before, log.values.live()), (1, 0));
            }
        }
    });
}

#[test]
fn rs_15_a_set_that_is_dropped_with_the_use_in_one_of_its_tasks_loses_nothing_silently() {
    on_current_thread(async || {
        let (log, before) = (Log::default(), lost_releases());
        let set = LocalSet::new();
        let door = Here::new(Door::new("a", &log));
        set.spawn_local(with_local(door, async |_| pending::<Result<(), Stuck>>().await));
        set.run_until(async {
            while log.opened().is_empty() {
                yield_now().await
            }
        })
        .await;
        set.run_until(awaits(3)).await.unwrap();
        drop(set);
        assert_eq!(log.entries(), ["open a", "abandoned with its value"]);
        assert_eq!((lost_releases() - before, log.values.live()), (1, 0));
    });
}

#[test]
fn outside_of_a_set_it_works_until_something_waits_and_then_it_panics() {
    on_both_runtimes(async || {
        let log = Log::default();
        let ready = |n| Here::new(Door::new("a", &log).acquire(0, Act::Works).release(n, Act::Works));
        assert_eq!(with_local(ready(0), async |_| Ok::<_, Stuck>(7)).await, Ok(7));
        let text = panic_of(with_local(ready(0), async |_| awaits(1).await)).await;
        assert!(text.contains("LocalSet") || text.contains("spawn_local"), "{text}");
        assert_eq!(log.entries().last().unwrap(), "abandoned with its value");
    });
}

#[test]
fn every_resource_is_a_local_one() {
    on_local_sets(async |log| {
        let used = with_local(Telling::new("a", log, Act::Works), async |seven| Ok::<_, Stuck>(*seven));
        assert_eq!(used.await, Ok(7));
        assert_eq!(log.entries(), ["released a"]);
    });
}

/// Nothing is left of a use that has ended: neither its task nor what it lent.
/// The keepers of uses that are over. The runtime does not count the tasks of a `LocalSet`; the memory of the process tells.
#[test]
fn the_tasks_of_a_hundred_thousand_uses_are_gone_with_them() {
    on_local_sets(async |_| {
        let use_many = async |times| {
            for _ in 0..times {
                let nothing = resource(async || Ok::<_, Stuck>(()), async |(), _: Exit| Ok(()));
                with_local(nothing, async |()| awaits(1).await).await.unwrap();
            }
        };
        use_many(1_000).await;
        let before = resident_pages();
        use_many(100_000).await;
        let grown = resident_pages().saturating_sub(before);
        assert!(grown < 2_000, "the process has grown by {grown} pages");
    });
}

/// Zero where the system does not say.
fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}
