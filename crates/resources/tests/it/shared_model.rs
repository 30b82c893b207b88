//! Random orders of uses, cancellations, failures and pauses: never are two alive, and in the end all that was acquired has been released.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bowline_concurrency::scope;
use bowline_resources::{Exit, KeyedShared, Resource, ShareError};
use bowline_testing::{Polled, on_current_thread};
use proptest::{collection::vec, prelude::*};
use tokio::{task::yield_now, time::sleep};

use crate::support::{Log, Stuck, observe};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Begins to get a value of that key.
    Get(u8),
    /// Polls one of those who get.
    Poll(usize),
    /// Drops one of those who get.
    Cancel(usize),
    Clone(usize),
    Drop(usize),
    /// Begins a release.
    Release(usize),
    PollRelease(usize),
    CancelRelease(usize),
    Yield,
    Pause(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_u8).prop_map(Step::Get),
        8 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::Clone),
        2 => any::<usize>().prop_map(Step::Drop),
        2 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::PollRelease),
        1 => any::<usize>().prop_map(Step::CancelRelease),
        3 => Just(Step::Yield),
        2 => (0..8_u64).prop_map(Step::Pause),
    ];
    vec(step, 0..80)
}

/// Of one key.
#[derive(Default)]
struct Count {
    acquired: u32,
    released: u32,
    alive: u32,
}

#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<u8, Count>>>);

impl Counts {
    fn change(&self, key: u8, change: impl FnOnce(&mut Count)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
    }
}

struct Unsteady {
    key: u8,
    number: u32,
    counts: Counts,
}

struct Value(u8, Counts);

impl Drop for Value {
    fn drop(&mut self) {
        self.1.change(self.0, |count| count.alive -= 1);
    }
}

impl Resource for Unsteady {
    type Value = Value;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Value, Stuck> {
        self.counts.change(self.key, |count| {
            count.alive += 1;
            assert_eq!(count.alive, 1, "two are alive");
        });
        let value = Value(self.key, self.counts.clone());
        yield_now().await;
        if self.number % 5 == 1 {
            sleep(Duration::from_secs(1)).await;
        }
        if self.number % 4 == 2 {
            return Err(Stuck("acquire"));
        }
        self.counts.change(self.key, |count| count.acquired += 1);
        Ok(value)
    }

    async fn release(&mut self, value: Value, _: Exit) -> Result<(), Stuck> {
        yield_now().await;
        if self.number % 3 == 0 {
            sleep(Duration::from_secs(2)).await;
        }
        self.counts.change(self.key, |count| count.released += 1);
        drop(value);
        if self.number % 7 == 3 { Err(Stuck("release")) } else { Ok(()) }
    }
}

fn pick<T>(of: &mut Vec<T>, which: usize) -> Option<T> {
    (!of.is_empty()).then(|| of.swap_remove(which % of.len()))
}

async fn play(steps: Vec<Step>, idle_for: Duration) {
    let (counts, numbers) = (Counts::default(), AtomicU32::new(0));
    let made = counts.clone();
    let keyed = KeyedShared::new(move |key: &u8| {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        Unsteady { key: *key, number, counts: made.clone() }
    })
    .idle_for(idle_for);
    scope(async |_| {
        observe(&Log::default());
        let (mut gets, mut shares, mut releases) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Get(key) => gets.push(Polled::new(keyed.get(key))),
                Step::Poll(which) => {
                    if let Some(mut get) = pick(&mut gets, which) {
                        match get.poll() {
                            Poll::Ready(Ok(share)) => shares.push(share),
                            Poll::Ready(Err(error)) => assert_eq!(error, ShareError::Failed(Stuck("acquire"))),
                            Poll::Pending => gets.push(get),
                        }
                    }
                }
                Step::Cancel(which) => drop(pick(&mut gets, which)),
                Step::Clone(which) => {
                    if let Some(share) = pick(&mut shares, which) {
                        shares.extend([share.clone(), share]);
                    }
                }
                Step::Drop(which) => drop(pick(&mut shares, which)),
                Step::Release(which) => {
                    releases.extend(pick(&mut shares, which).map(|share| Polled::new(share.release())));
                }
                Step::PollRelease(which) => {
                    if let Some(mut release) = pick(&mut releases, which) {
                        if release.poll().is_pending() {
                            releases.push(release);
                        }
                    }
                }
                Step::CancelRelease(which) => drop(pick(&mut releases, which)),
                Step::Yield => yield_now().await,
                Step::Pause(seconds) => sleep(Duration::from_secs(seconds)).await,
            }
        }
        // Whoever has a key and polls gets it in the end, once the others have left.
        drop((gets, shares, releases));
        for key in 0..3 {
            while let Err(error) = keyed.get(key).await {
                assert_eq!(error, ShareError::Failed(Stuck("acquire")));
            }
        }
    })
    .await;
    let _: Result<(), Stuck> = keyed.close().await;
    assert!(keyed.is_empty());
    for key in 0..3 {
        counts.change(key, |Count { acquired, released, alive }| {
            assert_eq!((*released, *alive), (*acquired, 0), "key {key}");
            assert!(*acquired > 0);
        });
    }
}

proptest! {
    #[test]
    fn rs_26_in_any_order_at_most_one_is_alive_and_all_are_released(steps in steps(), idle_seconds in 0..4_u64) {
        on_current_thread(async || play(steps, Duration::from_secs(idle_seconds)).await);
    }
}
