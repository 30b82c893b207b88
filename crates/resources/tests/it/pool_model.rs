//! Whatever happens to a pool: never more values than it may have, each released once, and every place comes back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{scope, settled};
use bowline_resources::{AcquireError, Checkout, Pool};
use bowline_testing::{Polled, on_both_runtimes, on_current_thread};
use proptest::{prelude::*, sample::Index};
use tokio::{task::yield_now, time::sleep};

use crate::{
    pool_support::{Failed, Wire, assert_at_rest},
    support::{Act, Log, Stuck, observe},
};

const MAX_SIZE: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    Poll(Index),
    Cancel(Index),
    Drop(Index),
    Break(Index),
    Panic(Index),
    GiveBack(Index),
    Discard(Index),
    Wait(u64),
    Sweep,
    Open(usize, Act),
    Reset(usize, Act),
    Check(usize, Act),
    Release(usize, Act),
    Close,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![4 => Just(Act::Works), 1 => Just(Act::Fails), 1 => Just(Act::Panics), 1 => Just(Act::Hangs)]
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        6 => Just(Step::Acquire),
        8 => index().prop_map(Step::Poll),
        2 => index().prop_map(Step::Cancel),
        3 => index().prop_map(Step::Drop),
        1 => index().prop_map(Step::Break),
        1 => index().prop_map(Step::Panic),
        2 => index().prop_map(Step::GiveBack),
        1 => index().prop_map(Step::Discard),
        3 => (0..9_u64).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
        1 => (0..3_usize, act()).prop_map(|(awaits, act)| Step::Open(awaits, act)),
        1 => (0..3_usize, act()).prop_map(|(awaits, act)| Step::Reset(awaits, act)),
        1 => (0..3_usize, act()).prop_map(|(awaits, act)| Step::Check(awaits, act)),
        1 => (0..3_usize, act()).prop_map(|(awaits, act)| Step::Release(awaits, act)),
        1 => Just(Step::Close),
    ]
}

type Acquiring<'a> = Polled<Pin<Box<dyn Future<Output = Result<Checkout<Wire>, AcquireError<Stuck>>> + 'a>>>;

/// Polls one; `None` if it is still pending. It may panic with the creation.
fn poll(acquiring: &mut Acquiring<'_>) -> Option<Option<Checkout<Wire>>> {
    match catch_unwind(AssertUnwindSafe(|| acquiring.poll())) {
        Ok(Poll::Pending) => None,
        Ok(Poll::Ready(outcome)) => Some(outcome.ok()),
        Err(_) => Some(None),
    }
}

fn taken<T>(from: &mut Vec<T>, index: &Index) -> Option<T> {
    if from.is_empty() { None } else { Some(from.remove(index.index(from.len()))) }
}

async fn run(steps: Vec<Step>) {
    let log = Log::default();
    let wire = Wire::new(&log);
    let pool = wire
        .pool(MAX_SIZE)
        .max_lifetime(Duration::from_secs(60))
        .idle_timeout(Duration::from_secs(20))
        .check_after_idle(Duration::from_secs(6))
        .build();
    scope(async |_| {
        observe(&log);
        play(&pool, &wire, steps).await;
    })
    .await;
    settled().await;
    for step in [Step::Open(0, Act::Works), Step::Reset(0, Act::Works), Step::Check(0, Act::Works)] {
        play(&pool, &wire, vec![step]).await;
    }
    wire.script().close = (0, Act::Works);
    let now = assert_at_rest(&pool);
    if !now.is_closed {
        // All places can be had.
        let all = (pool.acquire().await.expect("a place"), pool.acquire().await.expect("a place"));
        assert_eq!(pool.statistics().in_use, MAX_SIZE);
        drop(all);
    }
    assert!(pool.close(Duration::from_secs(100)).await.is_complete());
    let now = assert_at_rest(&pool);
    assert_eq!((now.size, now.destroyed.lost, log.values.live()), (0, 0, 0));
    assert!(wire.script().most_live <= MAX_SIZE);
    let (mut opened, mut closing) = (log.opened(), log.all("closing "));
    opened.sort();
    closing.sort();
    assert_eq!(opened, closing);
    assert_eq!(opened.len() as u64, now.created);
}

async fn play(pool: &Pool<Wire>, wire: &Wire, steps: Vec<Step>) {
    let mut line: Vec<Acquiring<'_>> = Vec::new();
    let mut held = Vec::new();
    for step in steps {
        match step {
            Step::Acquire => {
                let mut acquiring: Acquiring<'_> = Polled::new(Box::pin(pool.acquire()));
                match poll(&mut acquiring) {
                    None => line.push(acquiring),
                    Some(got) => held.extend(got),
                }
            }
            Step::Poll(index) => {
                if let Some(mut acquiring) = taken(&mut line, &index) {
                    match poll(&mut acquiring) {
                        None => line.push(acquiring),
                        Some(got) => held.extend(got),
                    }
                }
            }
            Step::Cancel(index) => drop(taken(&mut line, &index)),
            Step::Drop(index) => drop(taken(&mut held, &index)),
            Step::Break(index) => {
                if let Some(mut got) = taken(&mut held, &index) {
                    got.is_broken = true;
                }
            }
            Step::Panic(index) => {
                let got = taken(&mut held, &index);
                _ = catch_unwind(AssertUnwindSafe(move || {
                    let _got = got;
                    std::panic::resume_unwind(Box::new("a use panics"));
                }));
            }
            Step::GiveBack(index) => {
                if let Some(got) = taken(&mut held, &index) {
                    let mut giving = Polled::new(Box::pin(got.give_back()));
                    _ = catch_unwind(AssertUnwindSafe(|| giving.poll().is_ready()));
                }
            }
            Step::Discard(index) => {
                if let Some(got) = taken(&mut held, &index) {
                    let mut discarding = Polled::new(Box::pin(got.discard()));
                    _ = discarding.poll();
                }
            }
            Step::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
            Step::Sweep => _ = pool.sweep(),
            Step::Open(awaits, act) => wire.script().open = (awaits, act),
            Step::Reset(awaits, act) => wire.script().reset = (awaits, act),
            Step::Check(awaits, act) => wire.script().check = (awaits, act),
            Step::Release(awaits, act) => wire.script().close = (awaits, act),
            Step::Close => _ = pool.close(Duration::from_secs(1)).await,
        }
        let now = pool.statistics();
        assert!(now.size <= MAX_SIZE, "{now:?}");
        let taken = now.in_use + now.creating + now.recycling + now.closing;
        assert!(
            now.waiting == 0 || (now.idle == 0 && taken == MAX_SIZE),
            "somebody waits beside a free place: {now:?}"
        );
    }
}

#[test]
fn rs_27_nothing_is_lost_in_a_crowd() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        wire.script().reset = (1, Act::Works);
        let pool = wire.pool(4).build();
        scope(async |group| {
            for task in 0..50 {
                let pool = pool.clone();
                drop(group.spawn(async move {
                    for round in 0..60 {
                        use_once(&pool, task + round).await;
                    }
                }));
            }
        })
        .await;
        assert_at_rest(&pool);
        assert!(pool.close(Duration::from_secs(1)).await.is_complete());
        assert!(wire.script().most_live <= 4);
        log.assert_balanced_in_any_order();
    });
}

async fn use_once(pool: &Pool<Wire>, how: usize) {
    match how % 7 {
        0 => drop(pool.acquire().await.expect("a value")),
        1 => pool.acquire().await.expect("a value").give_back().await.expect("a reset"),
        2 => pool.acquire().await.expect("a value").discard().await.expect("a release"),
        3 => drop(pool.try_acquire()),
        4 => _ = pool.with(async |_| Err::<(), _>(Failed)).await,
        5 => _ = Polled::new(Box::pin(pool.acquire())).poll(),
        _ => {
            let mut body = Polled::new(Box::pin(pool.with(async |_| {
                yield_now().await;
                Ok::<_, Failed>(())
            })));
            for _ in 0..how % 5 {
                if body.poll().is_ready() {
                    break;
                }
                yield_now().await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn rs_27_nothing_is_lost_whatever_happens(steps in prop::collection::vec(step(), 1..60)) {
        on_current_thread(async || run(steps).await);
    }
}
