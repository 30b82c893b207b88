//! Sixty-four tasks wait for a rate: what comes through, when, and to whom?
//!
//! The same second with this crate's limiter and with governor's, whose waiters sleep and then try again, each for itself.
//!
//! Run: `cargo run --release -p bowline-sync --example admissions`
//!
//! Expected output:
//!
//! ```text
//! 64 tasks, 400 slots a second; one column is 40 ms, its full height 16 slots
//! bowline   …  … of 400, a task … to …
//! governor  …  … of 400, a task … to …
//! ```

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    time::Duration,
};

use bowline_sync::{Rate, RateLimiter};
use governor::Quota;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

const TASKS: usize = 64;
const RATE: NonZeroU32 = NonZeroU32::new(400).expect("it is not zero");
const COLUMNS: usize = 25;
const COLUMN: Duration = Duration::from_millis(40);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let full = RATE.get() as usize / COLUMNS;
    println!(
        "{TASKS} tasks, {RATE} slots a second; one column is {} ms, its full height {full} slots",
        COLUMN.as_millis()
    );

    let limiter = Arc::new(RateLimiter::new(Rate::per_second(RATE)));
    let ours = watch(|task, admitted| {
        let limiter = limiter.clone();
        async move {
            loop {
                limiter.acquire().await;
                admitted.now(task);
            }
        }
    });
    draw("bowline", &ours.await);

    let quota = Quota::per_second(RATE).allow_burst(NonZeroU32::MIN);
    let limiter = Arc::new(governor::RateLimiter::direct(quota));
    let theirs = watch(|task, admitted| {
        let limiter = limiter.clone();
        async move {
            loop {
                limiter.until_ready().await;
                admitted.now(task);
            }
        }
    });
    draw("governor", &theirs.await);
}

/// Where a task says that it was admitted.
#[derive(Clone)]
struct Admitted {
    began: Instant,
    to: Sender<Admission>,
}

/// Who, and when.
type Admission = (usize, Duration);

impl Admitted {
    fn now(&self, task: usize) {
        // Nobody listens any more once the second is over.
        let _ = self.to.send((task, self.began.elapsed()));
    }
}

/// All admissions of one second.
async fn watch<F>(work: impl Fn(usize, Admitted) -> F) -> Vec<Admission>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (to, admissions) = mpsc::channel();
    let admitted = Admitted { began: Instant::now(), to };
    let mut tasks: JoinSet<()> = (0..TASKS).map(|task| work(task, admitted.clone())).collect();
    sleep(COLUMN * COLUMNS as u32).await;
    tasks.shutdown().await;
    drop(admitted);
    admissions.iter().filter(|(_, when)| *when < COLUMN * COLUMNS as u32).collect()
}

fn draw(name: &str, admissions: &[Admission]) {
    const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let full = RATE.get() as usize / COLUMNS;
    let (mut columns, mut tasks) = ([0; COLUMNS], [0; TASKS]);
    for (task, when) in admissions {
        columns[(when.as_millis() / COLUMN.as_millis()) as usize] += 1;
        tasks[*task] += 1;
    }
    let picture: String = columns.map(|slots: usize| HEIGHTS[(slots * 8).div_ceil(full).min(8)]).iter().collect();
    let (least, most) = tasks.iter().fold((usize::MAX, 0), |(least, most), &n| (least.min(n), most.max(n)));
    println!("{name:<9} {picture}  {} of {RATE}, a task {least} to {most}", admissions.len());
}
