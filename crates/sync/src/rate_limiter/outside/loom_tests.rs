//! Slots that are taken outside while others take the lock.

use std::{num::NonZeroU32, sync::Arc, task::Waker};

use loom::thread;

use super::{Line, Outside, Rate};
use crate::{
    loom_tests::model,
    primitive::{Mutex, lock},
    rate_limiter::{
        grids::Grids,
        line::{Slot, Turn, Wakes},
        room::Room,
    },
};

const ONE: NonZeroU32 = NonZeroU32::MIN;

struct Pair {
    outside: Outside,
    line: Mutex<Line>,
}

impl Pair {
    /// One a second; put out already.
    fn new(burst: u32) -> Arc<Self> {
        let (rate, burst) = (Rate::per_second(ONE), NonZeroU32::new(burst).unwrap());
        let line = Mutex::new(Line::new(Grids::new(rate, burst), Room::UNLIMITED));
        let pair = Self { outside: Outside::new(rate, burst), line };
        pair.under_lock(|_| ());
        Arc::new(pair)
    }

    fn under_lock<T>(&self, act: impl FnOnce(&mut Line) -> T) -> T {
        let line = &mut *lock(&self.line);
        self.outside.take_in(line);
        let answer = act(line);
        self.outside.put_out(line, 0);
        answer
    }

    fn take(&self) -> bool {
        let under_lock = || self.under_lock(|line| line.try_take(ONE, 0, &mut Wakes::default()));
        self.outside.take(0).unwrap_or_else(under_lock).is_ok()
    }

    fn granted(&self) -> u64 {
        self.under_lock(|line| line.granted())
    }
}

/// Three ask for the two slots of a burst, one of them under the lock: exactly two get one.
#[test]
fn loom_rate_limiter_outside_grants_no_slot_twice() {
    model(|| {
        let pair = Pair::new(2);
        let others = [true, false].map(|outside| {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                if outside {
                    pair.take()
                } else {
                    pair.under_lock(|line| line.try_take(ONE, 0, &mut Wakes::default()).is_ok())
                }
            })
        });
        let granted =
            usize::from(pair.take()) + others.map(|other| usize::from(other.join().unwrap())).iter().sum::<usize>();
        assert_eq!((granted, pair.granted()), (2, 2));
    });
}

/// One joins the line, or is granted, while another takes a slot; once it waits, nobody gets past it.
#[test]
fn loom_rate_limiter_outside_overtakes_no_waiter() {
    model(|| {
        let pair = Pair::new(1);
        let other = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || pair.take())
        };
        let mut turn = Turn::Unasked;
        let poll = |line: &mut Line| line.poll(&mut turn, ONE, 0, Waker::noop(), &mut Wakes::default());
        let waits = pair.under_lock(poll) != Slot::Granted;
        if waits {
            // A second later there is a slot, for who waits.
            assert_eq!(pair.outside.take(1_000_000_000), None);
        }
        assert_eq!(other.join().unwrap(), waits);
        pair.under_lock(|line| line.give_up(&mut turn, 0, &mut Wakes::default()));
        assert_eq!(pair.granted(), 1);
    });
}
