//! Hooks.

use std::sync::{Arc, Mutex};

use bowline_concurrency::{
    Scope, inspect,
    inspect::{Instrument, TaskInfo, observe},
    scope, tree,
};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::{inspect::shows, support::on_both};

/// Notes what it hears about tasks whose names begin with `mine`.
struct Notes {
    mine: &'static str,
    heard: Arc<Mutex<Vec<String>>>,
    panics_at: &'static str,
    looks: bool,
}

impl Notes {
    fn note(&self, event: &'static str, task: &TaskInfo) {
        let Some(name) = task.name.as_deref().filter(|name| name.starts_with(self.mine)) else { return };
        self.heard.lock().unwrap().push(format!("{event} {name}"));
        if self.looks {
            assert!(tree().nodes().len() > 1);
        }
        assert!(event != self.panics_at, "an instrument that is out of order");
    }
}

impl Instrument for Notes {
    fn spawned(&self, task: &TaskInfo) {
        self.note("spawned", task);
    }

    fn before_poll(&self, task: &TaskInfo) {
        self.note("before", task);
    }

    fn after_poll(&self, task: &TaskInfo) {
        self.note("after", task);
    }

    fn exited(&self, task: &TaskInfo) {
        self.note("exited", task);
    }
}

const ALL: [&str; 6] = ["spawned", "before", "after", "before", "after", "exited"];

fn expected(name: &str) -> Vec<String> {
    ALL.iter().map(|event| format!("{event} {name}")).collect()
}

#[test]
fn dx_07_hooks_are_called_in_order_and_end_with_their_guard() {
    on_both(|| async {
        inspect(true);
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let notes = Notes { mine: "dx 07 a", heard: heard.clone(), panics_at: "never", looks: true };
        let observing = observe(notes);
        scope(async |group| group.named("dx 07 a").spawn(yield_now()).await).await;
        assert_eq!(*heard.lock().unwrap(), expected("dx 07 a"));
        drop(observing);
        scope(async |group| group.named("dx 07 a").spawn(yield_now()).await).await;
        assert_eq!(heard.lock().unwrap().len(), ALL.len(), "nobody is told after the guard has gone");
        assert_eq!(Arc::strong_count(&heard), 1, "and the instrument is dropped");
    });
}

#[test]
fn dx_07_hook_that_panics_is_disabled_and_reported_and_the_others_go_on() {
    on_both(|| async {
        inspect(true);
        let [first, second] = [(); 2].map(|()| Arc::<Mutex<Vec<String>>>::default());
        let notes = |heard: &Arc<Mutex<Vec<String>>>, panics_at| Notes {
            mine: "dx 07 b",
            heard: heard.clone(),
            panics_at,
            looks: false,
        };
        let _broken = observe(notes(&first, "before"));
        let _sound = observe(notes(&second, "never"));
        let failures = Arc::<Mutex<Vec<String>>>::default();
        let told = failures.clone();
        let value = scope(async |group| {
            Scope::current().observe_failures(move |failure| told.lock().unwrap().push(failure.to_string()));
            group.named("dx 07 b").spawn(async { yield_now().await }).await;
            42
        });
        assert_eq!(value.await, 42);
        assert_eq!(*first.lock().unwrap(), ["spawned dx 07 b", "before dx 07 b"]);
        assert_eq!(*second.lock().unwrap(), expected("dx 07 b"));
        let failures = failures.lock().unwrap();
        assert!(
            matches!(&failures[..], [one] if one.contains("an instrument") && one.contains("out of order")),
            "{failures:?}"
        );
    });
}

#[test]
fn dx_07_poll_that_panics_is_told_like_another() {
    on_both(|| async {
        inspect(true);
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let _notes = observe(Notes { mine: "dx 07 c", heard: heard.clone(), panics_at: "never", looks: false });
        let broken =
            tokio::spawn(scope(async |group| group.named("dx 07 c").spawn(async { panic!("as it should") }).await));
        assert!(broken.await.unwrap_err().is_panic());
        let expected = ["spawned dx 07 c", "before dx 07 c", "after dx 07 c", "exited dx 07 c"];
        assert_eq!(*heard.lock().unwrap(), expected);
    });
}

#[test]
fn dx_07_what_a_hook_spawns_no_hook_hears_of() {
    struct Spawns(Arc<Mutex<u32>>);

    impl Instrument for Spawns {
        fn spawned(&self, task: &TaskInfo) {
            if task.name.as_deref().is_some_and(|name| name.starts_with("dx 07 d")) {
                *self.0.lock().unwrap() += 1;
                bowline_concurrency::hand_off(&tokio::runtime::Handle::current(), "dx 07 d again", async {});
            }
        }
    }

    on_both(|| async {
        inspect(true);
        let count = Arc::new(Mutex::new(0));
        let _spawns = observe(Spawns(count.clone()));
        scope(async |group| group.named("dx 07 d").spawn(yield_now()).await).await;
        assert_eq!(*count.lock().unwrap(), 1);
    });
}

/// Notes all that it hears of tasks whose names begin with `dx 07 e`, and spawns at every call.
struct SpawnsAlways(Arc<Mutex<Vec<String>>>);

impl SpawnsAlways {
    fn note(&self, event: &str, task: &TaskInfo) {
        let Some(name) = task.name.as_deref().filter(|name| name.starts_with("dx 07 e")) else { return };
        let mut heard = self.0.lock().unwrap();
        heard.push(format!("{event} {name}"));
        if heard.len() < 100 {
            drop(heard);
            let again = scope(async |group| group.named("dx 07 e below").spawn(yield_now()).await);
            bowline_concurrency::hand_off(&Handle::current(), "dx 07 e again", again);
        }
    }
}

impl Instrument for SpawnsAlways {
    fn spawned(&self, task: &TaskInfo) {
        self.note("spawned", task);
    }

    fn before_poll(&self, task: &TaskInfo) {
        self.note("before", task);
    }

    fn after_poll(&self, task: &TaskInfo) {
        self.note("after", task);
    }

    fn exited(&self, task: &TaskInfo) {
        self.note("exited", task);
    }
}

#[test]
fn dx_07_hooks_that_spawn_hear_nothing_of_those_tasks_nor_of_what_they_spawn() {
    on_both(|| async {
        inspect(true);
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let _spawns = observe(SpawnsAlways(heard.clone()));
        // The hand-offs below this scope are gone when it returns.
        scope(async |group| group.named("dx 07 e").spawn(yield_now()).await).await;
        assert_eq!(*heard.lock().unwrap(), expected("dx 07 e"));
    });
}

#[test]
fn dx_07_nobody_hears_of_older_tasks_while_inspection_is_off() {
    crate::inspect::alone("inspect_hooks::hooks_while_off");
}

#[test]
#[ignore = "a process of its own: see above"]
fn hooks_while_off() {
    on_both(|| async {
        inspect(true);
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let _notes = observe(Notes { mine: "dx 07 f", heard: heard.clone(), panics_at: "never", looks: false });
        scope(async |group| {
            let (open, gate) = oneshot::channel::<()>();
            let child = group.named("dx 07 f").spawn(gate);
            shows(|tree| tree.tasks().iter().any(|task| task.name.as_deref() == Some("dx 07 f") && task.polls == 1))
                .await;
            while heard.lock().unwrap().len() < 3 {
                yield_now().await;
            }
            inspect(false);
            let _ = open.send(());
            let _ = child.await;
        })
        .await;
        assert_eq!(*heard.lock().unwrap(), expected("dx 07 f")[..3]);
    });
}
