//! A deadline has passed: which one.

use std::{error::Error, fmt, io, time::Duration};

use crate::reason::Deadline;

/// A [`timeout`](crate::timeout()) has passed: which one, and what it left behind.
#[derive(Clone, Debug)]
pub struct Elapsed {
    deadline: Deadline,
    stragglers: Vec<String>,
}

impl Elapsed {
    pub(crate) fn new(deadline: Deadline, stragglers: Vec<String>) -> Self {
        Elapsed { deadline, stragglers }
    }

    /// The deadline that has passed.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The names of what had not settled within [`Timeout::settle_within`](crate::Timeout::settle_within) and moved to the enclosing scope.
    pub fn stragglers(&self) -> &[String] {
        &self.stragglers
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deadline { limit, location, name } = &self.deadline;
        let name = name.as_deref().unwrap_or("the work");
        match *limit {
            // It had none until it was rescheduled.
            Duration::MAX => write!(f, "{name} did not finish before its deadline")?,
            limit => write!(f, "{name} did not finish within {limit:?}")?,
        }
        write!(f, " (deadline set at {}:{})", location.file(), location.line())?;
        if !self.stragglers.is_empty() {
            write!(f, "; still being cleaned up: {}", self.stragglers.join(", "))?;
        }
        Ok(())
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
