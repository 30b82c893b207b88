//! Dropping a future at every await point.

use std::{cell::Cell, fmt, future::poll_fn, task::Poll, time::Duration};

use bowline_concurrency::settled;
use tokio::runtime::Handle;

use crate::{
    all_blocked::all_blocked,
    case,
    harness::Harness,
    leak::tasks_gone,
    on_wake::{OnWake, Progress},
    runtime::Flavour,
};

/// Drops a future at every one of its await points, on both runtimes, and checks what is left each time.
///
/// `make` builds the future under test and the state that it works on, afresh for each attempt; `check` gets the state when
/// the future is gone and panics if it is not sound. In each attempt the future is dropped elsewhere:
///
/// 1. nowhere: it runs to its end, which shows that `check` is right about the undisturbed case;
/// 2. before its first poll;
/// 3. for each point at which it suspends, twice: *when it suspends*, and *when it has been woken* but not polled again,
///    where a permit, a message or a connection may be on its way to it.
///
/// Before `check`, work that was handed off to the scope is awaited, and other tasks can run until they wait; after
/// it, no task may be left (see [`on_current_thread`](crate::on_current_thread)). The code under test needs no scopes of
/// ours.
///
/// It visits the points of *one* path through the future, the one that the state made by `make` leads to, and cannot see
/// what depends on the order in which threads run.
///
/// # Panics
///
/// With the message of `check`, of the future or of the leak check, after the runtime and the await point:
/// `on current_thread, dropped at await point 2: a value was lost`.
/// If nothing can progress, after 30 s in an attempt, or if the future suspends more than 10,000 times
/// ([`Harness::time_limit`], [`Harness::max_points`]).
///
/// # Examples
///
/// ```
/// use bowline_testing::assert_cancel_safe;
/// use std::sync::Arc;
/// use tokio::sync::Mutex;
///
/// type Account = Arc<Mutex<i64>>;
///
/// async fn transfer(from: Account, to: Account, amount: i64) {
///     // Everything is locked before anything is changed.
///     let mut from = from.lock().await;
///     tokio::task::yield_now().await;
///     let mut to = to.lock().await;
///     *from -= amount;
///     *to += amount;
/// }
///
/// assert_cancel_safe(
///     async || {
///         let (a, b) = (Account::default(), Account::default());
///         (transfer(a.clone(), b.clone(), 10), (a, b))
///     },
///     async |(a, b)| assert_eq!(*a.lock().await + *b.lock().await, 0, "money was made or lost"),
/// )
/// .at_least(1);
/// ```
#[doc(alias = "cancellation")]
#[track_caller]
pub fn assert_cancel_safe<F, S>(make: impl AsyncFnMut() -> (F, S), check: impl AsyncFnMut(S)) -> Visited
where
    F: Future,
{
    Harness::default().assert_cancel_safe(make, check)
}

/// How many await points [`assert_cancel_safe`] visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a test that visits no point proves nothing; pin the number with `.at_least(n)`"]
pub struct Visited {
    /// On the current-thread runtime, where the number is the same in every run.
    pub current_thread: usize,
    /// On the multi-threaded runtime, where it may vary: what another thread has already done is not waited for.
    pub multi_thread: usize,
}

impl Visited {
    /// Expects that the future suspended `points` times or more on the current-thread runtime.
    ///
    /// # Panics
    ///
    /// If it did not: the future does not get where the test meant it to go.
    #[track_caller]
    pub fn at_least(self, points: usize) {
        assert!(self.current_thread >= points, "expected {points} await points or more, but visited {self}");
    }
}

impl fmt::Display for Visited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on current_thread, {} on multi_thread", self.current_thread, self.multi_thread)
    }
}

/// Panics here and not further below: a closure cannot tell who called it.
#[track_caller]
pub(crate) fn visit_both<F: Future, S>(
    harness: &Harness,
    mut make: impl AsyncFnMut() -> (F, S),
    mut check: impl AsyncFnMut(S),
) -> Visited {
    let mut visit = |flavour| {
        let mut attempt = |place| attempt(harness, flavour, place, &mut make, &mut check);
        attempt(Place::Nowhere)?;
        attempt(Place::Start)?;
        let mut point = 1;
        while let End::Dropped = attempt(Place::Suspended(point))? {
            attempt(Place::Woken(point))?;
            point += 1;
        }
        Ok::<_, String>(point - 1)
    };
    let visited = visit(Flavour::CurrentThread)
        .and_then(|current_thread| Ok(Visited { current_thread, multi_thread: visit(Flavour::MultiThread)? }));
    match visited {
        Ok(visited) => visited,
        Err(text) => panic!("{text}"),
    }
}

/// Where a future is dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Start,
    Suspended(usize),
    Woken(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Nowhere => f.write_str("run to its end"),
            Place::Start => f.write_str("dropped before its first poll"),
            Place::Suspended(point) => write!(f, "dropped at await point {point}"),
            Place::Woken(point) => write!(f, "dropped at await point {point} after its wake-up"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Dropped,
    Finished,
    /// It suspended more often than allowed.
    Endless,
}

fn attempt<F: Future, S>(
    harness: &Harness,
    flavour: Flavour,
    place: Place,
    make: &mut impl AsyncFnMut() -> (F, S),
    check: &mut impl AsyncFnMut(S),
) -> Result<End, String> {
    let end = Cell::new(End::Dropped);
    let outcome = case::run(flavour, harness.time_limit, async || {
        let (future, state) = make().await;
        let before = Handle::current().metrics().num_alive_tasks();
        end.set(drop_at(place, future, harness.max_points).await);
        settled().await;
        others_waiting(flavour, before).await;
        check(state).await;
    });
    match (end.get(), outcome) {
        (End::Endless, _) => {
            let max = harness.max_points;
            Err(format!(
                "on {flavour}: the future suspended more than {max} times; if that is right, raise `Harness::max_points`"
            ))
        }
        (End::Finished, Err(failure)) => Err(format!("on {flavour}, {}: {failure}", Place::Nowhere)),
        (End::Dropped, Err(failure)) => Err(format!("on {flavour}, {place}: {failure}")),
        (end, Ok(())) => Ok(end),
    }
}

/// Polls the future when it is woken, and drops it at its place.
async fn drop_at<F: Future>(place: Place, future: F, max_points: usize) -> End {
    if place == Place::Start {
        return End::Dropped;
    }
    let mut future = OnWake::new(future);
    let mut points = 0;
    poll_fn(|cx| {
        if Place::Woken(points) == place {
            return if future.is_woken() { Poll::Ready(End::Dropped) } else { Poll::Pending };
        }
        match future.poll(cx) {
            Progress::Finished(_) => return Poll::Ready(End::Finished),
            Progress::Asleep => return Poll::Pending,
            Progress::Suspended => points += 1,
        }
        if Place::Suspended(points) == place {
            Poll::Ready(End::Dropped)
        } else if points > max_points {
            Poll::Ready(End::Endless)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Lets other tasks run until they wait, so that `check` finds what they leave. Those that `make` started may stay.
async fn others_waiting(flavour: Flavour, before: usize) {
    match flavour {
        Flavour::CurrentThread if Handle::current().metrics().num_alive_tasks() > 0 => all_blocked().await,
        Flavour::CurrentThread => {}
        // Nobody can know here; tasks that are about to end get the time to do so.
        Flavour::MultiThread => drop(tasks_gone(before, Duration::from_millis(20)).await),
    }
}
