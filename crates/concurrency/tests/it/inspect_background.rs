//! Background tasks in the tree: slots, and the waits for tasks.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bowline_concurrency::{
    BackgroundTasks, TaskGroup, hand_off, inspect,
    inspect::{Resource, TreeWait, WaitsFor},
    tree,
};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::yield_now,
    time::{Duration, Instant},
};

use crate::{
    inspect::{node, shows, task},
    support::{forever, on_both, on_drop},
};

#[test]
fn dx_01_work_of_a_slot_stands_below_its_task() {
    on_both(|| async {
        inspect(true);
        let background = BackgroundTasks::new();
        let work = TaskGroup::builder().name("dx 01 in the slot").scope(async |group| {
            drop(group.named("dx 01 grandchild").spawn(forever::<()>()));
            forever::<()>().await;
        });
        drop(background.slot("dx 01 slot").replace(work).unwrap());
        let seen = shows(|tree| tree.tasks().iter().any(|task| task.name.as_deref() == Some("dx 01 grandchild"))).await;
        let (slot, own) = (task(&seen, "dx 01 slot"), node(&seen, "dx 01 slot"));
        assert_eq!(own.task, Some(slot.id), "{seen:#}");
        assert_eq!(own.location, Some(slot.location), "{seen:#}");
        assert_eq!(node(&seen, "dx 01 in the slot").parent, Some(own.id), "{seen:#}");
        background.shutdown(Duration::ZERO).await;
    });
}

#[test]
fn dx_02_waits_for_background_tasks_and_for_a_vacated_slot_are_shown() {
    on_both(|| async {
        inspect(true);
        let background = Arc::new(BackgroundTasks::new());
        let others = BackgroundTasks::new();
        let (open, gate) = oneshot::channel::<()>();
        // What the old task leaves behind takes its time.
        let leaves = async move {
            let _leaves =
                on_drop(move || hand_off(&Handle::current(), "dx 02 release", async move { drop(gate.await) }));
            forever::<()>().await;
        };
        drop(background.slot("dx 02 slot").replace(leaves).unwrap());
        while task(&tree(), "dx 02 slot").polls == 0 {
            yield_now().await;
        }
        let vacated = background.slot("dx 02 slot").cancel();
        others.spawn("dx 02 vacates", async move { assert!(vacated.await) }).unwrap();
        let joined = background.clone();
        others.spawn("dx 02 joins", async move { joined.join().await.unwrap() }).unwrap();
        let seen = shows(|tree| {
            let waits = |name| {
                let task = tree.tasks().iter().find(|task| task.name.as_deref() == Some(name));
                task.is_some_and(|task| tree.waits().iter().any(|wait| wait.waiter == Some(task.id)))
            };
            waits("dx 02 vacates") && waits("dx 02 joins")
        })
        .await;
        let on = |name| {
            let waiter = task(&seen, name).id;
            let of_it = |wait: &&TreeWait| wait.waiter == Some(waiter);
            match seen.waits().iter().find(of_it).unwrap().on {
                WaitsFor::Settled(node) => node,
                _ => 0,
            }
        };
        let own = node(&seen, "dx 02 slot");
        assert_eq!(on("dx 02 vacates"), own.id, "{seen:#}");
        assert_eq!(Some(on("dx 02 joins")), own.parent, "{seen:#}");
        let _ = open.send(());
        others.join().await.unwrap();
    });
}

#[test]
fn forty_thousand_who_wait_for_what_code_outside_the_tree_holds_are_written_at_once() {
    on_both(|| async {
        inspect(true);
        let resource = Arc::new(Resource::new("mutex").named("held outside"));
        let shown = resource.clone();
        let held = std::thread::spawn(move || shown.hold()).join().unwrap();
        let background = BackgroundTasks::new();
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..40_000 {
            let (mut waiting, begun) = (resource.waiting(), begun.clone());
            let pending = move |_: &mut Context<'_>| {
                begun.fetch_add(1, SeqCst);
                Poll::<()>::Pending
            };
            drop(background.spawn("waits for it", poll_fn(move |cx| waiting.poll(cx, &pending))).unwrap());
        }
        while begun.load(SeqCst) < 40_000 {
            yield_now().await;
        }
        let seen = tree();
        let begun = Instant::now();
        let text = seen.to_string();
        // It takes a fraction of that, also on a busy machine: no look at all waits for each of them.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(text.contains("waits for it × "), "{text}");
        assert!(text.contains("held by code outside the tree"), "{text}");
        drop(held);
        background.shutdown(Duration::ZERO).await;
    });
}
