//! Waiting until everybody else waits.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::clock;

/// Waits until every other task of the current-thread runtime is blocked: none can run, no blocking thread is busy.
///
/// For "start the consumer, wait until it really waits, then send". It rests on the paused clock of
/// [`on_current_thread`](crate::on_current_thread), which moves only when nothing can run: the wait is over when one
/// millisecond has passed. A timer that is due within that millisecond fires before, and the tasks it wakes run until they
/// block too. Tasks that wait for threads which Tokio did not start count as blocked.
///
/// # Examples
///
/// ```
/// use bowline_testing::{all_blocked, on_current_thread};
///
/// on_current_thread(async || {
///     let (sender, mut receiver) = tokio::sync::mpsc::channel::<u8>(1);
///     let consumer = tokio::spawn(async move { receiver.recv().await });
///     all_blocked().await;
///     assert!(!consumer.is_finished());
///     sender.send(7).await?;
///     assert_eq!(consumer.await?, Some(7));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// ```
#[doc(alias = "wait_all_tasks_blocked")]
pub fn all_blocked() -> AllBlocked {
    AllBlocked { cushion: Duration::from_millis(1), sleep: None }
}

/// Future of [`all_blocked`].
///
/// # Panics
///
/// When polled on a runtime whose clock is not paused: there, nobody can know.
///
/// # Cancel safety
///
/// It only watches the clock; dropped half-way, part of the cushion may have passed.
#[must_use = "futures do nothing unless awaited"]
pub struct AllBlocked {
    cushion: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl AllBlocked {
    /// Waits until this much virtual time has passed in addition, so that short timers of the others are over too.
    pub fn cushion(mut self, cushion: Duration) -> Self {
        self.cushion += cushion;
        self
    }
}

impl Future for AllBlocked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let cushion = self.cushion;
        let sleep = self.sleep.get_or_insert_with(|| {
            assert!(clock::is_paused(), "`all_blocked` needs the paused clock of `on_current_thread`");
            Box::pin(sleep(cushion))
        });
        sleep.as_mut().poll(cx)
    }
}

impl fmt::Debug for AllBlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllBlocked").field("cushion", &self.cushion).finish_non_exhaustive()
    }
}
