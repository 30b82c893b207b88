//! When to try again, and when to give up.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Servers that refuse without saying for how long, or for no time at all, are left alone for so long.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Who is told to wait longer than this stops and resumes later.
pub const PAUSE_MAX: Duration = Duration::from_secs(300);
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// How long everybody waits after a 429 or 503: `Retry-After` in seconds or as a date, but at least a second.
pub fn pause(retry_after: Option<&str>, now: SystemTime) -> Duration {
    let asked = retry_after.map(str::trim).and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok().map(|date| date.duration_since(now).unwrap_or_default()),
    });
    asked.unwrap_or_default().max(PAUSE_MIN)
}

/// How long one page waits after its failure number `failures`, the first being 1: doubled each time, and half of it by chance, so
/// that pages that failed together do not come again together.
pub fn backoff(failures: u32, chance: u64) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(BACKOFF_MAX);
    full.mul_f64(0.5 + 0.5 * (chance as f64 / u64::MAX as f64))
}

/// Whether an answer of this status may be another one the next time.
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Bounds the retries of all pages together: a server that fails more often than it answers is not helped by more requests.
#[derive(Debug)]
pub struct Budget(Mutex<f64>);

impl Budget {
    /// What a run begins with, and never has more of.
    const FULL: f64 = 100.0;
    /// What a page that came is worth.
    const PER_PAGE: f64 = 0.5;

    /// A full budget.
    pub const fn new() -> Self {
        Budget(Mutex::new(Self::FULL))
    }

    /// A page has come.
    pub fn earn(&self) {
        self.change(|left| *left = (*left + Self::PER_PAGE).min(Self::FULL));
    }

    /// Takes one retry, if there is one.
    pub fn spend(&self) -> bool {
        self.change(|left| {
            let enough = *left >= 1.0;
            *left -= f64::from(u8::from(enough));
            enough
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut f64) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}
