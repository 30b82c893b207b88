//! One rate alone, on numbers.

use std::{num::NonZeroU32, time::Duration};

use proptest::prelude::*;

use super::{super::grids::Grids, Nanos, Rate};

const SECOND: Nanos = 1_000_000_000;
const ONE: NonZeroU32 = NonZeroU32::MIN;

fn grid(permits: u32, burst: u32) -> Grids {
    let permits = NonZeroU32::new(permits).unwrap();
    Grids::new(Rate::per_second(permits), NonZeroU32::new(burst).unwrap())
}

#[test]
fn a_rate_that_no_nanosecond_divides_is_exact() {
    let mut thirds = grid(3, 1);
    for slot in 0..3_000 {
        assert_eq!(thirds.due(0, ONE), (slot * SECOND).div_ceil(3));
        assert!(thirds.take_for_waiter(1_000 * SECOND, ONE));
    }
    assert_eq!(thirds.due(0, ONE), 1_000 * SECOND);
}

#[test]
fn idle_time_is_worth_a_burst_and_no_more() {
    let mut grid = grid(10, 4);
    let taken = |grid: &mut Grids, now| (0..99).take_while(|_| grid.take_for_newcomer(now, ONE)).count();
    assert_eq!(taken(&mut grid, 0), 4);
    assert_eq!(taken(&mut grid, SECOND / 10), 1);
    assert_eq!(taken(&mut grid, 60 * SECOND), 4);
}

#[test]
fn a_pause_never_shortens_and_leaves_no_credit() {
    let mut grid = grid(10, 4);
    assert!(grid.take_for_newcomer(0, ONE));
    grid.pause(0, 5 * SECOND);
    grid.give_back(ONE);
    assert_eq!(grid.due(0, ONE), 5 * SECOND, "a slot given back is no way around the pause");
    grid.pause(0, 2 * SECOND);
    assert_eq!(grid.due(0, ONE), 5 * SECOND);
    assert!(!grid.take_for_newcomer(5 * SECOND - 1, ONE));
    assert!(grid.take_for_newcomer(5 * SECOND, ONE));
    assert!(!grid.take_for_newcomer(5 * SECOND, ONE));
}

#[test]
fn a_pause_that_is_ended_keeps_what_was_taken_before_it() {
    let mut grid = grid(1, 2);
    assert!(grid.take_for_newcomer(0, ONE) && grid.take_for_newcomer(0, ONE));
    grid.pause(0, 9 * SECOND);
    grid.pause(0, 20 * SECOND);
    grid.end_pause(SECOND / 2);
    assert_eq!(grid.due(0, ONE), SECOND, "two were taken, and one second is one slot");
    assert!(grid.take_for_newcomer(SECOND, ONE));

    // What is given back during the pause is no credit, and no debt either.
    grid.pause(SECOND, 9 * SECOND);
    grid.give_back(ONE);
    grid.end_pause(SECOND);
    assert!(grid.take_for_newcomer(SECOND, ONE) && !grid.take_for_newcomer(SECOND, ONE));

    // Idle before and during the pause: no credit for it.
    grid.pause(60 * SECOND, 90 * SECOND);
    grid.set_rate(0, Rate::per_second(NonZeroU32::MIN.saturating_add(1)), 60 * SECOND);
    grid.end_pause(61 * SECOND);
    assert!(grid.take_for_newcomer(61 * SECOND, ONE));
    assert_eq!(grid.due(0, ONE), 61 * SECOND + SECOND / 2);
    grid.end_pause(70 * SECOND);
    assert_eq!(grid.due(0, ONE), 61 * SECOND + SECOND / 2, "there is none to end");
}

#[test]
fn a_new_rate_keeps_what_is_owed_as_permits() {
    let mut grid = grid(10, 1);
    assert!(grid.take_for_newcomer(0, ONE));
    let hourly = Rate::per_hour(NonZeroU32::MIN);
    grid.set_rate(0, hourly, SECOND / 20); // half a permit is owed
    assert_eq!(grid.due(0, ONE), 1_800 * SECOND + SECOND / 20);
    grid.set_rate(0, Rate::per_second(NonZeroU32::MIN), SECOND / 20);
    assert_eq!(grid.due(0, ONE), SECOND / 2 + SECOND / 20);
    grid.pause(0, 9 * SECOND);
    grid.set_rate(0, hourly, SECOND);
    assert_eq!(grid.due(0, ONE), 9 * SECOND);
}

#[test]
fn the_largest_numbers_fit() {
    let longest = Rate::new(NonZeroU32::MAX, Duration::from_secs(15_000_000_000)).unwrap();
    let mut grid = Grids::new(longest, NonZeroU32::MAX);
    grid.pause(0, Nanos::MAX);
    grid.set_rate(0, Rate::per_second(NonZeroU32::MAX), Nanos::MAX - 1);
    grid.set_rate(0, longest, 0);
    assert!(!grid.take_for_waiter(Nanos::MAX - 1, ONE));
    assert!(grid.take_for_waiter(Nanos::MAX, ONE));
    assert_eq!(grid.due(u64::MAX, NonZeroU32::MAX), Nanos::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The definition of the algorithm as two inequalities, for any arrivals and any rate: no window holds more than its share and a burst.
    #[test]
    fn no_window_holds_more_than_its_share_and_a_burst(
        permits in 1..2_000u32, burst in 1..6u32, gaps in prop::collection::vec(0..3_000_000u64, 1..60),
    ) {
        let mut grid = grid(permits, burst);
        let (mut now, mut taken) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            if grid.take_for_newcomer(now, ONE) { taken.push(now); } else {
                prop_assert!(grid.due(0, ONE) > now);
                prop_assert!(grid.clone().take_for_newcomer(grid.due(0, ONE), ONE), "the slot is there when it was promised");
            }
        }
        for (first, start) in taken.iter().enumerate() {
            for (last, end) in taken.iter().enumerate().skip(first) {
                let share = u128::from(end - start) * u128::from(permits) / u128::from(SECOND);
                prop_assert!((last - first + 1) as u128 <= share + u128::from(burst));
            }
        }
    }
}
