//! The two runtimes that a case runs on.

use std::{fmt, io};

use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// One thread, and a paused clock.
    CurrentThread,
    /// Two workers beside the thread of the test, and the real clock.
    MultiThread,
}

impl Flavour {
    pub(crate) const BOTH: [Flavour; 2] = [Flavour::CurrentThread, Flavour::MultiThread];

    pub(crate) fn build(self) -> io::Result<Runtime> {
        match self {
            Flavour::CurrentThread => Builder::new_current_thread().enable_all().start_paused(true).build(),
            Flavour::MultiThread => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flavour::CurrentThread => "current_thread",
            Flavour::MultiThread => "multi_thread",
        })
    }
}
