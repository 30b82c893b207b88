//! The limit of a case on the real clock.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    task::{Context, Waker},
    thread,
    time::Duration,
};

use crate::on_wake::Flag;

/// How long a case may take to notice that its time is over, before its thread is called blocked.
const NOTICE: Duration = Duration::from_secs(2);

/// A thread that wakes the case when its time is over: a timer would not do, since the clock of the case may be paused,
/// held or not driven.
#[derive(Debug)]
pub(crate) struct Watchdog {
    flag: Arc<Flag>,
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    pub(crate) fn start(limit: Duration) -> Self {
        let flag = Arc::new(Flag::default());
        let (alive, gone) = mpsc::channel::<()>();
        let bark = Waker::from(flag.clone());
        thread::spawn(move || {
            if gone.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            bark.wake();
            if gone.recv_timeout(NOTICE) == Err(RecvTimeoutError::Timeout) {
                // Nobody can make a blocked thread panic. Written past the capture of test output, which is shown only
                // for tests that end. There is nothing to do if standard error is closed.
                let _ = writeln!(
                    io::stderr(),
                    "bowline-testing: a test has been running for more than {limit:?} and blocks its thread; {}",
                    crate::leak::Left::everywhere()
                );
            }
        });
        Watchdog { flag, _alive: alive }
    }

    pub(crate) fn is_over(&self, cx: &Context<'_>) -> bool {
        self.flag.pass_on_to(cx.waker());
        self.flag.is_woken()
    }
}
