//! A hundred thousand who wait for the same: all are served, in order, every third goes away before that, and nothing is left. And wakers that panic among them.

use std::{
    mem,
    num::{NonZeroU32, NonZeroUsize},
    panic::resume_unwind,
    pin::Pin,
    sync::{Arc, Mutex as StdMutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use bowline_sync::{
    Admission, Barrier, Condition, Event, KeyedLock, Latch, Limiter, Mutex, PartitionedLimiter, Rate, RateLimiter,
    SingleFlight,
};

use crate::support::{ByHand, caught};

const MANY: usize = 100_000;

/// Futures that are polled by hand, and who of them has been woken, in order.
struct Crowd<F> {
    futures: Vec<Option<Pin<Box<F>>>>,
    woken: Arc<StdMutex<Vec<usize>>>,
}

struct Number {
    number: usize,
    woken: Arc<StdMutex<Vec<usize>>>,
}

impl Wake for Number {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl<F: Future> Crowd<F> {
    /// They wait, in this order.
    fn of(count: usize, make: impl Fn(usize) -> F) -> Self {
        let mut crowd = Self { futures: Vec::new(), woken: Arc::default() };
        for number in 0..count {
            crowd.futures.push(Some(Box::pin(make(number))));
            assert!(crowd.poll(number).is_pending(), "number {number} was expected to wait");
        }
        crowd
    }

    fn poll(&mut self, number: usize) -> Poll<F::Output> {
        let waker = Waker::from(Arc::new(Number { number, woken: Arc::clone(&self.woken) }));
        let future = self.futures[number].as_mut().expect("nobody is woken after it has gone");
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            self.futures[number] = None;
        }
        polled
    }

    /// Every third goes away. Nothing is woken by that, and no waker of theirs is kept.
    fn thinned(mut self) -> Self {
        self.futures.iter_mut().step_by(3).for_each(|future| *future = None);
        assert!(self.woken().is_empty(), "somebody was woken by one who went away");
        assert_eq!(Arc::strong_count(&self.woken), 1 + self.left(), "the wakers of those who went away");
        self
    }

    fn left(&self) -> usize {
        self.futures.iter().flatten().count()
    }

    /// Those who have been woken since the last time.
    fn woken(&self) -> Vec<usize> {
        mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Polls whoever is woken until nobody is; each must be ready then, and gives back what it got. All are served. Returns the order.
    fn served(mut self, mut serve: impl FnMut(usize, F::Output)) -> Vec<usize> {
        let mut order = Vec::new();
        loop {
            let woken = self.woken();
            if woken.is_empty() {
                break;
            }
            for number in woken {
                match self.poll(number) {
                    Poll::Ready(output) => serve(number, output),
                    Poll::Pending => panic!("number {number} was woken for nothing"),
                }
                order.push(number);
            }
        }
        assert_eq!(self.left(), 0, "some were not served");
        assert_eq!(Arc::strong_count(&self.woken), 1, "a waker is left behind");
        order
    }
}

/// Whether the numbers are those of a thinned crowd, in order.
fn are_thinned(order: &[usize]) -> bool {
    order.iter().copied().eq((0..MANY).filter(|number| number % 3 != 0))
}

const STAY: usize = MANY - MANY.div_ceil(3);

fn drop_it<T>(_: usize, output: T) {
    drop(output);
}

#[test]
fn an_event_that_is_set_releases_all_in_order() {
    let event = Event::new();
    let crowd = Crowd::of(MANY, |_| event.wait()).thinned();
    assert_eq!(event.statistics().waiting, STAY);
    event.set();
    assert_eq!(event.statistics().waiting, 0);
    assert!(are_thinned(&crowd.served(drop_it)));
}

#[test]
fn a_latch_that_opens_releases_all_in_order() {
    let latch = Latch::new(1);
    let crowd = Crowd::of(MANY, |_| latch.wait()).thinned();
    assert_eq!(latch.statistics().waiting, STAY);
    latch.arrive();
    assert_eq!(latch.statistics().waiting, 0);
    assert!(are_thinned(&crowd.served(drop_it)));
}

#[test]
fn a_limiter_that_is_raised_admits_all_in_order() {
    let limiter = Limiter::new(0);
    let crowd = Crowd::of(MANY, |_| limiter.acquire()).thinned();
    limiter.set_capacity(MANY);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (STAY, 0));
    assert!(are_thinned(&crowd.served(drop_it)));
    assert_eq!(limiter.statistics().in_use, 0);
}

#[test]
fn a_limiter_that_is_lowered_refuses_all_who_ask_for_too_much() {
    let limiter = Limiter::new(2);
    let held = limiter.try_acquire();
    let two = NonZeroUsize::MIN.saturating_add(1);
    let crowd = Crowd::of(MANY, |_| limiter.acquire_many(two)).thinned();
    limiter.set_capacity(1);
    assert!(are_thinned(&crowd.served(|_, refused| assert!(refused.is_err()))));
    drop(held);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (0, 0));
}

#[test]
fn the_permit_of_a_limiter_goes_from_hand_to_hand_in_order() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire();
    let crowd = Crowd::of(MANY, |_| limiter.acquire()).thinned();
    drop(held);
    assert!(are_thinned(&crowd.served(drop_it)));
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (0, 0));
}

#[test]
fn partitions_are_served_in_turns_and_in_order_within_each() {
    let limiter = PartitionedLimiter::new(1);
    let held = limiter.try_acquire();
    let crowd = Crowd::of(MANY, |number| limiter.acquire(number % 4)).thinned();
    assert_eq!((limiter.statistics().waiting, limiter.statistics().partitions_waiting), (STAY, 4));
    drop(held);
    let order = crowd.served(drop_it);
    for key in 0..4 {
        let mut of_key = order.iter().copied().filter(|number| number % 4 == key);
        assert!(of_key.by_ref().is_sorted());
    }
    for round in order.chunks_exact(4) {
        let mut keys = [round[0] % 4, round[1] % 4, round[2] % 4, round[3] % 4];
        keys.sort_unstable();
        assert_eq!(keys, [0, 1, 2, 3], "{round:?}");
    }
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting, now.partitions_waiting), (0, 0, 0));
}

#[test]
fn a_partitioned_limiter_that_is_raised_admits_all() {
    let limiter = PartitionedLimiter::new(0);
    let crowd = Crowd::of(MANY, |number| limiter.acquire(number % 4)).thinned();
    limiter.set_capacity(MANY);
    assert_eq!(crowd.served(drop_it).len(), STAY);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting, now.partitions_waiting), (0, 0, 0));
}

#[test]
fn a_barrier_numbers_all_parties_in_the_order_of_their_arrival() {
    let barrier = Barrier::new(NonZeroUsize::MIN.saturating_add(MANY));
    let early = Crowd::of(MANY, |_| barrier.wait()).thinned();
    assert_eq!(barrier.statistics().waiting, STAY);
    let late = Crowd::of(MANY - STAY, |_| barrier.wait());
    assert_eq!(ByHand::new(barrier.wait()).finish().map(|turn| turn.is_leader()), Ok(true));
    assert_eq!(barrier.statistics().waiting, 0);
    let mut turns = Vec::new();
    assert!(are_thinned(&early.served(|_, turn| turns.push(turn.map(|turn| turn.index())))));
    late.served(|_, turn| turns.push(turn.map(|turn| turn.index())));
    assert!(turns.into_iter().eq((1..=MANY).rev().map(Ok)));
}

#[test]
fn a_barrier_that_is_aborted_tells_all() {
    let barrier = Barrier::new(NonZeroUsize::MAX);
    let crowd = Crowd::of(MANY, |_| barrier.wait()).thinned();
    barrier.abort();
    assert_eq!(barrier.statistics().waiting, 0);
    assert!(are_thinned(&crowd.served(|_, told| assert!(told.is_err()))));
}

#[test]
fn an_admission_goes_from_hand_to_hand_in_order() {
    let burst = NonZeroU32::new(200_000).expect("not zero");
    let admission = Admission::with_burst(1, Rate::per_second(burst), burst);
    let held = admission.try_acquire();
    let crowd = Crowd::of(MANY, |_| admission.acquire()).thinned();
    assert_eq!(admission.statistics().waiting, STAY);
    drop(held);
    assert!(are_thinned(&crowd.served(drop_it)));
    let now = admission.statistics();
    assert_eq!((now.in_use, now.waiting, now.granted), (0, 0, 1 + STAY as u64));
}

#[test]
fn the_lock_of_a_key_goes_from_hand_to_hand_in_order() {
    let locks = KeyedLock::new();
    let held = locks.try_lock("key");
    let crowd = Crowd::of(MANY, |_| locks.lock("key")).thinned();
    assert_eq!((locks.statistics().keys, locks.statistics().waiting), (1, STAY));
    drop(held);
    assert!(are_thinned(&crowd.served(drop_it)));
    assert_eq!((locks.statistics().keys, locks.statistics().waiting), (0, 0));
}

#[test]
fn a_mutex_goes_from_hand_to_hand_in_order() {
    let mutex = Mutex::new(0);
    let held = mutex.try_lock();
    let crowd = Crowd::of(MANY, |_| mutex.lock()).thinned();
    assert_eq!(mutex.statistics().waiting, STAY);
    drop(held);
    assert!(are_thinned(&crowd.served(|_, mut guard| *guard += 1)));
    let now = mutex.statistics();
    assert_eq!((now.locked, now.waiting, mutex.into_inner()), (false, 0, STAY));
}

#[test]
fn a_condition_wakes_all_in_order() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    let crowd = Crowd::of(MANY, |_| async { condition.wait(mutex.lock().await).await }).thinned();
    assert_eq!(condition.statistics().waiting, STAY);
    condition.notify_all();
    assert_eq!(condition.statistics().waiting, 0);
    assert!(are_thinned(&crowd.served(drop_it)));
    assert!(!mutex.statistics().locked);
}

#[test]
fn a_flight_wakes_all_who_follow_it_in_order() {
    let flights = SingleFlight::new();
    let (land, landed) = tokio::sync::oneshot::channel();
    let leader = ByHand::new(flights.run("key", async || landed.await.unwrap_or(0))).waits();
    let crowd = Crowd::of(MANY, |_| flights.run("key", async || 1)).thinned();
    assert_eq!(flights.statistics().waiting, STAY);
    assert_eq!(land.send(42), Ok(()));
    assert_eq!(leader.finish(), 42);
    assert!(are_thinned(&crowd.served(|_, value| assert_eq!(value, 42))));
    assert_eq!((flights.statistics().keys, flights.statistics().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limiter_serves_all_in_order() {
    let rate = NonZeroU32::new(1_000_000).expect("not zero");
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(rate)));
    let order = Arc::new(StdMutex::new(Vec::new()));
    limiter.acquire().await;
    let tasks: Vec<_> = (0..MANY)
        .map(|number| {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tokio::spawn(async move {
                limiter.acquire().await;
                order.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            })
        })
        .collect();
    while limiter.statistics().waiting < MANY {
        tokio::task::yield_now().await;
    }
    tasks.iter().step_by(3).for_each(tokio::task::JoinHandle::abort);
    for task in tasks {
        _ = task.await;
    }
    assert!(are_thinned(&order.lock().unwrap_or_else(PoisonError::into_inner)));
    let now = limiter.statistics();
    assert_eq!((now.waiting, now.granted), (0, 1 + STAY as u64));
}

struct Panics(&'static str);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new(self.0));
    }
}

/// More than are woken at a time.
const SOME: usize = 100;
const GOES_ON: Option<&str> = Some("the first");

/// Two wakers panic, the first of all and one in the middle; all are woken. Who released them hears of the first, unless it has a result of its own.
#[track_caller]
fn wakes_all_the_same<F: Future>(make: impl Fn() -> F, release: impl FnOnce(), heard: Option<&str>) {
    let poll = |future: &mut Pin<Box<F>>, text| {
        let panics = Waker::from(Arc::new(Panics(text)));
        future.as_mut().poll(&mut Context::from_waker(&panics)).is_ready()
    };
    let mut first = Box::pin(make());
    assert!(!poll(&mut first, "the first"));
    let before = Crowd::of(SOME, |_| make());
    let mut middle = Box::pin(make());
    assert!(!poll(&mut middle, "the one in the middle"));
    let after = Crowd::of(SOME, |_| make());
    assert_eq!(caught(release).err().as_deref(), heard);
    for crowd in [before, after] {
        assert!(crowd.served(drop_it).into_iter().eq(0..SOME));
    }
    assert!(poll(&mut first, "") && poll(&mut middle, ""));
}

#[test]
fn a_waker_that_panics_stops_no_event() {
    let event = Event::new();
    wakes_all_the_same(|| event.wait(), || event.set(), GOES_ON);
    event.clear();
    wakes_all_the_same(|| event.wait(), || event.pulse(), GOES_ON);
}

#[test]
fn a_waker_that_panics_stops_no_limiter() {
    let limiter = Limiter::new(0);
    wakes_all_the_same(|| limiter.acquire(), || limiter.set_capacity(2 * SOME + 2), GOES_ON);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (0, 0));

    let three = NonZeroUsize::MIN.saturating_add(2);
    limiter.set_capacity(3);
    let held = limiter.try_acquire();
    wakes_all_the_same(|| limiter.acquire_many(three), || limiter.set_capacity(2), GOES_ON);
    drop(held);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (0, 0));
}

#[test]
fn a_waker_that_panics_stops_no_partitioned_limiter() {
    let limiter = PartitionedLimiter::new(0);
    wakes_all_the_same(|| limiter.acquire("key"), || limiter.set_capacity(2 * SOME + 2), GOES_ON);
    let now = limiter.statistics();
    assert_eq!((now.in_use, now.waiting), (0, 0));
}

#[test]
fn a_waker_that_panics_stops_no_barrier() {
    let barrier = Barrier::new(NonZeroUsize::MIN.saturating_add(2 * SOME + 2));
    wakes_all_the_same(|| barrier.wait(), || barrier.abort(), GOES_ON);
    barrier.reset();
    wakes_all_the_same(|| barrier.wait(), || _ = ByHand::new(barrier.wait()).finish(), None);
    assert_eq!(barrier.statistics().waiting, 0);
}

#[test]
fn a_waker_that_panics_stops_no_flight() {
    let flights = SingleFlight::new();
    let (land, landed) = tokio::sync::oneshot::channel();
    let leader = ByHand::new(flights.run("key", async || landed.await.unwrap_or(0))).waits();
    wakes_all_the_same(
        || flights.run("key", async || 1),
        || {
            assert_eq!(land.send(42), Ok(()));
            leader.finish();
        },
        None,
    );
    assert_eq!((flights.statistics().keys, flights.statistics().waiting), (0, 0));
}
