//! What has happened so far, counted where it happens and read by the progress and the summary.

use std::{
    fmt, fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::store::Stored;

/// The figures of this session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Pages that came.
    pub pages: u64,
    /// Requests that were made again.
    pub retries: u64,
    /// How many of these because the answer took too long.
    pub timeouts: u64,
    /// How often everybody was told to wait.
    pub pauses: u64,
    /// The most requests that were under way at a time.
    pub peak_in_flight: u64,
    /// What the database got.
    pub stored: Stored,
    /// The requests that are under way.
    pub in_flight: u64,
}

/// The place where they are counted: cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<Figures>>);

impl Tally {
    /// Changes the figures.
    pub fn count(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads the figures.
    pub fn figures(&self) -> Figures {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is under way as long as the guard lives.
    #[must_use = "the request is under way as long as the guard lives"]
    pub fn request(&self) -> InFlight<'_> {
        self.count(|figures| {
            figures.in_flight += 1;
            figures.peak_in_flight = figures.peak_in_flight.max(figures.in_flight);
        });
        InFlight(self)
    }
}

/// A request under way.
#[derive(Debug)]
pub struct InFlight<'a>(&'a Tally);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.count(|figures| figures.in_flight -= 1);
    }
}

/// The table at the end of a run.
#[derive(Debug)]
pub struct Summary {
    /// Of this session.
    pub figures: Figures,
    /// Of the whole run, if an earlier session began it.
    pub whole_run: Option<Stored>,
    /// How long the session took.
    pub took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { pages, retries, pauses, peak_in_flight, stored, .. } = self.figures;
        let seconds = self.took.as_secs_f64();
        writeln!(f, "  pages           {pages:>9}")?;
        writeln!(f, "  records         {:>9}  {stored}", stored.records())?;
        writeln!(f, "  dead letters    {:>9}", stored.dead)?;
        writeln!(f, "  retries         {retries:>9}  ({pauses} times everybody was told to wait)")?;
        writeln!(f, "  peak in flight  {peak_in_flight:>9}")?;
        writeln!(f, "  seconds         {seconds:>9.2}")?;
        writeln!(f, "  records/s       {:>9.0}", stored.records() as f64 / seconds)?;
        if let Some(megabytes) = peak_memory_mb() {
            writeln!(f, "  peak memory     {megabytes:>9.1}  MB")?;
        }
        match &self.whole_run {
            Some(all) => writeln!(f, "  the whole run   {:>9}  {all}, {} dead letters", all.records(), all.dead),
            None => Ok(()),
        }
    }
}

/// The most memory that the process ever had, where the system says so.
fn peak_memory_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
