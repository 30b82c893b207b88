//! The tree while it runs: nodes, tasks, what they are called and what they do.

use std::{pin::pin, process::Command, thread, time::Duration};

use bowline_concurrency::{
    BackgroundTasks, Root, Scope, TaskGroup, Tree, hand_off, in_task_scope, inspect,
    inspect::{NodeState, TaskState, TreeNode, TreeTask},
    scope, shield, timeout, tree,
};
use bowline_testing::{Polled, all_blocked};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::yield_now,
    time::advance,
};

use crate::support::{Census, LONG, ends, finish, forever, on_both, paused};

// The registry is one of the process, where other tests run: names tell what is ours.

#[track_caller]
pub(crate) fn node<'a>(tree: &'a Tree, name: &str) -> &'a TreeNode {
    tree.nodes().iter().find(|node| node.name == name).unwrap_or_else(|| panic!("no node {name:?} in\n{tree:#}"))
}

#[track_caller]
pub(crate) fn task<'a>(tree: &'a Tree, name: &str) -> &'a TreeTask {
    let found = tree.tasks().iter().find(|task| task.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no task {name:?} in\n{tree:#}"))
}

/// Waits until the tree shows what `look` is for.
pub(crate) async fn shows(look: impl Fn(&Tree) -> bool) -> Tree {
    loop {
        let tree = tree();
        if look(&tree) {
            return tree;
        }
        yield_now().await;
    }
}

#[test]
fn dx_01_tree_has_parents_children_and_groups_right_while_they_run() {
    on_both(|| async {
        inspect(true);
        let body = TaskGroup::builder().name("dx 01 outer").scope(async |outer| {
            let (open, gate) = oneshot::channel::<()>();
            let child = TaskGroup::builder().name("dx 01 inner").scope(async |inner| {
                drop(inner.named("dx 01 leaf").spawn(gate));
            });
            let child = outer.named("dx 01 child").spawn(child);
            let seen = shows(|tree| tree.tasks().iter().any(|task| task.name.as_deref() == Some("dx 01 leaf"))).await;
            let (outer, inner) = (node(&seen, "dx 01 outer"), node(&seen, "dx 01 inner"));
            assert_eq!((outer.children, inner.children), (1, 1));
            assert_eq!(task(&seen, "dx 01 child").node, outer.id);
            assert_eq!(task(&seen, "dx 01 leaf").node, inner.id);
            assert_eq!(inner.parent, Some(outer.id));
            assert_eq!(inner.task, Some(task(&seen, "dx 01 child").id), "the child has opened it");
            let root = seen.nodes().iter().find(|node| node.parent.is_none()).unwrap();
            assert_eq!(root.name, "the process root");
            let _ = open.send(());
            child.await;
        });
        body.await;
        let after = tree();
        assert!(after.nodes().iter().all(|node| !node.name.starts_with("dx 01")), "{after:#}");
        assert!(after.tasks().iter().all(|task| task.name.as_deref().is_none_or(|name| !name.starts_with("dx 01"))));
    });
}

#[test]
fn dx_01_node_whose_parent_has_gone_stands_below_the_nearest_that_is_there() {
    on_both(|| async {
        inspect(true);
        let body = TaskGroup::builder().name("dx 01 above").scope(async |_| {
            let mut kept = pin!(TaskGroup::builder().name("dx 01 kept").scope(async |_| forever::<()>().await));
            // Opened below the timeout, which ends; the scope goes on in its owner's hands.
            assert!(timeout(Duration::ZERO, &mut kept).named("dx 01 gone").await.is_err());
            let seen = tree();
            assert_eq!(node(&seen, "dx 01 kept").parent, Some(node(&seen, "dx 01 above").id), "{seen:#}");
            assert!(seen.nodes().iter().all(|node| node.name != "dx 01 gone"), "{seen:#}");
        });
        body.await;
    });
}

/// Runs an ignored test that switches inspection off in a process of its own.
pub(crate) fn alone(test: &str) {
    let arguments = ["--exact", test, "--ignored", "--nocapture", "--test-threads=1"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && text.contains("1 passed");
    assert!(passed, "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn dx_01_what_was_made_unseen_shows_above_what_is_seen() {
    alone("inspect::child_made_unseen");
}

#[test]
#[ignore = "a process of its own: see above"]
fn child_made_unseen() {
    // Alone in its process there is nobody else who switches it on; beside others this says less, and still holds.
    on_both(|| async {
        inspect(false);
        let inner = async |group: &TaskGroup| {
            inspect(true);
            let (open, gate) = oneshot::channel::<()>();
            drop(group.named("dx 01 seen").spawn(gate));
            let seen = tree();
            drop(open);
            let unseen = node(&seen, "dx 01 unseen");
            assert_eq!(task(&seen, "dx 01 seen").node, unseen.id);
            assert_eq!(unseen.parent, Some(node(&seen, "dx 01 above").id), "{seen:#}");
        };
        let inner = async |_: &TaskGroup| TaskGroup::builder().name("dx 01 unseen").scope(inner).await;
        TaskGroup::builder().name("dx 01 above").scope(inner).await;
    });
}

#[test]
fn dx_05_task_shows_its_name_its_state_its_site_and_its_polls() {
    paused(async {
        inspect(true);
        let line = line!();
        let body = TaskGroup::builder().name("dx 05").scope(async |group| {
            let (open, gate) = oneshot::channel::<()>();
            let child = group.named("dx 05 child").spawn(async move {
                let seen = tree();
                assert!(matches!(task(&seen, "dx 05 child").state, TaskState::Running(_)), "{seen:#}");
                yield_now().await;
                let _ = gate.await;
            });
            advance(Duration::from_secs(2)).await;
            let seen = tree();
            assert_eq!(node(&seen, "dx 05").location.unwrap().line(), line + 1);
            assert!(node(&seen, "dx 05").location.unwrap().file().ends_with("inspect.rs"));
            all_blocked().await;
            advance(Duration::from_secs(3)).await;
            let seen = tree();
            let shown = task(&seen, "dx 05 child");
            assert_eq!((shown.polls, shown.location.line(), shown.woken), (2, line + 3, None));
            // Timers on a paused clock come up to a millisecond late.
            let about = |time: Duration, seconds| time.as_secs() == seconds && time.subsec_millis() < 10;
            assert!(matches!(shown.state, TaskState::Suspended(since) if about(since, 3)), "{shown:?}");
            assert!(about(shown.age, 5), "{shown:?}");
            let _ = open.send(());
            assert!(task(&tree(), "dx 05 child").woken.is_some(), "it has not been polled since");
            child.await;
        });
        body.await;
    });
}

#[test]
fn dx_05_task_that_was_never_polled_says_so() {
    paused(async {
        inspect(true);
        scope(async |group| {
            drop(group.named("dx 05 new").spawn(async {}));
            let seen = tree();
            let shown = task(&seen, "dx 05 new");
            assert!(matches!(shown.state, TaskState::New(_)) && shown.polls == 0 && shown.woken.is_some(), "{shown:?}");
        })
        .await;
    });
}

#[test]
fn dx_05_every_kind_of_task_and_node_is_shown() {
    on_both(|| async {
        inspect(true);
        let background = BackgroundTasks::new();
        let body = TaskGroup::builder().name("dx 05 all").scope(async |_| {
            let (open, gate) = oneshot::channel::<()>();
            background.spawn("dx 05 background", forever::<()>()).unwrap();
            hand_off(&Handle::current(), "dx 05 owed", async { drop(gate.await) });
            Scope::current().observe_failures(|_| {});
            let shielded = shield(Duration::ZERO, forever::<()>()).named("dx 05 shield");
            let mut shielded = Polled::new(shielded);
            shielded.assert_pending();
            let mut timed = Polled::new(timeout(LONG, forever::<()>()).named("dx 05 timeout"));
            timed.assert_pending();
            let mut inside = Polled::new(in_task_scope(async |group| {
                group.named("dx 05 in the task").spawn(forever::<()>()).await;
            }));
            inside.assert_pending();
            let seen = tree();
            for name in ["dx 05 background", "dx 05 owed", "dx 05 in the task"] {
                task(&seen, name);
            }
            for name in ["dx 05 shield", "dx 05 timeout", "dx 05 owed"] {
                assert_eq!(node(&seen, name).parent, Some(node(&seen, "dx 05 all").id), "{name}");
            }
            assert_eq!(node(&seen, "dx 05 all").hand_offs, ["dx 05 owed"]);
            let left = node(&seen, "dx 05 timeout").deadline_in.unwrap();
            assert!(left <= LONG && left > LONG / 2, "{left:?}");
            assert!(node(&seen, "dx 05 timeout").location.unwrap().file().ends_with("inspect.rs"));
            let _ = open.send(());
        });
        body.await;
        background.shutdown(Duration::ZERO).await;
        assert!(tree().tasks().iter().all(|task| task.name.as_deref() != Some("dx 05 background")));
    });
}

#[test]
fn dx_05_node_says_how_it_ends() {
    on_both(|| async {
        inspect(true);
        let (open, gate) = oneshot::channel::<()>();
        let mut gate = Some(gate);
        let builder = TaskGroup::builder().name("dx 05 ending").grace(LONG);
        let ended = builder.try_scope(async |group: &TaskGroup<String>| {
            let gate = gate.take();
            drop(group.spawn(async { gate.unwrap().await }));
            assert!(matches!(node(&tree(), "dx 05 ending").state, NodeState::Open));
            group.cancel("enough");
            let state = node(&tree(), "dx 05 ending").state.clone();
            assert!(matches!(&state, NodeState::Cancelling(reason) if reason.to_string() == "enough"), "{state}");
            let _ = open.send(());
            Ok(())
        });
        ended.await.unwrap();
        let state = std::sync::Mutex::new(None);
        let ended = TaskGroup::builder().name("dx 05 aborted").try_scope(async |group: &TaskGroup<String>| {
            group.cancel("at once");
            *state.lock().unwrap() = Some(node(&tree(), "dx 05 aborted").state.clone());
            Ok(())
        });
        ended.await.unwrap();
        let state = state.into_inner().unwrap().unwrap();
        assert!(matches!(&state, NodeState::Aborting(reason) if reason.to_string() == "at once"), "{state}");
    });
}

#[test]
fn dx_06_registry_and_snapshots_keep_nothing_alive() {
    on_both(|| async {
        inspect(true);
        let census = Census::default();
        let (here, captured) = (census.enter(), census.enter());
        let mut snapshot = None;
        let body = TaskGroup::builder().name("dx 06").scope(async |group| {
            Scope::current().observe_failures(move |_| assert_eq!(size_of_val(&captured), 0, "nothing fails here"));
            let (open, gate) = oneshot::channel::<()>();
            let first = group.named("dx 06 waited for").spawn(async move {
                let _here = here;
                let _ = gate.await;
            });
            let mut first = Polled::new(first);
            first.assert_pending();
            snapshot = Some(tree());
            drop(open);
            finish(&mut first).await;
            assert_eq!(census.alive(), 1, "the task is gone, and so is what it had");
        });
        body.await;
        assert_eq!(census.alive(), 0, "the observer of the scope is gone too");
        task(&snapshot.unwrap(), "dx 06 waited for");
    });
}

#[test]
fn dx_06_task_dropped_with_its_runtime_leaves_the_registry() {
    ends("a runtime that goes", || {
        inspect(true);
        let census = Census::default();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let here = census.enter();
        runtime.spawn(async move {
            Scope::current().observe_failures(|_| {});
            scope(async |group| {
                let _here = here;
                group.named("dx 06 lost").spawn(forever::<()>()).await;
            })
            .await;
        });
        let is_lost = |task: &&TreeTask| task.name.as_deref() == Some("dx 06 lost");
        let node = loop {
            let lost = tree().tasks().iter().find(is_lost).map(|task| task.node);
            match lost {
                Some(node) => break node,
                None => thread::yield_now(),
            }
        };
        drop(runtime);
        assert_eq!(census.alive(), 0);
        let after = tree();
        assert!(!after.tasks().iter().any(|task| is_lost(&task)), "{after:#}");
        assert!(after.waits().iter().all(|wait| wait.waiter != Some(node)), "{after:#}");
    });
}

#[test]
fn root_that_inspects_shows_what_is_below_it() {
    on_both(|| async {
        let seen = Root::new()
            .inspect(true)
            .scope(scope(async |group| {
                let (open, gate) = oneshot::channel::<()>();
                drop(group.named("below a root").spawn(gate));
                let seen = tree();
                drop(open);
                seen
            }))
            .await;
        let seen = seen.unwrap();
        let scope = task(&seen, "below a root").node;
        let scope = seen.nodes().iter().find(|node| node.id == scope).unwrap();
        assert!(seen.nodes().iter().any(|node| Some(node.id) == scope.parent && node.name == "the root"));
    });
}
