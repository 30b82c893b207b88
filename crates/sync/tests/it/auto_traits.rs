//! What may cross threads and move about.

use bowline_sync::{
    AcquireOwnedPartitionPermit, AcquireOwnedPermit, AcquirePartitionPermit, AcquirePermit, AcquireSlot, Arrival,
    Barrier, BarrierBroken, BarrierTurn, Event, Latch, Limiter, OwnedArrival, OwnedPartitionPermit, OwnedPermit,
    PartitionPermit, PartitionedLimiter, Permit, Rate, RateLimiter, RetryAfter, SingleFlight, Wait, WaitBarrier,
};

use bowline_sync::{Holder, RateLimit};

use bowline_sync::{AcquireAdmission, AcquireOwnedAdmission, Admission, AdmissionPermit, OwnedAdmissionPermit};
use bowline_sync::{AcquireKeySlot, AcquireKeySlots, AcquireSlots, KeyRefused, KeyedRateLimiter, TooManyKeys};
use bowline_sync::{
    Condition, KeyedGuard, KeyedLock, Lifecycle, Lock, LockKey, LockKeyOwned, LockUnpoisoned, Mutex, MutexGuard,
    NotReady, OwnedKeyedGuard, Poisoned, WaitTimedOut, Worker, WorkerFailed,
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
    is_send_sync_unpin::<(AcquireSlots<'_>, KeyRefused, TooManyKeys)>();
    is_send_sync_unpin::<bowline_sync::AcquireOwnedSlot>();
    is_send_sync_unpin::<(KeyedRateLimiter<String>, AcquireKeySlot<'_, String, str>)>();
    is_send_sync_unpin::<AcquireKeySlots<'_, String, str>>();
    is_send_sync_unpin::<(Admission, AdmissionPermit<'_>, OwnedAdmissionPermit)>();
    is_send_sync_unpin::<(AcquireAdmission<'_>, AcquireOwnedAdmission)>();
}

#[test]
fn locks_and_lifecycles_are_send_sync_and_unpin() {
    is_send_sync_unpin::<(Mutex<u8>, MutexGuard<'_, u8>, Poisoned<MutexGuard<'_, u8>>)>();
    is_send_sync_unpin::<(Lock<'_, u8>, LockUnpoisoned<'_, u8>)>();
    is_send_sync_unpin::<(Condition, WaitTimedOut<MutexGuard<'_, u8>>)>();
    is_send_sync_unpin::<(KeyedLock<u8>, KeyedGuard<'_, u8>, OwnedKeyedGuard<u8>)>();
    is_send_sync_unpin::<(LockKey<'_, u8>, LockKeyOwned<u8>)>();
    is_send_sync_unpin::<(Lifecycle, Worker<&Lifecycle>, Worker<std::sync::Arc<Lifecycle>>, NotReady, WorkerFailed)>();
}

#[test]
fn the_futures_of_locks_are_send() {
    fn is_send<T: Send>(_: T) {}
    let (mutex, condition, lifecycle) = (Mutex::new(0), Condition::new(), Lifecycle::new());
    is_send(mutex.lock());
    is_send(mutex.lock_unpoisoned());
    is_send(mutex.with(async |value| *value += 1));
    let guard = || mutex.try_lock().expect("nobody keeps it");
    is_send(condition.wait(guard()));
    is_send(condition.wait_while(guard(), |value| *value == 0));
    is_send(condition.wait_timeout_while(guard(), std::time::Duration::ZERO, |value| *value == 0));
    is_send(lifecycle.ready());
    is_send(lifecycle.stopped());
}

/// A value that may move between threads, but not be shared, makes a mutex that may be shared, and a guard that may not.
#[test]
fn a_mutex_makes_its_value_shareable() {
    fn is_sync<T: Sync>() {}
    is_sync::<Mutex<std::cell::Cell<u8>>>();
}

#[test]
fn a_mutex_may_be_used_again_after_a_caught_panic() {
    fn is_unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    is_unwind_safe::<Mutex<u8>>();
}

#[test]
fn what_a_rate_is_can_be_hashed() {
    fn is_hash<T: std::hash::Hash>() {}
    is_hash::<(Rate, RateLimit, RetryAfter, Holder)>();
    #[cfg(feature = "tower")]
    is_hash::<bowline_sync::tower::Refused>();
}

#[test]
fn meeting_points_are_send_sync_and_unpin() {
    is_send_sync_unpin::<(Barrier, BarrierTurn, BarrierBroken, WaitBarrier<'_>)>();
    is_send_sync_unpin::<(Latch, Arrival<'_>, OwnedArrival)>();
}

#[test]
fn a_partitioned_limiter_is_send_sync_and_unpin() {
    is_send_sync_unpin::<(PartitionedLimiter<u8>, PartitionPermit<'_, u8>, OwnedPartitionPermit<u8>)>();
    is_send_sync_unpin::<(AcquirePartitionPermit<'_, u8>, AcquireOwnedPartitionPermit<u8>)>();
}

#[test]
fn a_flight_is_send_if_its_work_is() {
    fn is_send<T: Send>(_: T) {}
    is_send_sync_unpin::<SingleFlight<u8, u8>>();
    let flights = SingleFlight::<u8, u8>::new();
    is_send(flights.run(1, async || {
        tokio::task::yield_now().await;
        2
    }));
}

#[test]
fn limiters_with_weights_and_borrowers_are_send_sync_and_unpin() {
    is_send_sync_unpin::<(AcquireManyPermits<'_>, AcquireManyOwnedPermits, ExceedsCapacity)>();
    is_send_sync_unpin::<(AcquirePermitAs<'_>, AcquireOwnedPermitAs, Borrower, BorrowerStatistics, AlreadyHolds)>();
    is_send_sync_unpin::<(TryAcquireManyError, TryAcquireAsError)>();
}
