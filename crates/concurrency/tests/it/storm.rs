//! Random trees of everything, many times: nothing is alive after the outermost scope has returned, and every lease is released once.

use std::{
    future::{pending, poll_fn},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, RunBlocking, Scope, SpawnBlocking, Spawner, TaskGroup, cancelled, move_on_after, scope, settled,
    shield, timeout, try_scope,
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::yield_now,
};

use crate::{support::ends, world::World};

const ROUNDS: u64 = 300;
const DEPTH: usize = 5;
const MOMENT: Duration = Duration::from_micros(300);

/// A xorshift: the same seed gives the same tree.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }

    fn fork(&mut self) -> Self {
        Random::new(self.below(u64::MAX))
    }
}

type Tree = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the rounds have seen: a storm in which nothing happens proves nothing.
static PANICS: AtomicUsize = AtomicUsize::new(0);
static EXPIRED: AtomicUsize = AtomicUsize::new(0);

async fn yields(n: u64) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// A piece of work with a local and a lease.
async fn leaf(mut random: Random, world: World) {
    let _here = world.enter();
    let _lease = world.lease();
    match random.below(8) {
        0 => tokio::time::sleep(MOMENT).await,
        1 => {
            let (inside, runtime) = (world.clone(), Handle::current());
            let call = SpawnBlocking.run_blocking(move || {
                let _runtime = runtime.enter();
                inside.lease()
            });
            drop(call.await);
        }
        2 => settled().await,
        3 => drop(move_on_after(MOMENT, cancelled()).await),
        n => yields(n).await,
    }
}

fn tree(mut random: Random, depth: usize, world: World) -> Tree {
    if depth == 0 {
        return Box::pin(leaf(random, world));
    }
    let kind = random.below(10);
    let mut next = || tree(random.fork(), depth - 1, world.clone());
    match kind {
        0 => children(vec![next(), next(), next()]),
        1 => limited(vec![next(), next(), next()]),
        2 => {
            let (one, two) = (next(), next());
            let limit = [Duration::ZERO, MOMENT, Duration::from_secs(60)][random.below(3) as usize];
            Box::pin(async move {
                let expired = timeout(limit, one).grace(MOMENT).await.is_err();
                EXPIRED.fetch_add(usize::from(expired), SeqCst);
                two.await;
            })
        }
        3 => {
            let (one, two, n) = (next(), next(), random.below(6));
            Box::pin(async move {
                tokio::select! { biased; () = one => {}, () = yields(n) => {} }
                tokio::select! { () = two => {}, () = yields(n) => {} }
            })
        }
        4 => {
            let (one, n, lease) = (next(), random.below(4), world.lease());
            let work = async move {
                one.await;
                lease
            };
            Box::pin(async move {
                let shielded = shield(Duration::from_secs(60), work);
                tokio::select! { biased; lease = shielded => drop(lease), () = yields(n) => {} }
            })
        }
        5 => cancelled_with_grace(next(), next(), random.below(6)),
        6 => panicking(next(), next(), random.below(4)),
        7 => spawning(next(), next(), next()),
        8 => background(next(), next(), world.lease()),
        _ => failing(next(), next(), random.below(6)),
    }
}

fn children(mut trees: Vec<Tree>) -> Tree {
    Box::pin(scope(async move |group| {
        let body = trees.pop();
        let tasks: Vec<_> = trees.into_iter().map(|tree| group.spawn(tree)).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            if n == 0 {
                let _ = task.cancel().await;
            } else {
                task.await;
            }
        }
        if let Some(body) = body {
            body.await;
        }
    }))
}

fn limited(trees: Vec<Tree>) -> Tree {
    Box::pin(TaskGroup::builder().limit(NonZeroUsize::MIN).scope(async move |group| {
        for (n, tree) in trees.into_iter().enumerate() {
            drop(if n == 0 { group.spawn(tree) } else { group.permit().await.spawn(tree) });
        }
    }))
}

fn cancelled_with_grace(one: Tree, two: Tree, n: u64) -> Tree {
    Box::pin(async move {
        let body = async move |group: &TaskGroup<String>| {
            drop(group.spawn(one));
            drop(group.named("asks").spawn(async move { tokio::join!(cancelled(), two).0 }));
            yields(n).await;
            group.cancel("the storm");
            pending::<Result<(), _>>().await
        };
        assert!(TaskGroup::builder().grace(MOMENT).deadline(Duration::from_secs(60)).try_scope(body).await.is_err());
    })
}

fn panicking(one: Tree, two: Tree, n: u64) -> Tree {
    Box::pin(async move {
        let mut work = pin!(scope(async move |group| {
            drop(group.spawn(one));
            drop(group.spawn(async move {
                yields(n).await;
                resume_unwind(Box::new("the storm"));
            }));
            two.await;
        }));
        let panicked = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(poll) => poll.map(|()| false),
            Err(payload) => {
                assert_eq!(payload.downcast_ref(), Some(&"the storm"));
                Poll::Ready(true)
            }
        });
        PANICS.fetch_add(usize::from(panicked.await), SeqCst);
    })
}

fn spawning(one: Tree, two: Tree, three: Tree) -> Tree {
    fn next(spawner: Spawner, mut trees: Vec<Tree>) -> Tree {
        Box::pin(async move {
            if let Some(tree) = trees.pop() {
                let again = spawner.clone();
                drop(spawner.spawn(next(again, trees)));
                tree.await;
            }
        })
    }
    Box::pin(scope(async move |group| drop(group.spawn(next(group.spawner(), vec![one, two, three])))))
}

fn background(one: Tree, two: Tree, lease: crate::world::Lease) -> Tree {
    Box::pin(async move {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("one", one));
        let two = tasks.spawn("two", two);
        drop(tasks.spawn("a lease", async move { lease }));
        if let Ok(two) = two {
            tokio::select! { _ = two => {}, () = yields(3) => {} }
        }
        tasks.shutdown(MOMENT).await;
    })
}

fn failing(one: Tree, two: Tree, n: u64) -> Tree {
    Box::pin(async move {
        let result = try_scope(async move |group: &TaskGroup<String>| {
            drop(group.spawn(one));
            drop(group.try_spawn(async move {
                yields(n).await;
                Err::<(), _>("the storm".to_owned())
            }));
            two.await;
            Ok(())
        });
        assert!(result.await.is_err());
    })
}

fn rounds(runtime: &Runtime, base: u64) -> usize {
    let current = Arc::new(AtomicU64::new(0));
    let mut leases = 0;
    for seed in base..base + ROUNDS {
        current.store(seed, SeqCst);
        let world = World::default();
        let inside = world.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(scope(async move |_| {
                Scope::current().observe_failures(|_| {});
                let mut random = Random::new(seed);
                tree(random.fork(), DEPTH, inside.clone()).await;
            }));
            world.assert_clean();
        }));
        leases += world.leases();
        if let Err(payload) = outcome {
            eprintln!("the seed is {seed}");
            resume_unwind(payload);
        }
    }
    leases
}

#[test]
fn storm_of_random_trees_leaves_nothing_alive_and_releases_every_lease_once() {
    let base = std::env::var("STORM").map_or(1, |seed| seed.parse().unwrap());
    for workers in [0, 2] {
        ends("a storm", move || {
            let runtime = match workers {
                0 => Builder::new_current_thread().enable_all().build().unwrap(),
                n => Builder::new_multi_thread().worker_threads(n).enable_all().build().unwrap(),
            };
            let leases = rounds(&runtime, base);
            let (panics, expired) = (PANICS.load(SeqCst), EXPIRED.load(SeqCst));
            println!("{ROUNDS} rounds: {leases} leases, {panics} panics, {expired} expired");
            assert!(leases > 1000 && panics > 0 && expired > 0);
        });
    }
}
