//! One timer for several instants, and instants that are too far off to come.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

/// A timer that is made when it is first needed, and set anew when it is asked for another instant.
#[derive(Default)]
pub(crate) struct Timer {
    // Unconstrained: a body that has used up the cooperative budget must not silence its deadline.
    sleep: Option<Pin<Box<Unconstrained<Sleep>>>>,
    until: Option<Instant>,
}

impl Timer {
    pub(crate) fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.until != Some(until) {
            self.until = Some(until);
            self.sleep = None;
        }
        self.sleep.get_or_insert_with(|| Box::pin(unconstrained(sleep_until(until)))).as_mut().poll(cx)
    }
}

/// The instant `limit` from now, or one so far off that it never comes.
pub(crate) fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365 * 30))
}
