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

use super::{Line, Nanos, Rate, Slot, Turn, Wakes};

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
    woken: Arc<Flag>,
    timer: Option<Nanos>,
}

#[derive(Debug, Clone)]
enum Step {
    Ask,
    Try,
    /// Poll the one at this index, though nobody has woken it.
    Poll(prop::sample::Index),
    Cancel(prop::sample::Index),
    /// Let time pass without anybody noticing: a late timer.
    Sleep(Nanos),
    /// Let everybody run who was woken or whose timer has ended.
    Run,
    Pause(Nanos),
}

struct Machine {
    line: Line,
    now: Nanos,
    resume: Nanos,
    waiters: VecDeque<Waiter>,
}

impl Machine {
    fn act<T>(&mut self, act: impl FnOnce(&mut Self, &mut Wakes) -> T) -> T {
        let (before, mut wakes) = (self.line.granted(), Wakes::default());
        let answer = act(self, &mut wakes);
        wakes.run();
        assert!(self.line.granted() <= before || self.now >= self.resume, "granted during a pause");
        answer
    }

    fn poll(&mut self, index: usize) {
        let mut waiter = self.waiters.remove(index).expect("the index is one of a waiter");
        waiter.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&waiter.woken));
        let slot = self.act(|this, wakes| this.line.poll(&mut waiter.turn, this.now, &waker, wakes));
        waiter.timer = match slot {
            Slot::Granted => return,
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

    fn step(&mut self, step: &Step) {
        let any = |index: &prop::sample::Index, this: &Self| {
            (!this.waiters.is_empty()).then(|| index.index(this.waiters.len()))
        };
        match step {
            Step::Ask => {
                self.waiters.push_back(Waiter { turn: Turn::Unasked, woken: Arc::default(), timer: None });
                self.poll(self.waiters.len() - 1);
            }
            Step::Try => {
                let answer = self.act(|this, wakes| this.line.try_take(this.now, wakes));
                assert!(answer.is_err() || self.line.waiting() == 0, "overtook a waiter");
                assert!(answer.is_ok() || answer.is_err_and(|due| due > self.now));
            }
            Step::Poll(index) => {
                if let Some(index) = any(index, self) {
                    self.poll(index);
                }
            }
            Step::Cancel(index) => {
                if let Some(index) = any(index, self) {
                    let mut waiter = self.waiters.remove(index).expect("the index is one of a waiter");
                    self.act(|this, wakes| this.line.give_up(&mut waiter.turn, wakes));
                }
            }
            Step::Sleep(duration) => self.now += duration,
            Step::Run => self.run(),
            Step::Pause(duration) => {
                self.resume = self.resume.max(self.now + duration);
                self.line.pause(self.now, self.now + duration);
            }
        }
        self.check();
    }

    fn is_granted(&self, waiter: &Waiter) -> bool {
        matches!(&waiter.turn, Turn::InLine(place) if self.line.waiters.is_granted(place))
    }

    fn check(&self) {
        let mut waiting = self.waiters.iter().filter(|waiter| !self.is_granted(waiter));
        assert_eq!(waiting.clone().count(), self.line.waiting());
        // Invariant 2: the first in line knows of its slot, or is about to ask.
        if let Some(first) = waiting.next() {
            let due = self.line.grid.due(0);
            assert!(first.woken.0.load(Ordering::Relaxed) || first.timer.is_some_and(|timer| timer <= due));
        }
        // Whoever was granted a slot is about to run.
        for waiter in &self.waiters {
            assert!(!self.is_granted(waiter) || waiter.woken.0.load(Ordering::Relaxed));
        }
        // In order: the granted ones stand before the waiting ones.
        let granted: Vec<bool> = self.waiters.iter().map(|waiter| self.is_granted(waiter)).collect();
        assert!(granted.is_sorted_by(|before, after| before >= after));
        let rate = self.line.grid.rate();
        let share = u128::from(self.now) * rate.permits() / rate.period_ns();
        assert!(u128::from(self.line.granted()) <= share + u128::from(self.line.grid.burst().get()));
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Ask),
        1 => Just(Step::Try),
        1 => any::<prop::sample::Index>().prop_map(Step::Poll),
        2 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        3 => (0..5 * MILLISECOND).prop_map(Step::Sleep),
        3 => Just(Step::Run),
        1 => (0..20 * MILLISECOND).prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_line_keeps_order_rate_and_pauses_and_loses_no_wake(
        permits in 1..3_000u32, burst in 1..5u32, steps in steps(),
    ) {
        let rate = Rate::per_second(NonZeroU32::new(permits).unwrap());
        let mut machine = Machine {
            line: Line::new(rate, NonZeroU32::new(burst).unwrap()),
            now: 0, resume: 0, waiters: VecDeque::new(),
        };
        for step in &steps { machine.step(step); }

        // Everybody left is served by the timers alone, each at its own slot.
        machine.run();
        while !machine.waiters.is_empty() {
            let due = machine.line.grid.due(0);
            prop_assert!(due > machine.now);
            machine.now = due;
            let left = machine.waiters.len();
            machine.run();
            prop_assert_eq!(machine.waiters.len(), left - 1);
        }
    }
}
