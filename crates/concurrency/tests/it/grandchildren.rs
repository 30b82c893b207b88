//! Descendants that are slow to go: nobody returns before them.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use bowline_concurrency::{hand_off, scope, settled, timeout};
use tokio::{
    runtime::Handle,
    sync::{Barrier, oneshot},
    task::{JoinSet, yield_now},
};

use crate::support::{Alive, Census, ends, on_both, paused};

const SCOPES: usize = 200;

/// Takes about 20 µs to drop.
struct Spin(#[expect(dead_code, reason = "held for its drop")] Alive);

impl Drop for Spin {
    fn drop(&mut self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(20) {
            std::hint::spin_loop();
        }
    }
}

async fn stays(census: Census, up: Arc<Barrier>) {
    let _here = Spin(census.enter());
    up.wait().await;
    pending().await
}

#[test]
fn tg_46_two_hundred_scopes_with_slow_destructors_are_gone_when_the_timeout_returns() {
    on_both(|| async {
        let (census, up) = (Census::default(), Arc::new(Barrier::new(SCOPES + 1)));
        let (inside, all) = (census.clone(), up.clone());
        let mut work = Box::pin(timeout(
            Duration::from_millis(1),
            scope(async move |group| {
                for _ in 0..SCOPES {
                    let (census, up) = (inside.clone(), all.clone());
                    drop(group.spawn(scope(async move |group| group.spawn(stays(census, up)).await)));
                }
                pending::<()>().await;
            }),
        ));
        // All may be up before the deadline, or not all: both are good to be cancelled.
        tokio::select! { biased; out = &mut work => assert!(out.is_err()), _ = up.wait() => assert!(work.await.is_err()) }
        assert_eq!(census.alive(), 0);
    });
}

/// Asserts nothing: what a set of tasks leaves behind is the reason for scopes.
#[test]
fn contrast_join_set_returns_while_grandchildren_are_alive() {
    on_both(|| async {
        let (census, up) = (Census::default(), Arc::new(Barrier::new(SCOPES + 1)));
        let mut set = JoinSet::new();
        for _ in 0..SCOPES {
            let (census, up) = (census.clone(), up.clone());
            set.spawn(async move {
                let mut inner = JoinSet::new();
                inner.spawn(stays(census, up));
                inner.join_next().await
            });
        }
        up.wait().await;
        set.shutdown().await;
        println!("JoinSet: {} of {SCOPES} grandchildren alive after the shutdown", census.alive());
    });
}

/// Holds a copy; its release takes until `gate` is ready, and the copy is there until then.
struct Slow<G: Future<Output = ()> + Send + 'static> {
    copy: Option<Alive>,
    gate: Option<G>,
}

impl<G: Future<Output = ()> + Send + 'static> Drop for Slow<G> {
    fn drop(&mut self) {
        let (copy, gate) = (self.copy.take(), self.gate.take());
        hand_off(&Handle::current(), "a slow release", async move {
            if let Some(gate) = gate {
                gate.await;
            }
            drop(copy);
        });
    }
}

/// Loses a hundred times against `()`; gives the greatest number of copies that were alive.
async fn loses<G>(mut gate: impl FnMut() -> (G, Option<oneshot::Sender<()>>)) -> usize
where
    G: Future<Output = ()> + Send + 'static,
{
    let (census, most) = (Census::default(), Arc::new(AtomicUsize::new(0)));
    scope(async |_| {
        for _ in 0..100 {
            let (gate, open) = gate();
            let (census, most) = (census.clone(), most.clone());
            let (up, running) = oneshot::channel();
            let work = scope(async move |group| {
                let child = async move {
                    let _slow = Slow { copy: Some(census.enter()), gate: Some(gate) };
                    most.fetch_max(census.alive(), SeqCst);
                    let _ = up.send(());
                    pending::<()>().await;
                };
                group.spawn(child).await;
            });
            tokio::select! { biased; () = work => unreachable!(), _ = running => {} }
            // Opened while `settled` waits, not before.
            let opened = async {
                yield_now().await;
                drop(open);
            };
            tokio::join!(settled(), opened);
        }
    })
    .await;
    assert_eq!(census.alive(), 0);
    most.load(SeqCst)
}

#[test]
fn loop_that_loses_its_select_has_never_more_than_one_copy_alive() {
    ends("a loop of losses", || {
        paused(async {
            let began = tokio::time::Instant::now();
            let most = loses(|| (tokio::time::sleep(Duration::from_millis(300)), None)).await;
            assert_eq!(most, 1);
            assert!(began.elapsed() >= Duration::from_secs(30), "the releases were not waited for");
        });
    });
    on_both(|| async {
        let most = loses(|| {
            let (open, gate) = oneshot::channel::<()>();
            (async { drop(gate.await) }, Some(open))
        });
        assert_eq!(most.await, 1);
    });
}
