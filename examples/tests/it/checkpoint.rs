//! Which pages are stored, whatever the order in which they come.

use std::collections::BTreeSet;

use harvest::checkpoint::Checkpoint;

/// A checkpoint after it was written down and read again.
fn reread(checkpoint: &Checkpoint) -> Checkpoint {
    let next = checkpoint.next().map(str::to_owned);
    Checkpoint::restore(checkpoint.done(), next, &checkpoint.beyond()).unwrap()
}

#[test]
fn a_gap_is_missing_however_high_the_highest_page_is() {
    let mut checkpoint = Checkpoint::default();
    for index in [0, 1, 3, 7] {
        checkpoint.mark(index, None);
    }
    assert_eq!(checkpoint.done(), 2);
    let missing: Vec<u64> = (checkpoint.done()..9).filter(|index| !checkpoint.contains(*index)).collect();
    assert_eq!(missing, [2, 4, 5, 6, 8]);
    checkpoint.mark(2, None);
    assert_eq!((checkpoint.done(), checkpoint.beyond().as_str()), (4, "[[7,null]]"));
}

#[test]
fn the_next_page_is_that_of_the_last_one_before_the_gap() {
    let mut checkpoint = Checkpoint::default();
    assert_eq!(checkpoint.next(), None);
    checkpoint.mark(0, Some("one".to_owned()));
    checkpoint.mark(2, Some("three".to_owned()));
    assert_eq!(checkpoint.next(), Some("one"));
    checkpoint.mark(1, Some("two".to_owned()));
    assert_eq!(checkpoint.next(), Some("three"));
    checkpoint.mark(0, Some("an old one".to_owned()));
    assert_eq!(checkpoint.next(), Some("three"), "a page that is stored already");
    checkpoint.mark(3, None);
    assert_eq!((checkpoint.done(), checkpoint.next()), (4, None));
}

#[test]
fn every_order_leads_to_the_same_and_survives_being_written_down() {
    // All 120 orders of five pages, one after the other by their number.
    for order in 0..120_usize {
        let mut left: Vec<u64> = (0..5).collect();
        let mut checkpoint = Checkpoint::default();
        let mut stored = BTreeSet::new();
        let mut rest = order;
        while !left.is_empty() {
            let index = left.remove(rest % left.len());
            rest /= left.len() + 1;
            checkpoint.mark(index, Some(format!("page {}", index + 1)));
            stored.insert(index);
            assert_eq!(reread(&checkpoint), checkpoint);
            for index in 0..6 {
                assert_eq!(checkpoint.contains(index), stored.contains(&index), "order {order}");
            }
        }
        assert_eq!((checkpoint.done(), checkpoint.next()), (5, Some("page 5")));
    }
}

#[test]
fn what_nobody_wrote_is_refused() {
    assert!(Checkpoint::restore(3, None, "[[5]]").is_err());
    assert!(Checkpoint::restore(3, None, "").is_err());
}
