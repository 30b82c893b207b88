//! What the table forgets, and how often it looks.

use std::num::{NonZeroU32, NonZeroUsize};

use super::{Entry, Index, Table};
use crate::rate_limiter::{
    Rate,
    grid::Nanos,
    grids::Grids,
    line::{Line, Turn, Wakes},
    room::Room,
};

const SECOND: Nanos = 1_000_000_000;
const ONE: NonZeroU32 = NonZeroU32::MIN;

fn table(keys_max: usize) -> Table<u64> {
    Table::new(NonZeroUsize::new(keys_max).unwrap())
}

fn line(now: Nanos) -> Line {
    let mut line = Line::new(Grids::new(Rate::per_second(ONE), ONE), Room::UNLIMITED);
    line.try_take(ONE, now, &mut Wakes::default()).unwrap();
    line
}

#[test]
fn equal_hashes_are_told_apart() {
    let mut table = table(9);
    for key in 0..4 {
        table.insert(7, key, line(key));
    }
    let mut forgotten = Vec::new();
    for (now, left) in [(1, vec![1, 2, 3]), (3, vec![3]), (4, vec![])] {
        table.sweep(SECOND + now - 1, &mut forgotten);
        let found: Vec<u64> = (0..4).filter(|key| table.find(7, key).is_some()).collect();
        assert_eq!(found, left);
    }
    assert_eq!((table.keys(), table.evicted(), table.by_hash.len()), (0, 4, 0));
}

#[test]
fn the_middle_of_a_chain_is_forgotten() {
    let mut table = table(9);
    for (key, start) in [(0, 5), (1, 0), (2, 5)] {
        table.insert(7, key, line(start));
    }
    table.sweep(SECOND, &mut Vec::new());
    assert!(table.find(7, &0).is_some() && table.find(7, &1).is_none() && table.find(7, &2).is_some());
    table.insert(7, 1, line(9));
    assert!((0..3).all(|key| table.find(7, &key).is_some()) && table.entries.len() == 3);
}

#[test]
fn a_full_table_is_not_swept_before_a_key_may_be_idle() {
    let mut table = table(2);
    table.insert(1, 1, line(0));
    table.insert(2, 2, line(SECOND));
    assert_eq!(table.make_room(5, &mut Vec::new()), Err(SECOND));
    assert_eq!(table.sweep_at, SECOND);
    let mut forgotten = Vec::new();
    assert_eq!(table.make_room(SECOND, &mut forgotten), Ok(()));
    assert_eq!(forgotten, [1]);
    table.insert(3, 3, line(0));
    assert_eq!(table.sweep_at, SECOND, "that of the newcomer");
}

#[test]
fn a_key_with_a_future_in_its_line_is_kept_and_not_swept_for() {
    let mut table = table(1);
    let mut line = line(0);
    let (mut turn, wakes) = (Turn::Unasked, &mut Wakes::default());
    line.poll(&mut turn, ONE, 0, std::task::Waker::noop(), wakes);
    let index = table.insert(1, 1, line);
    for now in [0, 5 * SECOND] {
        assert_eq!(table.make_room(now, &mut Vec::new()), Err(2 * SECOND));
    }
    assert_eq!(table.sweep_at, Nanos::MAX);
    table.line(index).give_up(&mut turn, 5 * SECOND, wakes);
    table.may_be_idle_at(0);
    assert_eq!(table.make_room(5 * SECOND, &mut Vec::new()), Ok(()));
    assert_ne!(index, Index::NONE);
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_key_costs_what_the_docs_say() {
    // Beside it, 16 bytes and a bit in the map.
    assert!(size_of::<Option<Entry<u64>>>() <= 240, "{}", size_of::<Option<Entry<u64>>>());
}
