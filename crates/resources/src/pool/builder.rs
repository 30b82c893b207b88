//! The limits of a pool.

use std::{borrow::Cow, fmt, num::NonZeroUsize, time::Duration};

use bowline_concurrency::inspect;
use tokio::time::Instant;

use super::{Pool, pooled::Pooled, statistics::Cause, tenant::Item};

/// Makes a [`Pool`] with other limits than the default ones; from [`Pool::builder`].
///
/// A time-out that is `None` is none. No timer is made, and without one of the last three no clock is read, as long as nothing has to wait.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Pool, resource};
/// use std::{io, num::NonZeroUsize, time::Duration};
///
/// let connect = resource(async || io::Result::Ok(String::new()), async |_: String, _: Exit| Ok(()));
/// let pool = Pool::builder(connect, NonZeroUsize::new(8).expect("not zero"))
///     .named("accounts")
///     .wait_timeout(Duration::from_secs(2))
///     .create_timeout(None)
///     .check_after_idle(Duration::from_secs(60))
///     .build();
/// assert_eq!(pool.statistics().max_size, 8);
/// ```
#[must_use = "it builds nothing until `build`"]
pub struct PoolBuilder<R> {
    resource: R,
    config: Config,
    seen: inspect::Resource,
}

#[derive(Debug)]
pub(super) struct Config {
    pub(super) max_size: NonZeroUsize,
    pub(super) wait_timeout: Option<Duration>,
    pub(super) create_timeout: Option<Duration>,
    pub(super) recycle_timeout: Duration,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) check_after_idle: Option<Duration>,
}

impl Config {
    pub(super) fn has_times(&self) -> bool {
        self.max_lifetime.is_some() || self.idle_timeout.is_some() || self.check_after_idle.is_some()
    }

    /// Why the time of the value is over, if it is.
    pub(super) fn over<R: Pooled>(&self, item: &Item<R>, now: Instant) -> Option<Cause> {
        if is_past(self.max_lifetime, item.created, now) {
            Some(Cause::Expired)
        } else if is_past(self.idle_timeout, item.idle_since, now) {
            Some(Cause::IdleTooLong)
        } else {
            None
        }
    }

    pub(super) fn is_to_be_checked<R: Pooled>(&self, item: &Item<R>, now: Option<Instant>) -> bool {
        now.is_some_and(|now| is_past(self.check_after_idle, item.idle_since, now))
    }
}

fn is_past(limit: Option<Duration>, since: Option<Instant>, now: Instant) -> bool {
    limit.zip(since).is_some_and(|(limit, since)| now.saturating_duration_since(since) >= limit)
}

impl<R: Pooled> PoolBuilder<R> {
    #[track_caller]
    pub(super) fn new(resource: R, max_size: NonZeroUsize) -> Self {
        let config = Config {
            max_size,
            wait_timeout: Some(Duration::from_secs(30)),
            create_timeout: Some(Duration::from_secs(30)),
            recycle_timeout: Duration::from_secs(5),
            max_lifetime: None,
            idle_timeout: None,
            check_after_idle: None,
        };
        PoolBuilder { resource, config, seen: inspect::Resource::new("pool") }
    }

    /// Names the pool in the [`tree`](bowline_concurrency::tree()).
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.seen = self.seen.named(name);
        self
    }

    /// How long an [`acquire`](Pool::acquire) may wait in line; 30 s by default.
    pub fn wait_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.wait_timeout = limit.into();
        self
    }

    /// How long the creation of a value may take; 30 s by default. After that it is dropped.
    pub fn create_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.create_timeout = limit.into();
        self
    }

    /// How long a [`reset`](Pooled::reset), and a [`check`](Pooled::check), may take; 5 s by default. After that it is dropped, and the value is released, which
    /// may take its [`release_within`](crate::Resource::release_within). There is no way without: a dead peer would keep the place for ever.
    pub fn recycle_timeout(mut self, limit: Duration) -> Self {
        self.config.recycle_timeout = limit;
        self
    }

    /// How old a value may become; unlimited by default. It is destroyed when it comes back or before it is handed out again.
    pub fn max_lifetime(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.max_lifetime = limit.into();
        self
    }

    /// How long a value may stay idle; unlimited by default. It is destroyed when others come back, before it is handed out again, or by
    /// [`sweep`](Pool::sweep): there is no task that looks after it.
    pub fn idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.idle_timeout = limit.into();
        self
    }

    /// After how long in the pool a value is [checked](Pooled::check) before it is handed out; never by default. Zero: always.
    pub fn check_after_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.config.check_after_idle = idle.into();
        self
    }

    /// Builds the pool. It creates no value before one is asked for.
    pub fn build(self) -> Pool<R> {
        Pool::open(self.resource, self.config, self.seen)
    }
}

impl<R> fmt::Debug for PoolBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
