//! What may cross threads and move about.

use bowline_sync::{
    AcquireOwnedPermit, AcquirePermit, AcquireSlot, Event, Limiter, OwnedPermit, Permit, Rate, RateLimiter, RetryAfter,
    Wait,
};

use bowline_sync::{
    AcquireManyOwnedPermits, AcquireManyPermits, AcquireOwnedPermitAs, AcquirePermitAs, AlreadyHolds, Borrower,
    BorrowerStatistics, ExceedsCapacity, TryAcquireAsError, TryAcquireManyError,
};

fn is_send_sync_unpin<T: Send + Sync + Unpin>() {}

#[test]
fn everything_is_send_sync_and_unpin() {
    is_send_sync_unpin::<(Event, Wait<'_>)>();
    is_send_sync_unpin::<(Limiter, Permit<'_>, OwnedPermit, AcquirePermit<'_>, AcquireOwnedPermit)>();
    is_send_sync_unpin::<(Rate, RateLimiter, AcquireSlot<'_>, RetryAfter)>();
}

#[test]
fn limiters_with_weights_and_borrowers_are_send_sync_and_unpin() {
    is_send_sync_unpin::<(AcquireManyPermits<'_>, AcquireManyOwnedPermits, ExceedsCapacity)>();
    is_send_sync_unpin::<(AcquirePermitAs<'_>, AcquireOwnedPermitAs, Borrower, BorrowerStatistics, AlreadyHolds)>();
    is_send_sync_unpin::<(TryAcquireManyError, TryAcquireAsError)>();
}
