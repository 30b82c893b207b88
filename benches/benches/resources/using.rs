//! Acquire, use, release, where nothing waits: what the promise costs.

use std::{hint::black_box, io};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_resources::{Exit, Resource, lease, with};
use tokio::runtime::Runtime;

const TIMES: u32 = 100_000;

/// A number, acquired and released at once.
pub(crate) struct Number(pub(crate) u64);

impl Resource for Number {
    type Value = u64;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<u64> {
        Ok(black_box(self.0))
    }

    async fn release(&mut self, value: u64, _: Exit) -> io::Result<()> {
        black_box(value);
        Ok(())
    }
}

async fn by_hand(number: u64) -> io::Result<u64> {
    let mut resource = Number(number);
    let value = resource.acquire().await?;
    let used = black_box(value + 1);
    resource.release(value, Exit::Completed).await?;
    Ok(used)
}

async fn with_us(number: u64) -> io::Result<u64> {
    with(Number(number), async |value| Ok(black_box(*value + 1))).await
}

async fn as_a_guard(number: u64) -> io::Result<u64> {
    let value = lease(Number(number)).await?;
    let used = black_box(*value + 1);
    value.release().await?;
    Ok(used)
}

/// What keeps the release safe from a caller that goes, without a library.
async fn in_a_task(number: u64) -> io::Result<u64> {
    tokio::spawn(by_hand(number)).await?
}

async fn three_by_hand(number: u64) -> io::Result<u64> {
    Ok(by_hand(number).await? + by_hand(number).await? + by_hand(number).await?)
}

pub(crate) async fn three_inside_one_another(number: u64) -> io::Result<u64> {
    with(Number(number), async |a| {
        with(Number(number), async |b| with(Number(number), async |c| Ok(black_box(*a + *b + *c))).await).await
    })
    .await
}

macro_rules! ways {
    ($runtime:expr, $($name:literal: $once:ident;)*) => {
        vec![$(Contender::timed($name, $runtime, TIMES, || {
            time(async {
                for number in 0..TIMES {
                    black_box($once(number.into()).await).expect("it always works");
                }
            })
        })),*]
    };
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = ways! { runtime,
        "bowline with": with_us;
        "bowline lease": as_a_guard;
        "all in a task of its own": in_a_task;
        "by hand, without a promise": by_hand;
    };
    bench.compare(&format!("{flavour}: acquire, use, release"), "ns per use", ROUNDS, contenders);
    let contenders = ways! { runtime,
        "bowline with": three_inside_one_another;
        "by hand, without a promise": three_by_hand;
    };
    bench.compare(&format!("{flavour}: three inside one another"), "ns per three", ROUNDS, contenders);
}
