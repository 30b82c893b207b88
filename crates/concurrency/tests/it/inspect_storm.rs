//! Snapshots where nobody would like to take them: in destructors, in storms, of trees that are too deep.

use std::{sync::mpsc, thread, time::Duration};

use bowline_concurrency::{TaskGroup, inspect, inspect::TaskState, scope, timeout, tree};
use bowline_testing::Polled;
use tokio::{runtime::Builder, task::yield_now, time::Instant};

use crate::{
    inspect::{node, task},
    support::{ends, forever, on_both, on_drop},
};

#[test]
fn snapshot_in_a_destructor_and_at_the_end_of_a_thread() {
    on_both(|| async {
        inspect(true);
        let (tell, told) = mpsc::channel();
        let last = tell.clone();
        scope(async |group| {
            drop(group.named("a destructor looks").spawn(async move {
                let _looks = on_drop(|| tell.send(tree()).unwrap());
                yield_now().await;
            }));
        })
        .await;
        let seen = told.recv().unwrap();
        assert!(matches!(task(&seen, "a destructor looks").state, TaskState::Running(_)), "{seen:#}");
        thread::spawn(move || {
            thread_local!(static LAST: std::cell::RefCell<Option<Box<dyn std::any::Any>>> = const { std::cell::RefCell::new(None) });
            LAST.set(Some(Box::new(on_drop(move || last.send(tree()).unwrap()))));
        })
        .join()
        .unwrap();
        told.recv().unwrap();
    });
}

#[test]
fn snapshots_while_tasks_and_scopes_come_and_go_on_other_threads() {
    ends("snapshots in a storm", || {
        inspect(true);
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let storm = runtime.spawn(async {
            for _ in 0..30 {
                scope(async |group| {
                    for _ in 0..100 {
                        drop(group.named("storm").spawn(scope(async |inner| {
                            inner.spawn(yield_now()).await;
                            let _ = timeout(Duration::ZERO, inner.spawn(yield_now())).await;
                        })));
                    }
                })
                .await;
            }
        });
        let (mut taken, mut seen) = (0, 0);
        while !storm.is_finished() || taken < 10 {
            let tree = tree();
            let parents: std::collections::HashSet<u64> = tree.nodes().iter().map(|node| node.id).collect();
            assert!(tree.nodes().iter().all(|node| node.parent.is_none_or(|parent| parents.contains(&parent))));
            assert!(tree.tasks().iter().all(|task| parents.contains(&task.node)));
            let _ = (tree.to_string(), tree.to_mermaid(10), tree.hints(Duration::ZERO));
            seen = seen.max(tree.tasks().len());
            taken += 1;
        }
        runtime.block_on(storm).unwrap();
        println!("{taken} snapshots, {seen} tasks at most");
    });
}

#[test]
fn scopes_ten_thousand_deep_are_shown_without_recursion() {
    // On a thread with a small stack: recursion would not pass.
    let small = thread::Builder::new().stack_size(512 * 1024);
    let run = || {
        inspect(true);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Each scope is a task of the one above, so that polling them is no recursion either.
            fn deeper(left: u32, told: mpsc::Sender<()>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
                Box::pin(scope(async move |group| {
                    if left == 0 {
                        told.send(()).unwrap();
                        forever::<()>().await;
                    }
                    group.spawn(deeper(left - 1, told)).await;
                }))
            }
            let (tell, told) = mpsc::channel();
            let mut deep = Polled::new(deeper(10_000, tell));
            deep.assert_pending();
            while told.try_recv().is_err() {
                yield_now().await;
            }
            let began = Instant::now();
            let seen = tree();
            let text = seen.to_string();
            println!("10,000 deep: {:?}, {} bytes of text", began.elapsed(), text.len());
            assert!(seen.nodes().len() > 10_000);
            assert!(text.contains("(depth 10000)"), "{}", &text[..2000]);
            assert!(text.len() < 5_000_000);
            assert!(seen.to_mermaid(10).len() < 5_000_000);
        });
    };
    small.spawn(run).unwrap().join().unwrap();
}

#[test]
fn circle_of_parents_is_shown_and_has_an_end() {
    on_both(|| async {
        inspect(true);
        // Two scopes, each polled from below the other: what no program should do, and what must not keep anybody busy.
        let first = Polled::new(TaskGroup::builder().name("circle a").scope(async |_| forever::<()>().await));
        let first = std::sync::Arc::new(std::sync::Mutex::new(first));
        let inside = first.clone();
        let mut second = Polled::new(TaskGroup::builder().name("circle b").scope(async move |_| {
            inside.lock().unwrap().assert_pending();
            yield_now().await;
            inside.lock().unwrap().assert_pending();
            forever::<()>().await;
        }));
        second.assert_pending();
        first.lock().unwrap().assert_pending();
        let seen = tree();
        node(&seen, "circle a");
        node(&seen, "circle b");
        assert!(seen.to_string().contains("circle b"));
    });
}

#[test]
fn what_is_not_seen_is_not_larger_for_it() {
    use bowline_concurrency::{BackgroundTask, Settled, Task};
    let word = size_of::<usize>();
    assert_eq!(size_of::<Task<'static, u64>>(), 3 * word);
    assert_eq!(size_of::<BackgroundTask<u64>>(), 3 * word);
    assert_eq!(size_of::<Settled>(), 3 * word);
}
