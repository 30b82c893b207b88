//! Pools whose values are there already: what it costs to take one and to put it back.

use std::{future::ready, io, num::NonZeroUsize, sync::Arc};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_resources::{Exit, Pool, Pooled, Resource};
use deadpool::managed::{self, Metrics, RecycleResult};
use tokio::{
    runtime::Runtime,
    task::{JoinSet, yield_now},
};

const TIMES: u32 = 64_000;

struct Value(u64);

/// All three make, check and reset without waiting.
#[derive(Clone)]
struct Maker;

impl Resource for Maker {
    type Value = Value;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<Value> {
        Ok(Value(0))
    }

    async fn release(&mut self, _: Value, _: Exit) -> io::Result<()> {
        Ok(())
    }
}

impl Pooled for Maker {}

impl managed::Manager for Maker {
    type Type = Value;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Value> {
        Ok(Value(0))
    }

    async fn recycle(&self, _: &mut Value, _: &Metrics) -> RecycleResult<io::Error> {
        Ok(())
    }
}

impl bb8::ManageConnection for Maker {
    type Connection = Value;
    type Error = io::Error;

    fn connect(&self) -> impl Future<Output = io::Result<Value>> + Send {
        ready(Ok(Value(0)))
    }

    fn is_valid(&self, _: &mut Value) -> impl Future<Output = io::Result<()>> + Send {
        ready(Ok(()))
    }

    fn has_broken(&self, _: &mut Value) -> bool {
        false
    }
}

/// Tasks, places, and whether a value is held across a yield.
const LOADS: &[(&str, u32, usize, bool)] = &[
    ("one task", 1, 8, false),
    ("64 tasks, 64 values", 64, 64, false),
    ("64 tasks, 64 values, held across a yield", 64, 64, true),
    ("64 tasks, 8 values", 64, 8, false),
    ("64 tasks, 8 values, held across a yield: most wait", 64, 8, true),
];

macro_rules! ways {
    ($runtime:expr, $tasks:expr, $holds:expr, $($name:literal: $make:expr, |$pool:ident| $get:expr;)*) => {
        vec![$(Contender::timed($name, $runtime, TIMES, move || async move {
            let pool = Arc::new($make);
            time(async {
                let mut tasks = JoinSet::new();
                for _ in 0..$tasks {
                    let pool = pool.clone();
                    tasks.spawn(async move {
                        for _ in 0..TIMES / $tasks {
                            let $pool = &*pool;
                            let mut value = $get.await.expect("it is never closed");
                            value.0 += 1;
                            if $holds {
                                yield_now().await;
                            }
                        }
                    });
                }
                tasks.join_all().await;
            })
            .await
        })),*]
    };
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    for &(title, tasks, size, holds) in LOADS {
        let places = NonZeroUsize::new(size).expect("there are some");
        let contenders = ways! { runtime, tasks, holds,
            "bowline Pool": Pool::new(Maker, places), |pool| pool.acquire();
            "bowline Pool, no limit of waits": Pool::builder(Maker, places).wait_timeout(None).build(), |pool| pool.acquire();
            "deadpool": managed::Pool::<Maker>::builder(Maker).max_size(size).build().expect("it is well built"),
                |pool| pool.get();
            "bb8": bb8::Pool::builder().max_size(u32::try_from(size).expect("it is small")).build_unchecked(Maker),
                |pool| pool.get();
        };
        bench.compare(&format!("{flavour}: a pool, {title}"), "ns per use", ROUNDS, contenders);
    }
}
