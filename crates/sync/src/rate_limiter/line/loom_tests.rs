//! The two ways to become the first in line, in both orders.

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use loom::thread;

use super::{Grids, Line, Rate, Room, Slot, Turn, Wakes};
use crate::{
    loom_tests::{Flag, model},
    primitive::{Mutex, lock},
};

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// The first in line goes away while the second one's slot comes: the second is served, or told to set its timer.
#[test]
fn loom_rate_limiter_cancelled_head_hands_on() {
    model(|| {
        let act = |line: &Mutex<Line>, act: &mut dyn FnMut(&mut Line, &mut Wakes)| {
            let mut wakes = Wakes::default();
            act(&mut lock(line), &mut wakes);
            wakes.run();
        };
        let mut line = Line::new(Grids::new(Rate::per_second(ONE), ONE), Room::UNLIMITED);
        line.try_take(ONE, 0, &mut Wakes::default()).unwrap();
        let (mut first, mut second) = (Turn::Unasked, Turn::Unasked);
        line.poll(&mut first, ONE, 0, Waker::noop(), &mut Wakes::default());
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&flag));
        assert_eq!(line.poll(&mut second, ONE, 0, &waker, &mut Wakes::default()), Slot::Behind);

        let line = Arc::new(Mutex::new(line));
        let cancel = {
            let line = Arc::clone(&line);
            thread::spawn(move || act(&line, &mut |line, wakes| line.give_up(&mut first, 0, wakes)))
        };
        let drive = {
            let line = Arc::clone(&line);
            thread::spawn(move || {
                act(&line, &mut |line, wakes| _ = line.try_take(ONE, 1_000_000_000, wakes));
            })
        };
        cancel.join().unwrap();
        drive.join().unwrap();
        assert!(flag.0.load(Ordering::Relaxed), "the second in line heard nothing");
        act(&line, &mut |line, wakes| {
            let slot = line.poll(&mut second, ONE, 1_000_000_000, &waker, wakes);
            assert_eq!(slot, Slot::Granted);
        });
    });
}
