//! Which task runs next.
//!
//! One seed decides one schedule, so that a failure is told and repeated by one number. Shuttle's own schedulers count their seed
//! over all schedules of a run, or learn from the ones before.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Where a run is; shared with whoever reports about it.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Counters>);

#[derive(Default)]
struct Counters {
    seed: AtomicU64,
    steps: AtomicU64,
}

impl Progress {
    /// The seed of the schedule that is running.
    pub(crate) fn seed(&self) -> u64 {
        self.0.seed.load(Relaxed)
    }

    /// The decisions of all schedules so far.
    pub(crate) fn steps(&self) -> u64 {
        self.0.steps.load(Relaxed)
    }
}

/// A run of schedules: the first one has the seed itself, the others have seeds that follow from it.
///
/// A rehearsal comes before, always the same one: it makes what lives as long as the process, such as the process root. Making it
/// takes steps, and a schedule that has to make it goes another way than one of the same seed that finds it.
pub(crate) struct Schedules {
    seeds: Random,
    next: u64,
    left: u64,
    rehearsed: bool,
    policy: Policy,
    /// Decides between tasks. What the model itself asks for comes from another source, so that both stay independent.
    order: Random,
    data: Random,
    progress: Progress,
}

impl Schedules {
    pub(crate) fn new(seed: u64, count: u64, progress: Progress) -> Self {
        let idle = Random(0);
        Schedules {
            seeds: Random(seed),
            next: seed,
            left: count,
            rehearsed: false,
            policy: Policy::Any,
            order: idle,
            data: idle,
            progress,
        }
    }
}

/// How a schedule chooses. Different bugs hide from different ones.
enum Policy {
    /// Any task, each time: many short turns.
    Any,
    /// The same task for a while: one overtakes another by far. So many out of a hundred steps stay.
    Sticky(u64),
    /// The task of the highest rank that can run, until it loses its rank at a random step: a few long delays, at the wrong moments
    /// (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", 2010).
    Ranks { ranks: HashMap<TaskId, u64>, lowest: u64 },
}

impl Policy {
    fn draw(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Policy::Any,
            1 => Policy::Sticky([50, 80, 95][random.below(3) as usize]),
            // The ranks of new tasks lie in the upper half of the numbers, those of degraded ones go down from its middle.
            _ => Policy::Ranks { ranks: HashMap::new(), lowest: u64::MAX / 2 },
        }
    }
}

impl Scheduler for Schedules {
    fn new_execution(&mut self) -> Option<Schedule> {
        let seed = if std::mem::replace(&mut self.rehearsed, true) {
            self.left = self.left.checked_sub(1)?;
            std::mem::replace(&mut self.next, self.seeds.draw())
        } else {
            0
        };
        self.progress.0.seed.store(seed, Relaxed);
        let mut random = Random(seed);
        self.data = Random(random.draw());
        self.policy = Policy::draw(&mut random);
        self.order = random;
        Some(Schedule::new(seed))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, yields: bool) -> Option<TaskId> {
        self.progress.0.steps.fetch_add(1, Relaxed);
        let random = &mut self.order;
        match &mut self.policy {
            Policy::Any => {}
            Policy::Sticky(percent) => {
                let stays = !yields && random.below(100) < *percent;
                if let Some(task) = runnable.iter().find(|task| stays && Some(task.id()) == current) {
                    return Some(task.id());
                }
            }
            Policy::Ranks { ranks, lowest } => {
                if let Some(current) = current
                    && (yields || random.below(32) == 0)
                {
                    *lowest -= 1;
                    ranks.insert(current, *lowest);
                }
                let mut rank = |id| *ranks.entry(id).or_insert_with(|| u64::MAX / 2 + random.draw() / 2);
                return runnable.iter().map(|task| task.id()).max_by_key(|id| rank(*id));
            }
        }
        Some(runnable[random.below(runnable.len() as u64) as usize].id())
    }

    fn next_u64(&mut self) -> u64 {
        self.data.draw()
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers on every machine and with every version of everything.
#[derive(Clone, Copy)]
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}
