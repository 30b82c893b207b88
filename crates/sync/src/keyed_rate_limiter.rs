//! One rate limiter for each key, in bounded memory: a [`Line`] for each, `table` says which ones are worth keeping.

mod acquire;
mod refused;
mod state;
mod table;

use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use tokio::time::Instant;

pub use self::{
    acquire::{AcquireKeySlot, AcquireKeySlots},
    refused::{KeyRefused, TooManyKeys},
};
use self::{
    state::State,
    table::{Index, Table},
};
use crate::{
    inspected::Resource,
    primitive::{Mutex, lock},
    rate_limiter::{
        ExceedsBurst, Rate, RateLimit,
        clock::Clock,
        line::{Line, Wakes},
        request::Request,
    },
};

/// Bounds how often something is done for each key: each host, each user, each tenant has a rate of its own.
///
/// For each key it is what a [`RateLimiter`](crate::RateLimiter) is: slots on a grid, granted in the order of asking, given back by whoever is cancelled.
/// The keys do not wait for each other. Where the keys are few and known, a `RateLimiter` in each of them is simpler, and never refuses a key.
///
/// # Memory
///
/// It remembers at most `keys_max` keys, each at the cost of about 250 bytes and the key itself. A key that owes nothing (it could take a whole burst, nobody waits
/// for it, it is not paused) is the same as one that was never seen, and is forgotten when the place is needed: a few are looked at when a new key
/// comes. When all `keys_max` are busy, a new key is refused with [`TooManyKeys`]: a flood of made-up keys neither fills the memory nor lifts the limit
/// of the others. Make `keys_max` several times the number of keys that are used within the time of a burst.
///
/// # Keys
///
/// Keys are looked up borrowed, and cloned when they are new: a `KeyedRateLimiter<String>` is asked with a `&str`. They are hashed outside the lock, with keys
/// that an attacker does not know, and compared under it: a comparison that uses the same limiter deadlocks.
///
/// One lock guards all keys. It is held for the time of one lookup, but for [`set_rate`](KeyedRateLimiter::set_rate),
/// [`pause_all_until`](KeyedRateLimiter::pause_all_until) and the search for a place in a full table, which look at every key.
///
/// # Examples
///
/// ```
/// use std::{
///     num::{NonZeroU32, NonZeroUsize},
///     time::Duration,
/// };
///
/// use bowline_sync::{KeyedRateLimiter, Rate};
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rate = Rate::per_second(NonZeroU32::try_from(2)?);
/// let hosts = KeyedRateLimiter::<String>::new(NonZeroUsize::try_from(10_000)?, rate);
///
/// let start = Instant::now();
/// hosts.acquire("a.example").await?; // at once
/// hosts.acquire("b.example").await?; // at once: another host
/// hosts.acquire("a.example").await?; // half a second later
/// assert_eq!(start.elapsed(), Duration::from_millis(500));
///
/// // 429 from one of them: the other goes on.
/// hosts.pause_until("a.example", Instant::now() + Duration::from_secs(9))?;
/// assert_eq!(hosts.peek("a.example"), Duration::from_secs(9));
/// hosts.try_acquire("b.example")?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "per-key")]
#[doc(alias = "per-host")]
#[doc(alias = "throttle")]
pub struct KeyedRateLimiter<K> {
    hasher: RandomState,
    state: Mutex<State<K>>,
    resource: Resource,
}

/// What a [`KeyedRateLimiter`] is doing at one moment; made by [`KeyedRateLimiter::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedRateLimiterStatistics {
    /// The rate and the burst of each key.
    pub limit: RateLimit,
    /// How many keys are remembered, some of which may owe nothing any more.
    pub keys: usize,
    /// How many may be.
    pub keys_max: NonZeroUsize,
    /// How many futures wait, for all keys.
    pub waiting: usize,
    /// How many permits have been granted so far, for all keys, those that were given back not counted.
    pub granted: u64,
    /// How many keys have been forgotten so far.
    pub evicted: u64,
}

impl<K> KeyedRateLimiter<K> {
    /// Creates a limiter for at most `keys_max` busy keys, without bursts.
    #[must_use]
    #[track_caller]
    pub fn new(keys_max: NonZeroUsize, rate: Rate) -> Self {
        Self::with_burst(keys_max, rate, NonZeroU32::MIN)
    }

    /// Creates a limiter that lets each key take up to `burst` slots at once after they were not used. A new key has them all.
    #[must_use]
    #[track_caller]
    pub fn with_burst(keys_max: NonZeroUsize, rate: Rate, burst: NonZeroU32) -> Self {
        let limit = RateLimit { rate, burst };
        let state = Mutex::new(State::new(limit, Table::new(keys_max)));
        Self { hasher: RandomState::new(), state, resource: Resource::new("keyed rate limiter") }
    }

    /// Waits for the next slot of this key, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`], at the first poll, when the key is a new one and all that are remembered are busy.
    pub fn acquire<'a, Q>(&'a self, key: &'a Q) -> AcquireKeySlot<'a, K, Q>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        AcquireKeySlot::new(self, key)
    }

    /// Waits for so many slots of this key at once, in the order of asking.
    ///
    /// # Errors
    ///
    /// At the first poll: [`KeyRefused::ExceedsBurst`] when there are never so many at once, [`KeyRefused::TooManyKeys`] when the key is a new one and all that are
    /// remembered are busy. It is never [`KeyRefused::RetryAfter`].
    pub fn acquire_many<'a, Q>(&'a self, key: &'a Q, permits: NonZeroU32) -> AcquireKeySlots<'a, K, Q>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        AcquireKeySlots::new(self, key, permits)
    }

    /// Takes a slot of this key if one is free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::RetryAfter`], with the time to wait, when there is none; [`KeyRefused::TooManyKeys`] when the key is a new one and all that are remembered
    /// are busy.
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<(), KeyRefused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.try_acquire_many(key, NonZeroU32::MIN)
    }

    /// Takes so many slots of this key if all are free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](KeyedRateLimiter::try_acquire); [`KeyRefused::ExceedsBurst`] when there are never so many at once.
    pub fn try_acquire_many<Q>(&self, key: &Q, permits: NonZeroU32) -> Result<(), KeyRefused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.with_key(key, &mut { Index::NONE }, |line, clock, wakes| {
            ExceedsBurst::check(permits, line)?;
            let taken = line.try_take(permits, clock.now(), wakes);
            taken.map_err(|refused| KeyRefused::RetryAfter(clock.retry_after(&refused)))
        })?
    }

    /// Tells how long a request for this key would wait if it came now, as far as is known; zero when it would be granted at once. It takes
    /// nothing, and a new key is not remembered for it. For a new key in a full table it is the time until there is a place.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Duration
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.locked(|state, clock, wakes, forgotten| {
            let peek = |line: &mut Line, clock: Clock, wakes: &mut Wakes| {
                let answer = line.peek(NonZeroU32::MIN, clock.now(), wakes);
                answer.map_or_else(|refused| clock.until_due(&refused), |()| Duration::ZERO)
            };
            match state.find(hash, key) {
                Some(index) => state.act(index, clock, wakes, peek),
                None => match state.make_room(clock, forgotten) {
                    Ok(()) => peek(&mut state.new_line(), clock, wakes),
                    Err(refused) => refused.retry_after,
                },
            }
        })
    }

    /// Grants no slot of this key before `resume`, like [`RateLimiter::pause_until`](crate::RateLimiter::pause_until). The key is remembered until then.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`] when the key is a new one and all that are remembered are busy. Then it is refused as long as that is so.
    #[doc(alias = "Retry-After")]
    pub fn pause_until<Q>(&self, key: &Q, resume: Instant) -> Result<(), TooManyKeys>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.with_key(key, &mut { Index::NONE }, |line, clock, _| line.pause(clock.now(), clock.nanos(resume)))
    }

    /// Grants no slot before `resume`, to no key, be it new or old.
    pub fn pause_all_until(&self, resume: Instant) {
        self.locked(|state, clock, _, _| state.pause_all(clock, clock.nanos(resume)));
    }

    /// Ends the pause of this key now, if there is one, like [`RateLimiter::resume`](crate::RateLimiter::resume): also one of all keys, which goes on for the others.
    ///
    /// A key that is not remembered has no pause but that, and keeps it.
    pub fn resume<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.locked(|state, clock, wakes, _| {
            if let Some(index) = state.find(hash, key) {
                state.resume(index, clock, wakes);
            }
        });
    }

    /// Ends the pauses of all keys now, those of single keys too.
    pub fn resume_all(&self) {
        self.locked(|state, clock, wakes, _| state.resume_all(clock, wakes));
    }

    /// Changes the rate of every key, for those who wait too. The burst stays, and so do pauses.
    pub fn set_rate(&self, rate: Rate) {
        self.locked(|state, clock, wakes, _| state.set_rate(rate, clock, wakes));
    }

    /// Reports the limit, the number of keys and of those who wait, the permits granted and the keys forgotten, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> KeyedRateLimiterStatistics {
        lock(&self.state).statistics()
    }

    /// Does one thing with the line of a key, which is remembered if it has to be. Where is told under the lock: after it, a waker may panic.
    fn with_key<Q, T>(
        &self,
        key: &Q,
        found: &mut Index,
        mut act: impl FnMut(&mut Line, Clock, &mut Wakes) -> T,
    ) -> Result<T, TooManyKeys>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let known = self.locked(|state, clock, wakes, _| {
            *found = state.find(hash, key)?;
            Some(state.act(*found, clock, wakes, &mut act))
        });
        if let Some(answer) = known {
            return Ok(answer);
        }
        // Cloned outside the lock; by now somebody else may have brought the same key.
        // If it is not taken, it is dropped outside too.
        let mut owned = Some(key.to_owned());
        self.locked(|state, clock, wakes, forgotten| {
            if let Some(index) = state.find(hash, key) {
                *found = index;
                return Ok(state.act(index, clock, wakes, act));
            }
            state.make_room(clock, forgotten)?;
            let mut line = state.new_line();
            let answer = act(&mut line, clock, wakes);
            if line.is_in_use() || line.idle_at() != state.new_line().idle_at() {
                let owned = owned.take().expect("it is taken here only");
                *found = state.insert(hash, owned, line);
            }
            Ok(answer)
        })
    }

    /// Does one thing under the lock, and what it leaves to do after it: wakers to wake, keys to drop.
    fn locked<T>(&self, act: impl FnOnce(&mut State<K>, Clock, &mut Wakes, &mut Vec<K>) -> T) -> T {
        let (mut wakes, mut forgotten) = (Wakes::default(), Vec::new());
        let now = Instant::now();
        let answer = {
            let mut state = lock(&self.state);
            let clock = state.clock(now);
            act(&mut state, clock, &mut wakes, &mut forgotten)
        };
        wakes.run();
        drop(forgotten);
        answer
    }

    fn give_up(&self, index: Index, request: &mut Request) {
        if request.is_in_line() {
            self.locked(|state, clock, wakes, _| {
                state.act(index, clock, wakes, |line, clock, wakes| request.give_up(line, clock, wakes));
            });
        }
    }
}

impl<K> fmt::Debug for KeyedRateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.statistics();
        f.debug_struct("KeyedRateLimiter")
            .field("limit", &now.limit)
            .field("keys", &now.keys)
            .field("keys_max", &now.keys_max)
            .field("waiting", &now.waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
