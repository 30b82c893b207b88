//! When a policy is asked, and what its panics do.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    Failure, Place, Policy, PolicyGroup, Scope, TaskGroup, Until, cancelled, policy_scope, scope,
};
use tokio::task::yield_now;

use crate::support::{Census, on_both};

/// No test waits for it.
const GRACE: Duration = Duration::from_secs(3600);

/// What a policy was asked.
#[derive(Clone, Debug, Default)]
struct Asked {
    spawned: Arc<Mutex<Vec<usize>>>,
    completed: Arc<Mutex<Vec<usize>>>,
    drops: Census,
}

/// Decides when it sees 1; panics where it is told to.
struct Noting {
    asked: Asked,
    panic_at_spawn: Option<usize>,
    panic_at_end: Option<usize>,
}

impl Noting {
    fn new(asked: &Asked) -> Self {
        Noting { asked: asked.clone(), panic_at_spawn: None, panic_at_end: None }
    }
}

impl Policy for Noting {
    type Task = u32;
    type Body = ();
    type Output = Asked;

    fn spawned(&mut self, place: Place<'_>) {
        self.asked.spawned.lock().unwrap().push(place.index);
        assert_ne!(self.panic_at_spawn, Some(place.index), "in the spawn hook");
    }

    fn completed(&mut self, place: Place<'_>, output: u32) -> ControlFlow<()> {
        self.asked.completed.lock().unwrap().push(place.index);
        assert_ne!(self.panic_at_end, Some(place.index), "in the completion hook");
        if output == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn conclude(self) -> Asked {
        self.asked
    }
}

#[test]
fn tg_71_child_spawned_after_the_decision_has_a_place_and_never_runs() {
    on_both(|| async {
        let (asked, ran) = (Asked::default(), Arc::new(AtomicBool::new(false)));
        let body = async |group: &PolicyGroup<Noting>| {
            group.spawn(async { 1 });
            cancelled().await;
            let (here, ran) = (asked.drops.enter(), ran.clone());
            group.spawn(async move {
                let _here = here;
                ran.store(true, SeqCst);
                2
            });
            assert_eq!(asked.drops.alive(), 0);
        };
        let asked = TaskGroup::builder().grace(GRACE).policy_scope(Noting::new(&asked), body).await;
        assert!(!ran.load(SeqCst));
        assert_eq!(*asked.spawned.lock().unwrap(), [0, 1]);
        assert_eq!(*asked.completed.lock().unwrap(), [0]);
        // It reads as unfinished.
        let always: fn(&u32) -> bool = |_| true;
        let body = async |group: &PolicyGroup<Until<u32, _>>| {
            group.spawn(async { 1 });
            cancelled().await;
            group.spawn(async { 2 });
        };
        let outputs = TaskGroup::builder().grace(GRACE).policy_scope(Until::new(always), body);
        assert_eq!(outputs.await, [Some(1), None]);
    });
}

#[test]
fn tg_72_policy_is_not_asked_about_what_ends_after_its_decision() {
    on_both(|| async {
        let asked = Asked::default();
        let body = async |group: &PolicyGroup<Noting>| {
            group.spawn(async {
                cancelled().await;
                yield_now().await;
                2 // It has a value, in its grace.
            });
            group.spawn(async { 1 });
        };
        let asked = TaskGroup::builder().grace(GRACE).policy_scope(Noting::new(&asked), body).await;
        assert_eq!(*asked.completed.lock().unwrap(), [1]);
    });
}

#[test]
fn tg_72_policy_is_not_asked_about_what_ends_after_a_failure() {
    on_both(|| async {
        let asked = Asked::default();
        let policy = Noting::new(&asked);
        let failed = tokio::spawn(TaskGroup::builder().grace(GRACE).policy_scope(policy, async |group| {
            group.spawn(async {
                cancelled().await;
                2
            });
            group.spawn(async { panic!("boom") });
        }));
        assert!(failed.await.unwrap_err().is_panic());
        assert!(asked.completed.lock().unwrap().is_empty());
    });
}

#[test]
fn tg_79_panic_of_the_spawn_hook_goes_to_the_caller_of_spawn() {
    on_both(|| async {
        let asked = Asked::default();
        let mut policy = Noting::new(&asked);
        policy.panic_at_spawn = Some(1);
        let asked = policy_scope(policy, async |group| {
            group.spawn(async { 0 });
            let refused = catch_unwind(AssertUnwindSafe(|| group.spawn(async { unreachable!("it is not spawned") })));
            assert!(refused.is_err());
            group.spawn(async { 0 });
        })
        .await;
        assert_eq!(*asked.spawned.lock().unwrap(), [0, 1, 2]);
        let mut completed = asked.completed.lock().unwrap().clone();
        completed.sort_unstable();
        assert_eq!(completed, [0, 2]);
    });
}

#[test]
fn tg_79_panic_of_the_completion_hook_goes_to_the_observer_and_the_scope_goes_on() {
    on_both(|| async {
        let (asked, heard) = (Asked::default(), Arc::new(Mutex::new(Vec::new())));
        let list = heard.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure: &Failure| list.lock().unwrap().push(failure.to_string()));
            let mut policy = Noting::new(&asked);
            policy.panic_at_end = Some(0);
            policy_scope(policy, async |group| {
                group.named("page").spawn(async { 0 });
                group.spawn(async { 0 });
                group.spawn(async { 0 });
            })
            .await;
        })
        .await;
        assert_eq!(asked.completed.lock().unwrap().len(), 3);
        let heard = heard.lock().unwrap();
        assert!(heard.len() == 1 && heard[0].starts_with("the policy for page panicked"), "{heard:?}");
    });
}
