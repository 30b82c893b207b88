//! Three uses inside one another, in which everything goes wrong at every place, and which are dropped at every poll besides.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use bowline_concurrency::Scope;
use bowline_resources::with;
use bowline_testing::assert_cancel_safe;
use tokio::task::yield_now;

use crate::support::{Act, Door, Log, Stuck};

const AWAITS: usize = 2;
const NAMES: [&str; 3] = ["outer", "mid", "inner"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Acquire,
    BodyBefore,
    BodyAfter,
    Release,
}

/// What goes wrong: where, in which step, after how many of its awaits, and how.
#[derive(Clone, Copy, Debug)]
struct Fault {
    level: usize,
    step: Step,
    after: usize,
    act: &'static str,
}

impl Fault {
    fn all() -> impl Iterator<Item = Fault> {
        let steps = [Step::Acquire, Step::BodyBefore, Step::BodyAfter, Step::Release];
        let places = (0..NAMES.len()).flat_map(move |level| steps.map(|step| (level, step)));
        places.flat_map(|(level, step)| {
            (0..=AWAITS).flat_map(move |after| ["fails", "panics"].map(|act| Fault { level, step, after, act }))
        })
    }

    /// The awaits and the end of this step.
    fn plan(self, level: usize, step: Step) -> (usize, Act) {
        match self.act {
            _ if (level, step) != (self.level, self.step) => (AWAITS, Act::Works),
            "fails" => (self.after, Act::Fails),
            _ => (self.after, Act::Panics),
        }
    }

    fn door(self, level: usize, log: &Log) -> Door {
        let (acquire, release) = (self.plan(level, Step::Acquire), self.plan(level, Step::Release));
        Door::new(NAMES[level], log).acquire(acquire.0, acquire.1).release(release.0, release.1)
    }

    async fn part(self, level: usize, step: Step) -> Result<(), Stuck> {
        let (awaits, act) = self.plan(level, step);
        for _ in 0..awaits {
            yield_now().await;
        }
        match act {
            Act::Fails => Err(Stuck("body")),
            Act::Panics => panic!("a body panics"),
            _ => Ok(()),
        }
    }

    async fn uses(self, log: &Log) -> Result<(), Stuck> {
        with(self.door(0, log), async |_| {
            self.part(0, Step::BodyBefore).await?;
            with(self.door(1, log), async |_| {
                self.part(1, Step::BodyBefore).await?;
                with(self.door(2, log), async |_| {
                    self.part(2, Step::BodyBefore).await?;
                    self.part(2, Step::BodyAfter).await
                })
                .await?;
                self.part(1, Step::BodyAfter).await
            })
            .await?;
            self.part(0, Step::BodyAfter).await
        })
        .await
    }
}

/// Runs to the end, also if that is a panic.
async fn to_its_end<T>(work: impl Future<Output = T>) {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx).map(drop))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(()),
    })
    .await;
}

#[test]
fn rs_15_released_exactly_once_and_inner_first_whatever_goes_wrong_wherever_it_is_dropped() {
    std::panic::set_hook(Box::new(|_| {})); // Thousands of them are meant.
    let (mut faults, mut points) = (0, 0);
    for fault in Fault::all() {
        let visited = assert_cancel_safe(
            async || {
                let log = Log::default();
                let own = log.clone();
                let work = async move {
                    Scope::current().observe_failures(|_| ());
                    to_its_end(fault.uses(&own)).await;
                };
                (work, log)
            },
            async |log: Log| {
                let mut closing = log.all("closing ");
                closing.reverse();
                assert_eq!(log.opened(), closing, "{fault:?}: {:?}", log.entries());
                assert_eq!(log.values.live(), 0, "{fault:?}: {:?}", log.entries());
            },
        );
        (faults, points) = (faults + 1, points + visited.current_thread + visited.multi_thread);
    }
    drop(std::panic::take_hook());
    println!("{faults} faults, dropped at {points} points");
    assert!(faults == 72 && points > 1_500, "{faults} faults, dropped at {points} points");
}
