//! How long to wait, and when to stop trying.

use std::time::{Duration, SystemTime};

use harvest::retry::{Budget, backoff, is_transient, pause};

#[test]
fn retry_after_is_seconds_or_a_date_and_at_least_a_second() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let date = httpdate::fmt_http_date(now + Duration::from_secs(7));
    let past = httpdate::fmt_http_date(now - Duration::from_secs(7));
    for (header, seconds) in [
        (Some("3"), 3),
        (Some(" 3 "), 3),
        (Some("3600"), 3_600),
        (Some(date.as_str()), 7),
        (Some(past.as_str()), 1),
        (Some("0"), 1),
        (Some("soon"), 1),
        (Some("-5"), 1),
        (None, 1),
    ] {
        assert_eq!(pause(header, now), Duration::from_secs(seconds), "{header:?}");
    }
}

#[test]
fn the_backoff_doubles_has_a_cap_and_differs_by_chance() {
    let most = |failures| backoff(failures, u64::MAX);
    assert_eq!([most(1), most(2), most(3)], [200, 400, 800].map(Duration::from_millis));
    assert_eq!(most(1_000), Duration::from_secs(20));
    for failures in 1..10 {
        assert_eq!(backoff(failures, 0), most(failures) / 2);
    }
}

#[test]
fn only_what_may_change_is_tried_again() {
    assert!([408, 425, 429, 500, 502, 503, 504].into_iter().all(is_transient));
    assert!(![301, 400, 401, 403, 404, 410, 422, 501].into_iter().any(is_transient));
}

#[test]
fn the_budget_ends_unless_pages_come() {
    let budget = Budget::new();
    assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100);
    assert!(!budget.spend());
    budget.earn();
    assert!(!budget.spend(), "half a retry");
    budget.earn();
    assert!(budget.spend());
    (0..1_000).for_each(|_| budget.earn());
    assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100, "it does not pile up");
}
