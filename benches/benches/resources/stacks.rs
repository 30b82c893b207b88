//! Three resources on a stack, where nothing waits.

use std::{hint::black_box, io};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_resources::ExitStack;
use tokio::runtime::Runtime;

use crate::using::{Number, three_inside_one_another};

const TIMES: u32 = 50_000;

async fn on_a_stack(number: u64) -> io::Result<u64> {
    let mut stack = ExitStack::new();
    let a = stack.enter(Number(number)).await?;
    let b = stack.enter(Number(number)).await?;
    let c = stack.enter(Number(number)).await?;
    let used = black_box(*a + *b + *c);
    drop((a, b, c));
    stack.close().await.map_err(io::Error::other)?;
    Ok(used)
}

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline ExitStack", runtime, TIMES, || {
            time(async {
                for number in 0..TIMES {
                    black_box(on_a_stack(number.into()).await).expect("it always works");
                }
            })
        }),
        Contender::timed("bowline with, nested", runtime, TIMES, || {
            time(async {
                for number in 0..TIMES {
                    black_box(three_inside_one_another(number.into()).await).expect("it always works");
                }
            })
        }),
    ];
    bench.compare(&format!("{flavour}: three resources on a stack"), "ns per three", ROUNDS, contenders);
}
