//! What may cross threads and move about.

use bowline_sync::{
    AcquireOwnedPermit, AcquirePermit, AcquireSlot, Event, Limiter, OwnedPermit, Permit, Rate, RateLimiter, RetryAfter,
    Wait,
};

use bowline_sync::{AcquireAdmission, AcquireOwnedAdmission, Admission, AdmissionPermit, OwnedAdmissionPermit};
use bowline_sync::{AcquireKeySlot, AcquireKeySlots, AcquireSlots, KeyRefused, KeyedRateLimiter, TooManyKeys};

fn is_send_sync_unpin<T: Send + Sync + Unpin>() {}

#[test]
fn everything_is_send_sync_and_unpin() {
    is_send_sync_unpin::<(Event, Wait<'_>)>();
    is_send_sync_unpin::<(Limiter, Permit<'_>, OwnedPermit, AcquirePermit<'_>, AcquireOwnedPermit)>();
    is_send_sync_unpin::<(Rate, RateLimiter, AcquireSlot<'_>, RetryAfter)>();
    is_send_sync_unpin::<(AcquireSlots<'_>, KeyRefused, TooManyKeys)>();
    is_send_sync_unpin::<(KeyedRateLimiter<String>, AcquireKeySlot<'_, String, str>)>();
    is_send_sync_unpin::<AcquireKeySlots<'_, String, str>>();
    is_send_sync_unpin::<(Admission, AdmissionPermit<'_>, OwnedAdmissionPermit)>();
    is_send_sync_unpin::<(AcquireAdmission<'_>, AcquireOwnedAdmission)>();
}
