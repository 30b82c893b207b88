//! One way to do the work.

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use crate::runtimes::in_task;

type Run<'a> = Box<dyn FnMut() -> Result<f64, String> + 'a>;

/// One way to do the work: measures itself, and gives its figure for one unit, or says why it cannot run.
pub struct Contender<'a> {
    pub(crate) name: String,
    run: Run<'a>,
}

impl<'a> Contender<'a> {
    /// A contender whose figure is whatever `run` gives.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Result<f64, String> + 'a) -> Self {
        Contender { name: name.into(), run: Box::new(run) }
    }

    /// A contender whose figure is a count that `work` gives, in a task of `runtime`.
    pub fn counted<F>(name: impl Into<String>, runtime: &'a Runtime, work: impl Fn() -> F + 'a) -> Self
    where
        F: Future<Output = f64> + Send + 'static,
    {
        Self::new(name, move || Ok(in_task(runtime, work())))
    }

    /// A contender whose figure is nanoseconds for one of `units`: `work` runs in a task of `runtime` and gives the time
    /// that counts; see [`time`].
    pub fn timed<F>(name: impl Into<String>, runtime: &'a Runtime, units: u32, work: impl Fn() -> F + 'a) -> Self
    where
        F: Future<Output = Duration> + Send + 'static,
    {
        Self::new(name, move || Ok(in_task(runtime, work()).as_secs_f64() * 1e9 / f64::from(units)))
    }

    pub(crate) fn run(&mut self) -> Result<f64, String> {
        (self.run)()
    }
}

impl fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contender").field(&self.name).finish()
    }
}

/// The time that `work` takes. Its output is dropped after the clock has stopped.
pub async fn time<F: Future>(work: F) -> Duration {
    clocked(work).await.0
}

/// The time that `work` takes, and its output.
pub async fn clocked<F: Future>(work: F) -> (Duration, F::Output) {
    let began = Instant::now();
    let output = work.await;
    (began.elapsed(), output)
}
