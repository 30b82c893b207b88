//! Runs one model under many schedules.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use shuttle::{Config, FailurePersistence, MaxSteps, Runner, future::block_on};

use crate::{
    models::Model,
    schedule::{Progress, Schedules},
};

/// A model of a few dozen tasks takes some hundred steps; one that needs so many is going round in circles.
const STEPS_MAX: usize = 200_000;
/// Futures lie in boxes, but destructors, reports and panics run on the stack of their task.
const STACK_SIZE: usize = 256 * 1024;

/// What a model that held has cost.
pub(crate) struct Report {
    pub(crate) schedules: u64,
    steps: u64,
    took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.steps / self.schedules.max(1);
        write!(f, "{:>9} {each:>11} {:>8.1}", self.schedules, self.took.as_secs_f64())
    }
}

/// Runs `model` under `schedules` schedules; the error is the seed of the one in which it failed.
pub(crate) fn run(model: &Model, seed: u64, schedules: u64) -> Result<Report, u64> {
    let mut config = Config::new();
    config.stack_size = STACK_SIZE;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    // It says that weak orderings are taken for strong ones. So they are; they are the business of `cargo xtask loom`.
    config.silence_warnings = true;
    // The seed says it in fewer letters than the list of all steps.
    config.failure_persistence = FailurePersistence::None;

    let progress = Progress::default();
    let runner = Runner::new(Schedules::new(seed, schedules, progress.clone()), config);
    let began = Instant::now();
    let body = model.run;
    catch_unwind(AssertUnwindSafe(|| runner.run(move || block_on(body())))).map_err(|_| progress.seed())?;
    Ok(Report { schedules, steps: progress.steps(), took: began.elapsed() })
}
