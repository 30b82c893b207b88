//! "Nothing can progress": a deadlock is found at once where the clock is paused.
//!
//! A paused clock jumps to the next timer when no task can run. So a timer that is years away fires only if no other
//! is pending and nothing else can happen, except by a thread or a socket that Tokio's clock does not know of. For the sake of
//! these, the verdict waits a little on the real clock first.

use std::{
    pin::Pin,
    task::{Context, Poll},
    thread, time,
    time::Duration,
};

use tokio::{
    runtime::{Handle, RuntimeMetrics},
    time::{Instant, Sleep, sleep},
};

/// Further away than any timer of a test.
const AGES: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The real time that threads and sockets have to wake somebody.
const PATIENCE: Duration = Duration::from_millis(300);
/// A step of the clock while they have it, which keeps the clock from jumping on by ages.
const STEP: Duration = Duration::from_millis(1);

pub(crate) struct Stall {
    timer: Pin<Box<Sleep>>,
    metrics: RuntimeMetrics,
    phase: Phase,
}

enum Phase {
    /// The timer is ages away.
    Watching,
    /// It fired: threads and sockets have until the end of the patience.
    Doubting { since: time::Instant, pause: Duration, alive: usize },
    /// They had it. The timer is ages away again, since somebody may have begun to wait for a nearer one.
    Convinced,
}

impl Stall {
    pub(crate) fn watch() -> Self {
        let (timer, metrics) = (Box::pin(sleep(AGES)), Handle::current().metrics());
        Stall { timer, metrics, phase: Phase::Watching }
    }

    /// Ready when nothing can progress. `progress`: the case was woken since the last poll.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, progress: bool) -> Poll<()> {
        if progress && !matches!(self.phase, Phase::Watching) {
            self.wait_for(AGES, Phase::Watching);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            let alive = self.metrics.num_alive_tasks();
            match self.phase {
                Phase::Watching => {
                    let pause = Duration::from_micros(50);
                    self.wait_for(STEP, Phase::Doubting { since: time::Instant::now(), pause, alive });
                }
                Phase::Doubting { alive: before, .. } if alive != before => self.wait_for(AGES, Phase::Watching),
                Phase::Doubting { since, .. } if since.elapsed() >= PATIENCE => self.wait_for(AGES, Phase::Convinced),
                Phase::Doubting { since, pause, .. } => {
                    // No task can run, so blocking the thread of the runtime delays nobody.
                    thread::sleep(pause);
                    let pause = (2 * pause).min(Duration::from_millis(5));
                    self.wait_for(STEP, Phase::Doubting { since, pause, alive });
                }
                Phase::Convinced => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    fn wait_for(&mut self, duration: Duration, phase: Phase) {
        self.timer.as_mut().reset(Instant::now() + duration);
        self.phase = phase;
    }
}
