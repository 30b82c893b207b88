//! How often.

use std::{
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU32,
    time::Duration,
};

/// A number of permits per period, spread evenly over it.
///
/// Zero permits are ruled out by the type, and a rate is exact: three a second are three slots in every second, not one each
/// 333,333,333 ns.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
///
/// use bowline_sync::Rate;
///
/// const POLITE: Rate = Rate::per_second(NonZeroU32::new(5).unwrap()); // a zero here does not compile
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let documented = Rate::new(NonZeroU32::try_from(900)?, Duration::from_secs(15 * 60))?;
/// assert_eq!(documented, Rate::per_second(NonZeroU32::MIN));
/// assert_ne!(documented, POLITE);
/// assert_eq!((documented.permits().get(), documented.period()), (900, Duration::from_secs(900)), "as it was written");
/// assert_eq!(POLITE.to_string(), "5 per second");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Rate {
    /// In lowest terms, with the period: small numbers for the grid.
    permits: NonZeroU32,
    /// At least one.
    period_ns: u64,
    /// What both were divided by: a rate is printed as it was written.
    factor: NonZeroU32,
}

/// The period of a [`Rate`] is zero or longer than 500 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate needs a period between one nanosecond and 500 years, not {period:?}")]
pub struct InvalidPeriod {
    period: Duration,
}

const SECOND_NS: u64 = 1_000_000_000;

impl Rate {
    /// So many permits a second.
    #[must_use]
    pub const fn per_second(permits: NonZeroU32) -> Self {
        Self::reduced(permits, SECOND_NS)
    }

    /// So many permits a minute.
    #[must_use]
    pub const fn per_minute(permits: NonZeroU32) -> Self {
        Self::reduced(permits, 60 * SECOND_NS)
    }

    /// So many permits an hour.
    #[must_use]
    pub const fn per_hour(permits: NonZeroU32) -> Self {
        Self::reduced(permits, 3600 * SECOND_NS)
    }

    /// So many permits in each `period`, evenly spread: the burst is the limiter's matter, not the rate's.
    ///
    /// # Errors
    ///
    /// [`InvalidPeriod`] when the period is zero or longer than 500 years.
    pub fn new(permits: NonZeroU32, period: Duration) -> Result<Self, InvalidPeriod> {
        const LONGEST_NS: u128 = 500 * 365 * 24 * 3600 * SECOND_NS as u128;
        match u64::try_from(period.as_nanos()) {
            Ok(period_ns @ 1..) if u128::from(period_ns) <= LONGEST_NS => Ok(Self::reduced(permits, period_ns)),
            _ => Err(InvalidPeriod { period }),
        }
    }

    /// The period is not zero.
    const fn reduced(permits: NonZeroU32, period_ns: u64) -> Self {
        // Euclid's algorithm. After its first step, both are numbers of 32 bits.
        let (mut factor, mut rest) = (permits.get(), (period_ns % permits.get() as u64) as u32);
        while rest != 0 {
            (factor, rest) = (rest, factor % rest);
        }
        let permits = NonZeroU32::new(permits.get() / factor).expect("a divisor is no larger than its number");
        let factor = NonZeroU32::new(factor).expect("a divisor is not zero");
        Self { permits, period_ns: period_ns / factor.get() as u64, factor }
    }

    /// How many permits there are in each [`period`](Rate::period), as the rate was written: 60 a minute are 60, not one.
    #[must_use]
    pub const fn permits(self) -> NonZeroU32 {
        // It is the number that was given, so that nothing is cut off.
        self.permits.saturating_mul(self.factor)
    }

    /// The period over which the [`permits`](Rate::permits) are spread.
    #[must_use]
    pub const fn period(self) -> Duration {
        Duration::from_nanos(self.period_ns * self.factor.get() as u64)
    }

    /// In lowest terms.
    pub(super) const fn permits_reduced(self) -> u32 {
        self.permits.get()
    }

    /// Of the permits in lowest terms.
    pub(super) const fn period_ns(self) -> u64 {
        self.period_ns
    }

    /// From one slot to the next, and at least a millisecond.
    pub(crate) fn step(self) -> Duration {
        Duration::from_nanos(self.period_ns / u64::from(self.permits.get())).max(Duration::from_millis(1))
    }
}

impl PartialEq for Rate {
    /// Sixty a minute are one a second.
    fn eq(&self, other: &Self) -> bool {
        (self.permits, self.period_ns) == (other.permits, other.period_ns)
    }
}

impl Eq for Rate {}

impl Hash for Rate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.permits, self.period_ns).hash(state);
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.permits(), self.period())
    }
}

/// "100 per second", "5 per 2s".
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period().as_secs() {
            1 => "second",
            60 => "minute",
            3600 => "hour",
            _ => return fmt::Debug::fmt(self, f),
        };
        if self.period().subsec_nanos() != 0 {
            return fmt::Debug::fmt(self, f);
        }
        write!(f, "{} per {unit}", self.permits())
    }
}
