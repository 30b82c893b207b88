//! The futures that wait to be admitted.

use std::{
    convert::Infallible,
    fmt,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{Admission, AdmissionPermit, OwnedAdmissionPermit};
use crate::{
    inspected::Waiting,
    rate_limiter::{line::Slot, request::Request},
};

/// Waits for an [`AdmissionPermit`]; made by [`Admission::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line. What it was already granted, room and slot, goes to the next in line or back: a cancelled request costs
/// nothing. Between its grant and its next poll the future holds both: one that is kept, but not polled, keeps others waiting. And the first in line owns the timer
/// for all, see [`AcquireSlot`](crate::AcquireSlot).
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait for the rate outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireAdmission<'a> {
    admission: &'a Admission,
    request: Request,
    waiting: Waiting,
}

impl<'a> AcquireAdmission<'a> {
    pub(super) fn new(admission: &'a Admission) -> Self {
        Self { admission, request: Request::new(NonZeroU32::MIN), waiting: admission.resource.waiting() }
    }
}

impl<'a> Future for AcquireAdmission<'a> {
    type Output = AdmissionPermit<'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AdmissionPermit<'a>> {
        let Self { admission, request, waiting } = self.get_mut();
        admission.poll(request, waiting, cx, || AdmissionPermit::new(admission))
    }
}

impl Drop for AcquireAdmission<'_> {
    fn drop(&mut self) {
        self.admission.give_up(&mut self.request);
    }
}

impl fmt::Debug for AcquireAdmission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireAdmission").field(self.admission).finish()
    }
}

/// Waits for an [`OwnedAdmissionPermit`]; made by [`Admission::acquire_owned`].
///
/// # Cancel safety
///
/// The same as [`AcquireAdmission`]'s: the place in line is given up, and what was granted in the same moment is passed on.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait for the rate outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedAdmission {
    admission: Arc<Admission>,
    request: Request,
    waiting: Waiting,
}

impl AcquireOwnedAdmission {
    pub(super) fn new(admission: Arc<Admission>) -> Self {
        let waiting = admission.resource.waiting();
        Self { admission, request: Request::new(NonZeroU32::MIN), waiting }
    }
}

impl Future for AcquireOwnedAdmission {
    type Output = OwnedAdmissionPermit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedAdmissionPermit> {
        let Self { admission, request, waiting } = self.get_mut();
        admission.poll(request, waiting, cx, || OwnedAdmissionPermit::new(Arc::clone(admission)))
    }
}

impl Drop for AcquireOwnedAdmission {
    fn drop(&mut self) {
        self.admission.give_up(&mut self.request);
    }
}

impl fmt::Debug for AcquireOwnedAdmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireOwnedAdmission").field(&self.admission).finish()
    }
}

impl Admission {
    /// The guard is there before anybody is woken: should a waker panic, the place comes back.
    fn poll<P>(
        &self,
        request: &mut Request,
        waiting: &mut Waiting,
        cx: &mut Context<'_>,
        guard: impl Fn() -> P,
    ) -> Poll<P> {
        let mut permit = None;
        let step = |request: &mut Request, waker: &_| {
            Ok::<_, Infallible>(self.shared.with_line(|line, clock, wakes| {
                let answer = request.step(line, clock, wakes, waker);
                permit = (answer.0 == Slot::Granted).then(&guard);
                answer
            }))
        };
        let Ok(()) = ready!(waiting.poll(cx, |cx| request.poll(cx, step)));
        Poll::Ready(permit.expect("it is made when the request is granted"))
    }
}
