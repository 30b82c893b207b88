//! Waking all who wait: ten times as many may take ten times as long, and not more.

use std::{
    pin::Pin,
    task::{Context, Waker},
    time::Instant,
};

use bowline_benches::{Bench, Contender, ROUNDS};
use bowline_sync::{Event, Limiter};
use tokio::{
    runtime::Runtime,
    sync::{Notify, Semaphore},
};

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let _inside = runtime.enter();
    for waiters in [10_000, 100_000] {
        let (event, notify) = (Event::new(), Notify::new());
        let (limiter, semaphore) = (Limiter::new(0), Semaphore::new(0));
        let contenders = vec![
            all(
                "bowline Event",
                waiters,
                || event.wait(),
                || {
                    event.pulse();
                },
                || {},
            ),
            all(
                "bowline Limiter, by raising it",
                waiters,
                || limiter.acquire(),
                || limiter.set_capacity(waiters),
                || limiter.set_capacity(0),
            ),
            all("tokio Notify", waiters, || notify.notified(), || notify.notify_waiters(), || {}),
            all(
                "tokio Semaphore",
                waiters,
                || semaphore.acquire(),
                || semaphore.add_permits(waiters),
                || {
                    semaphore.forget_permits(waiters);
                },
            ),
        ];
        bench.compare(
            &format!("{flavour}: wake {waiters} futures, and take what they got"),
            "ns per future",
            ROUNDS,
            contenders,
        );
    }
}

fn all<'a, F: Future + 'a>(
    name: &str,
    waiters: usize,
    wait: impl Fn() -> F + 'a,
    wake: impl Fn() + 'a,
    again: impl Fn() + 'a,
) -> Contender<'a> {
    Contender::new(name, move || {
        let mut cx = Context::from_waker(Waker::noop());
        let mut futures: Vec<Pin<Box<F>>> = (0..waiters).map(|_| Box::pin(wait())).collect();
        for future in &mut futures {
            let _ = future.as_mut().poll(&mut cx).is_pending();
        }
        let began = Instant::now();
        wake();
        for mut future in futures {
            if future.as_mut().poll(&mut cx).is_pending() {
                return Err("one was not woken".to_owned());
            }
        }
        let took = began.elapsed();
        again();
        Ok(took.as_secs_f64() * 1e9 / waiters as f64)
    })
}
