//! A state machine on a simulated clock.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use proptest::prelude::*;

use super::{Grids, Line, Nanos, Rate, Refused, Room, Slot, Turn, Wakes};

const MILLISECOND: Nanos = 1_000_000;

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A future that waits, and what it knows.
struct Waiter {
    turn: Turn,
    permits: NonZeroU32,
    woken: Arc<Flag>,
    timer: Option<Nanos>,
}

#[derive(Debug, Clone)]
enum Step {
    /// With so many permits.
    Ask(u32),
    Try(u32),
    /// Poll the one at this index, though nobody has woken it.
    Poll(prop::sample::Index),
    Cancel(prop::sample::Index),
    /// Let time pass without anybody noticing: a late timer.
    Sleep(Nanos),
    /// Let everybody run who was woken or whose timer has ended.
    Run,
    Pause(Nanos),
    EndPause,
    /// One that was admitted leaves.
    Leave,
    Resize(usize),
}

struct Machine {
    line: Line,
    /// How many have got their place and hold it.
    inside: usize,
    now: Nanos,
    resume: Nanos,
    limited: bool,
    waiters: VecDeque<Waiter>,
    /// When, and how many permits.
    grants: Vec<(Nanos, u64)>,
}

impl Machine {
    fn act<T>(&mut self, act: impl FnOnce(&mut Self, &mut Wakes) -> T) -> T {
        let (before, mut wakes) = (self.line.granted(), Wakes::default());
        let answer = act(self, &mut wakes);
        wakes.run();
        if self.line.granted() > before {
            self.grants.push((self.now, self.line.granted() - before));
        }
        assert!(self.line.granted() <= before || self.now >= self.resume, "granted during a pause");
        answer
    }

    fn poll(&mut self, index: usize) {
        let mut waiter = self.waiters.remove(index).expect("the index is one of a waiter");
        waiter.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&waiter.woken));
        let slot = self.act(|this, wakes| this.line.poll(&mut waiter.turn, waiter.permits, this.now, &waker, wakes));
        waiter.timer = match slot {
            Slot::Granted => {
                self.inside += usize::from(self.limited);
                return;
            }
            Slot::DueAt(due) => Some(due),
            Slot::Behind => None,
        };
        self.waiters.insert(index, waiter);
    }

    fn run(&mut self) {
        let ready =
            |waiter: &Waiter, now| waiter.woken.0.load(Ordering::Relaxed) || waiter.timer.is_some_and(|due| due <= now);
        while let Some(index) = self.waiters.iter().position(|waiter| ready(waiter, self.now)) {
            self.poll(index);
        }
    }

    fn sleep_punctually(&mut self, duration: Nanos) {
        let end = self.now + duration;
        while let Some(due) = self.waiters.iter().filter_map(|waiter| waiter.timer).filter(|due| *due <= end).min() {
            self.now = due.max(self.now);
            self.run();
        }
        self.now = end;
    }

    fn step(&mut self, step: &Step) {
        let any = |index: &prop::sample::Index, this: &Self| {
            (!this.waiters.is_empty()).then(|| index.index(this.waiters.len()))
        };
        match step {
            Step::Ask(permits) => {
                let permits = self.at_most(*permits);
                self.waiters.push_back(Waiter { turn: Turn::Unasked, permits, woken: Arc::default(), timer: None });
                self.poll(self.waiters.len() - 1);
            }
            Step::Try(permits) => {
                let permits = self.at_most(*permits);
                let promised = self.act(|this, wakes| this.line.peek(permits, this.now, wakes));
                let answer = self.act(|this, wakes| this.line.try_take(permits, this.now, wakes));
                assert_eq!(answer, promised);
                assert!(answer.is_err() || self.line.waiting() == 0, "overtook a waiter");
                match answer {
                    Ok(()) => self.inside += usize::from(self.limited),
                    Err(Refused::DueAt(due)) => assert!(due > self.now),
                    Err(Refused::NoRoom) => assert!(self.limited),
                }
            }
            Step::Poll(index) => {
                if let Some(index) = any(index, self) {
                    self.poll(index);
                }
            }
            Step::Cancel(index) => {
                if let Some(index) = any(index, self) {
                    let mut waiter = self.waiters.remove(index).expect("the index is one of a waiter");
                    self.act(|this, wakes| this.line.give_up(&mut waiter.turn, this.now, wakes));
                }
            }
            Step::Sleep(duration) => self.now += duration,
            Step::Run => self.run(),
            Step::Pause(duration) => {
                self.resume = self.resume.max(self.now + duration);
                self.line.pause(self.now, self.now + duration);
            }
            Step::EndPause => {
                self.resume = self.resume.min(self.now);
                self.act(|this, wakes| this.line.end_pause(this.now, wakes));
            }
            Step::Leave => self.leave(),
            Step::Resize(capacity) if self.limited => {
                self.act(|this, wakes| this.line.set_capacity(*capacity, this.now, wakes));
            }
            Step::Resize(_) => {}
        }
        self.check();
    }

    fn at_most(&self, permits: u32) -> NonZeroU32 {
        NonZeroU32::new(permits).expect("not zero").min(self.line.grids.burst())
    }

    fn leave(&mut self) {
        if self.inside > 0 {
            self.inside -= 1;
            self.act(|this, wakes| this.line.leave_room(|| this.now, wakes));
        }
    }

    fn is_granted(&self, waiter: &Waiter) -> bool {
        matches!(&waiter.turn, Turn::InLine(place) if self.line.waiters.is_granted(place))
    }

    fn check(&self) {
        let mut waiting = self.waiters.iter().filter(|waiter| !self.is_granted(waiter));
        assert_eq!(waiting.clone().count(), self.line.waiting());
        let asked: u64 = waiting.clone().map(|waiter| u64::from(waiter.permits.get())).sum();
        assert_eq!((asked, self.waiters.len()), (self.line.asked, self.line.places));
        // Invariant 2: the first in line knows of its slots, or is about to ask.
        if let Some(first) = waiting.next().filter(|_| self.line.room.is_free()) {
            let due = self.line.grids.due(0, first.permits);
            assert!(first.woken.0.load(Ordering::Relaxed) || first.timer.is_some_and(|timer| timer <= due));
        }
        if self.limited {
            let granted = self.waiters.iter().filter(|waiter| self.is_granted(waiter)).count();
            assert_eq!(self.line.room.in_use(), self.inside + granted);
        }
        // Whoever was granted a slot is about to run.
        for waiter in &self.waiters {
            assert!(!self.is_granted(waiter) || waiter.woken.0.load(Ordering::Relaxed));
        }
        // In order: the granted ones stand before the waiting ones.
        let granted: Vec<bool> = self.waiters.iter().map(|waiter| self.is_granted(waiter)).collect();
        assert!(granted.is_sorted_by(|before, after| before >= after));
        for limit in self.line.grids.limits() {
            let share =
                u128::from(self.now) * u128::from(limit.rate.permits_reduced()) / u128::from(limit.rate.period_ns());
            assert!(u128::from(self.line.granted()) <= share + u128::from(limit.burst.get()));
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..5u32).prop_map(Step::Ask),
        1 => (1..5u32).prop_map(Step::Try),
        1 => any::<prop::sample::Index>().prop_map(Step::Poll),
        2 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        3 => (0..5 * MILLISECOND).prop_map(Step::Sleep),
        3 => Just(Step::Run),
        1 => (0..20 * MILLISECOND).prop_map(Step::Pause),
        1 => Just(Step::EndPause),
        2 => Just(Step::Leave),
        1 => (0..4usize).prop_map(Step::Resize),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a limiter keeps, and how many places there are where they are bounded.
type Limits = (Vec<(u32, u32)>, Option<usize>);

fn limits() -> impl Strategy<Value = Limits> {
    (prop::collection::vec((1..3_000u32, 1..5u32), 1..4), prop::option::of(0..4usize))
}

fn machine((limits, capacity): &Limits) -> Machine {
    let limit = |(permits, burst): (u32, u32)| {
        let count = |count| NonZeroU32::new(count).expect("not zero");
        (Rate::per_second(count(permits)), count(burst))
    };
    let (rate, burst) = limit(limits[0]);
    let mut grids = Grids::new(rate, burst);
    for (rate, burst) in limits[1..].iter().copied().map(limit) {
        grids.push(rate, burst);
    }
    let line = Line::new(grids, capacity.map_or(Room::UNLIMITED, Room::limited));
    let limited = capacity.is_some();
    Machine { line, inside: 0, now: 0, resume: 0, limited, waiters: VecDeque::new(), grants: Vec::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_line_keeps_order_rate_and_pauses_and_loses_no_wake(limits in limits(), steps in steps()) {
        let mut machine = machine(&limits);
        for step in &steps { machine.step(step); }

        // Everybody left is served by the timers alone, each at its own slots, and by those who leave.
        machine.step(&Step::Resize(1));
        machine.run();
        while let Some(first) = machine.waiters.front() {
            let (left, had_room) = (machine.waiters.len(), machine.line.room.is_free());
            if had_room {
                let due = machine.line.grids.due(0, first.permits);
                prop_assert!(due > machine.now);
                machine.now = due;
            } else {
                machine.leave();
            }
            machine.run();
            prop_assert!(machine.waiters.len() < left || !had_room);
        }
    }

    /// Nothing piles up: not during a wait for room or for another limit, not behind one that gives up.
    #[test]
    fn with_punctual_timers_no_window_holds_more_than_its_share_and_a_burst(limits in limits(), steps in steps()) {
        let mut machine = machine(&limits);
        for step in &steps {
            match step {
                Step::Sleep(duration) => machine.sleep_punctually(*duration),
                step => machine.step(step),
            }
            machine.run();
        }
        for limit in machine.line.grids.limits() {
            for (first, (start, _)) in machine.grants.iter().enumerate() {
                let mut held = 0;
                for (end, permits) in &machine.grants[first..] {
                    held += permits;
                    // A slot comes at the first whole nanosecond after its time.
                    let share = u128::from(end - start + 1) * u128::from(limit.rate.permits_reduced()) / u128::from(limit.rate.period_ns());
                    prop_assert!(u128::from(held) <= share + u128::from(limit.burst.get()), "of {limit:?}");
                }
            }
        }
    }
}
