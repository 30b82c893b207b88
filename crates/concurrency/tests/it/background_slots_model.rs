//! Slots against a model: whatever is done, in whatever order, a slot has the task that a map would have.

use std::{collections::HashMap, time::Duration};

use bowline_concurrency::{BackgroundTask, BackgroundTasks};
use proptest::prelude::*;
use tokio::{sync::oneshot, task::yield_now};

/// What can be done to a slot.
#[derive(Clone, Copy, Debug)]
enum Act {
    Replace(u8),
    SpawnIfVacant(u8),
    Cancel(u8),
    /// Of the task with this number, in whatever slot it was.
    End(usize),
    CancelThroughHandle(usize),
    LetRun,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..3_u8).prop_map(Act::Replace),
        (0..3_u8).prop_map(Act::SpawnIfVacant),
        (0..3_u8).prop_map(Act::Cancel),
        (0..20_usize).prop_map(Act::End),
        (0..20_usize).prop_map(Act::CancelThroughHandle),
        Just(Act::LetRun),
    ];
    prop::collection::vec(act, 0..40)
}

/// One that was started: what ends it, and its handle.
type Started = (Option<oneshot::Sender<()>>, Option<BackgroundTask<usize>>);

async fn agrees_with_the_model(acts: Vec<Act>) {
    let tasks = BackgroundTasks::new();
    let mut started: Vec<Started> = Vec::new();
    let mut model: HashMap<u8, usize> = HashMap::new();
    for act in acts {
        let number = started.len();
        let (end, told) = oneshot::channel::<()>();
        let task = async move {
            drop(told.await);
            number
        };
        match act {
            Act::Replace(key) => {
                let (task, gone) = tasks.slot(key.to_string()).replace(task).unwrap();
                assert_eq!(gone.await, model.insert(key, number).is_some());
                started.push((Some(end), Some(task)));
            }
            Act::SpawnIfVacant(key) => match tasks.slot(key.to_string()).spawn_if_vacant(task) {
                Ok(task) => {
                    assert_eq!(model.insert(key, number), None);
                    started.push((Some(end), Some(task)));
                }
                Err(refused) => assert!(refused.is_occupied() && model.contains_key(&key)),
            },
            Act::Cancel(key) => assert_eq!(tasks.slot(key.to_string()).cancel().await, model.remove(&key).is_some()),
            Act::End(number) | Act::CancelThroughHandle(number) => {
                let Some((end, task)) = started.get_mut(number) else { continue };
                let Some(task) = task.take() else { continue };
                let value = if matches!(act, Act::End(_)) {
                    drop(end.take());
                    task.await
                } else {
                    task.cancel().await
                };
                let held = model.iter().find(|(_, held)| **held == number).map(|(key, _)| *key);
                assert!(value.is_none() || held.is_some() && matches!(act, Act::End(_)), "{act:?} gave {value:?}");
                held.map(|key| model.remove(&key));
            }
            Act::LetRun => yield_now().await,
        }
        for key in 0..3 {
            assert_eq!(tasks.slot(key.to_string()).is_vacant(), !model.contains_key(&key), "{act:?}, slot {key}");
        }
    }
    let report = tasks.shutdown(Duration::ZERO).await;
    assert_eq!(report.aborted.len(), model.len());
    assert!(tasks.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bg_11_slots_do_as_a_map_of_tasks_would(acts in acts()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(agrees_with_the_model(acts));
    }
}
