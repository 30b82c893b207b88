//! CPython's `asyncio.TaskGroup`, where there is a `python3` that has it.

use bowline_benches::{Bench, Contender, ROUNDS_OF_A_PROCESS, number_printed_by, time};
use tokio::runtime::Runtime;

use crate::{children::ready, ways};

const CHILDREN: u32 = 100_000;
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/concurrency/asyncio_task_group.py");

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline scope", runtime, CHILDREN, || time(ways::bowline(CHILDREN, ready))),
        Contender::new("asyncio.TaskGroup, one thread", || {
            number_printed_by("python3", &[PROGRAM, &CHILDREN.to_string()])
        }),
    ];
    let title = format!("{flavour}: 100,000 children, beside asyncio");
    bench.compare(&title, "ns per child", ROUNDS_OF_A_PROCESS, contenders);
}
