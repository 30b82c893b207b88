//! What may cross threads and move about.

use bowline_sync::{
    AcquireOwnedPartitionPermit, AcquireOwnedPermit, AcquirePartitionPermit, AcquirePermit, AcquireSlot, Arrival,
    Barrier, BarrierBroken, BarrierTurn, Event, Latch, Limiter, OwnedArrival, OwnedPartitionPermit, OwnedPermit,
    PartitionPermit, PartitionedLimiter, Permit, Rate, RateLimiter, RetryAfter, SingleFlight, Wait, WaitBarrier,
};

fn is_send_sync_unpin<T: Send + Sync + Unpin>() {}

#[test]
fn everything_is_send_sync_and_unpin() {
    is_send_sync_unpin::<(Event, Wait<'_>)>();
    is_send_sync_unpin::<(Limiter, Permit<'_>, OwnedPermit, AcquirePermit<'_>, AcquireOwnedPermit)>();
    is_send_sync_unpin::<(Rate, RateLimiter, AcquireSlot<'_>, RetryAfter)>();
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
