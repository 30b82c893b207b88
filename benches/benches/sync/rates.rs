//! 64 tasks that always wait for the next slot of one rate: what they get of it, what it costs, and who gets it.

use std::{
    fs,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bowline_benches::{Bench, Contender};
use bowline_sync::{Rate, RateLimiter};
use governor::Quota;
use tokio::{runtime::Runtime, task::JoinSet};

const TASKS: usize = 64;
const LONG: Duration = Duration::from_secs(1);
const ROUNDS: usize = 3;

/// What happened in the time.
struct Seen {
    /// Of the rate.
    share: f64,
    /// Of processor time, for a slot.
    microseconds: f64,
    /// The task that got most, as a part of the one that got least.
    spread: f64,
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    for rate in [1_000, 20_000] {
        let each = |what: &str, unit, pick: fn(&Seen) -> f64, bench: &mut Bench| {
            let contenders = vec![
                Contender::counted("bowline RateLimiter", runtime, move || async move { pick(&ours(rate).await) }),
                Contender::counted("governor", runtime, move || async move { pick(&governor(rate).await) }),
                Contender::counted("leaky-bucket (fair)", runtime, move || async move { pick(&leaky(rate).await) }),
            ];
            bench.compare(
                &format!("{flavour}: 64 tasks wait for {rate} slots a second: {what}"),
                unit,
                ROUNDS,
                contenders,
            );
        };
        each("what they get", "share of the rate", |seen| seen.share, bench);
        each("processor time", "us per slot", |seen| seen.microseconds, bench);
        each("fairness", "most / least of a task", |seen| seen.spread, bench);
    }
}

async fn ours(rate: u32) -> Seen {
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(permits(rate))));
    see(rate, move || {
        let limiter = limiter.clone();
        async move { limiter.acquire().await }
    })
    .await
}

async fn governor(rate: u32) -> Seen {
    let quota = Quota::per_second(permits(rate)).allow_burst(NonZeroU32::MIN);
    let limiter = Arc::new(governor::RateLimiter::direct(quota));
    see(rate, move || {
        let limiter = limiter.clone();
        async move { limiter.until_ready().await }
    })
    .await
}

async fn leaky(rate: u32) -> Seen {
    let (refill, interval) = if rate > 1_000 { (rate as usize / 1_000, 1) } else { (1, 1_000 / u64::from(rate)) };
    let limiter = leaky_bucket::RateLimiter::builder()
        .max(refill)
        .initial(1)
        .refill(refill)
        .interval(Duration::from_millis(interval))
        .build();
    let limiter = Arc::new(limiter);
    see(rate, move || {
        let limiter = limiter.clone();
        async move { limiter.acquire_one().await }
    })
    .await
}

async fn see<F>(rate: u32, ask: impl Fn() -> F + Clone + Send + 'static) -> Seen
where
    F: Future<Output = ()> + Send,
{
    let counts: Arc<[AtomicU32]> = (0..TASKS).map(|_| AtomicU32::new(0)).collect();
    let (began, processor) = (Instant::now(), processor_time());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (ask, counts) = (ask.clone(), counts.clone());
        tasks.spawn(async move {
            loop {
                ask().await;
                // Relaxed: read when all tasks have ended.
                counts[task].fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(LONG).await;
    tasks.shutdown().await;
    let (took, processor) = (began.elapsed(), processor_time() - processor);
    let counts: Vec<_> = counts.iter().map(|count| f64::from(count.load(Ordering::Relaxed))).collect();
    let sum: f64 = counts.iter().sum();
    let (least, most) = counts.iter().fold((f64::MAX, 0.0f64), |(least, most), &n| (least.min(n), most.max(n)));
    Seen {
        share: sum / (f64::from(rate) * took.as_secs_f64()),
        microseconds: processor.as_secs_f64() * 1e6 / sum,
        spread: most / least.max(1.0),
    }
}

fn permits(rate: u32) -> NonZeroU32 {
    NonZeroU32::new(rate).expect("the rates are written above")
}

/// What all threads of this process have had of the processor; zero where the system does not tell.
fn processor_time() -> Duration {
    let of_thread = |entry: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    Duration::from_nanos(threads.filter_map(of_thread).sum())
}
