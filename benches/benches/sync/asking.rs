//! What it costs to ask a rate limiter that has slots to give.

use std::{hint::black_box, num::NonZeroU32, time::Duration};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_sync::{Rate, RateLimiter};
use governor::{
    Quota,
    clock::{MonotonicClock, QuantaClock},
    state::{InMemoryState, NotKeyed},
};
use tokio::runtime::Runtime;

const TIMES: u32 = 200_000;
const MANY: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("it is not zero");

type Governor<C> = governor::RateLimiter<
    NotKeyed,
    InMemoryState,
    C,
    governor::middleware::NoOpMiddleware<<C as governor::clock::Clock>::Instant>,
>;

/// The answer was wanted.
fn ignore<T>(answer: T) {
    black_box(&answer);
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline try_acquire", runtime, TIMES, || {
            let limiter = RateLimiter::with_burst(Rate::per_second(MANY), MANY);
            time(async move { (0..TIMES).for_each(|_| ignore(black_box(&limiter).try_acquire())) })
        }),
        Contender::timed("bowline acquire", runtime, TIMES, || {
            let limiter = RateLimiter::with_burst(Rate::per_second(MANY), MANY);
            time(async move {
                for _ in 0..TIMES {
                    black_box(&limiter).acquire().await;
                }
            })
        }),
        Contender::timed("governor check, clock of std", runtime, TIMES, || {
            let limiter: Governor<MonotonicClock> =
                Governor::direct_with_clock(Quota::per_second(MANY), MonotonicClock);
            time(async move { (0..TIMES).for_each(|_| ignore(black_box(&limiter).check())) })
        }),
        Contender::timed("governor check, clock of quanta", runtime, TIMES, || {
            let limiter: Governor<QuantaClock> =
                Governor::direct_with_clock(Quota::per_second(MANY), QuantaClock::default());
            time(async move { (0..TIMES).for_each(|_| ignore(black_box(&limiter).check())) })
        }),
        Contender::timed("leaky-bucket try_acquire (fair)", runtime, TIMES, || {
            let limiter = leaky_bucket::RateLimiter::builder()
                .max(1_000_000_000)
                .initial(1_000_000_000)
                .refill(1_000_000)
                .interval(Duration::from_millis(1))
                .build();
            time(async move { (0..TIMES).for_each(|_| ignore(black_box(black_box(&limiter).try_acquire(1)))) })
        }),
        Contender::timed("Instant::now, which all but quanta ask", runtime, TIMES, || {
            time(async move { (0..TIMES).for_each(|_| ignore(black_box(std::time::Instant::now()))) })
        }),
    ];
    bench.compare(&format!("{flavour}: ask a rate limiter that has slots"), "ns per question", ROUNDS, contenders);
}
