//! Children of one group: values, failures, and children that spawn siblings.

use std::{future::pending, pin::Pin};

use bowline_concurrency::{ScopeError, SpawnError, Spawner, TaskGroup, scope, try_scope};

use crate::support::{Census, any, moments};

pub(crate) async fn failure_against_spawner() {
    let census = Census::default();
    let mut late = None;
    let result = try_scope(async |group: &TaskGroup<&str>| {
        late = Some(group.spawner());
        drop(group.try_spawn(async {
            moments(6).await;
            Err::<(), _>("failed")
        }));
        moments(2).await;
        // Many siblings, or one alone, whom nobody else would cancel.
        drop(group.try_spawn(spread(any(4), group.spawner(), census.clone())));
        moments(6).await;
        Ok(())
    })
    .await;
    census.assert_empty("the scope");
    match result {
        Err(ScopeError::Failed(errors)) => assert!(errors.iter().eq([&"failed"]), "one has failed, once"),
        other => panic!("a child has failed, and the scope says {other:?}"),
    }
    let late = late.expect("the body began");
    assert!(late.spawn(async {}).is_err(), "a scope that has returned takes no more tasks");
}

type Spreading = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>>;

/// Spawns siblings that spawn siblings, and waits for its cancellation. What is refused comes back, and is dropped here.
fn spread(depth: usize, spawner: Spawner<&'static str>, census: Census) -> Spreading {
    let here = census.enter(); // From the call on: a future that got lost would be counted for ever.
    Box::pin(async move {
        let _here = here;
        let _late = SpawnsLate(spawner.clone());
        for _ in 0..2 {
            if depth > 0 {
                let next = spread(depth - 1, spawner.clone(), census.clone());
                drop(spawner.try_spawn(next).map_err(SpawnError::into_inner));
            }
            moments(3).await;
        }
        pending().await
    })
}

/// Tries it once more when its owner is cancelled.
struct SpawnsLate(Spawner<&'static str>);

impl Drop for SpawnsLate {
    fn drop(&mut self) {
        assert!(self.0.spawn(async {}).is_err(), "a group that is being cancelled takes no more tasks");
    }
}

pub(crate) async fn values_of_children() {
    let census = Census::default();
    let sum = scope(async |group| {
        let tasks = [1, 2, 3].map(|value| {
            let here = census.enter();
            group.spawn(async move {
                let _here = here;
                moments(4).await;
                value
            })
        });
        moments(4).await;
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        sum
    })
    .await;
    assert_eq!(sum, 6);
    census.assert_empty("the scope");
}
