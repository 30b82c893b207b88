//! Feature `tower`: a scope for each request.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Scope, ScopeLayer, hand_off, scope, timeout};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now, time::Instant};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    handler::Handler,
    support::{ends, on_both, paused},
    world::{Lease, World},
};

const RELEASE: Duration = Duration::from_secs(3);

/// Answers after it has left a release behind that takes three seconds.
async fn leaves_a_release(done: Arc<AtomicBool>) -> &'static str {
    hand_off(&Handle::current(), "a release", async move {
        tokio::time::sleep(RELEASE).await;
        done.store(true, SeqCst);
    });
    "answer"
}

#[test]
fn response_waits_for_what_its_handler_left_behind_as_long_as_the_layer_says() {
    for (budget, waits) in [(0, 0), (1, 1), (60, 3)] {
        ends("a response", move || {
            paused(async move {
                let done = Arc::new(AtomicBool::new(false));
                let began = Instant::now();
                scope(async |_| {
                    let layer = ScopeLayer::new(Scope::current()).settle_within(Duration::from_secs(budget));
                    let answer = tokio::spawn(layer.layer(Handler(leaves_a_release)).call(done.clone()));
                    assert_eq!(answer.await.unwrap(), Ok("answer"));
                    assert_eq!(began.elapsed().as_secs(), waits, "with a budget of {budget} s");
                })
                .await;
                assert!(done.load(SeqCst), "the server's scope waits in any case");
                assert_eq!(began.elapsed().as_secs(), RELEASE.as_secs());
            });
        });
    }
}

#[test]
fn handler_whose_client_hangs_up_leaves_nothing_when_the_server_returns() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let mut service =
                ScopeLayer::new(Scope::current()).layer(Handler(async |(world, up): (World, oneshot::Sender<()>)| {
                    scope(async |group| {
                        drop(group.spawn(world.clone().endless()));
                        let _ = up.send(());
                        world.endless().await;
                    })
                    .await;
                }));
            for _ in 0..10 {
                let (up, running) = oneshot::channel();
                let connection = tokio::spawn(service.call((world.clone(), up)));
                running.await.unwrap();
                connection.abort();
                let _ = connection.await; // The server's own business: the scope does not wait for its tasks.
            }
        })
        .await;
        world.assert_clean();
        assert!(world.leases() >= 10);
    });
}

#[test]
fn request_that_was_never_polled_is_dropped_below_the_server() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let mut service = ScopeLayer::new(Scope::current()).layer(Handler(|lease| async move { drop(lease) }));
            let request = service.call(world.lease());
            // A thread that knows no scope.
            std::thread::spawn(move || drop(request)).join().unwrap();
        })
        .await;
        world.assert_clean();
    });
}

#[test]
fn panic_of_a_handler_is_resumed_and_its_releases_are_waited_for() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            for budget in [Duration::ZERO, Duration::from_secs(60)] {
                let layer = ScopeLayer::new(Scope::current()).settle_within(budget);
                let mut service = layer.layer(Handler(async |world: World| {
                    let _lease = world.lease();
                    yield_now().await;
                    std::panic::resume_unwind(Box::new("boom"));
                }));
                let panic = tokio::spawn(service.call(world.clone())).await.unwrap_err().into_panic();
                assert_eq!(panic.downcast_ref(), Some(&"boom"));
            }
        })
        .await;
        world.assert_clean();
        assert_eq!(world.leases(), 2);
    });
}

#[test]
fn response_that_waits_and_is_not_wanted_any_more_is_dropped_below_the_server() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let (open, gate) = oneshot::channel::<()>();
            let layer = ScopeLayer::new(Scope::current()).settle_within(Duration::from_secs(60));
            let mut service = layer.layer(Handler(|(lease, gate): (Lease, oneshot::Receiver<()>)| async move {
                hand_off(&Handle::current(), "a release", async { drop(gate.await) });
                lease
            }));
            let mut request = Box::pin(service.call((world.lease(), gate)));
            tokio::select! { biased; _ = &mut request => unreachable!("it waits"), () = yield_now() => {} }
            // A thread that knows no scope.
            std::thread::spawn(move || drop(request)).join().unwrap();
            drop(open);
        })
        .await;
        world.assert_clean();
    });
}

#[test]
fn handler_learns_that_its_server_is_cancelled() {
    on_both(|| async {
        let (up, running) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let _ = timeout(Duration::from_secs(60), async {
            let result = bowline_concurrency::TaskGroup::builder().grace(Duration::from_secs(60)).try_scope(
                async |group: &bowline_concurrency::TaskGroup<String>| -> Result<(), _> {
                    let mut service = ScopeLayer::new(Scope::current()).layer(Handler(
                        |(up, tell): (oneshot::Sender<()>, oneshot::Sender<String>)| async move {
                            let _ = up.send(());
                            let _ = tell.send(bowline_concurrency::cancelled().await.to_string());
                        },
                    ));
                    drop(tokio::spawn(service.call((up, tell))));
                    running.await.unwrap();
                    group.cancel("maintenance");
                    pending().await
                },
            );
            assert!(result.await.is_err());
        })
        .await;
        assert_eq!(told.await.unwrap(), "maintenance");
    });
}
