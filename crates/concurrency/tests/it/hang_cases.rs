//! The four call sites that hang when a node counts what a live value owns.

use std::{future::poll_fn, pin::Pin, time::Duration};

use bowline_concurrency::{BackgroundTasks, TaskGroup, scope, timeout, try_scope};
use tokio::{task::LocalSet, time::sleep};

use crate::support::on_both;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(20);

async fn slow_scope() -> u32 {
    scope(async |group| {
        let task = group.spawn(async {
            sleep(LONG).await;
            7
        });
        task.await
    })
    .await
}

#[test]
fn to_29_timeout_around_a_borrowed_future_gives_up_waiting_and_the_future_goes_on() {
    on_both(|| async {
        let mut future = Box::pin(slow_scope());
        let mut expired = 0;
        let value = loop {
            match timeout(SHORT, &mut future).await {
                Ok(value) => break value,
                Err(_) => expired += 1,
            }
        };
        assert_eq!(value, 7);
        assert!(expired >= 1, "the future takes longer than one timeout");
    });
}

#[test]
fn timeout_around_the_next_of_many_futures_returns_while_the_others_keep_their_scopes() {
    on_both(|| async {
        let mut futures: Vec<Pin<Box<dyn Future<Output = u32>>>> =
            (0..3).map(|_| Box::pin(slow_scope()) as _).collect();
        let (mut values, mut expired) = (Vec::new(), 0);
        while !futures.is_empty() {
            let next = poll_fn(|cx| {
                for i in 0..futures.len() {
                    if let std::task::Poll::Ready(value) = futures[i].as_mut().poll(cx) {
                        drop(futures.swap_remove(i));
                        return std::task::Poll::Ready(value);
                    }
                }
                std::task::Poll::Pending
            });
            match timeout(SHORT, next).await {
                Ok(value) => values.push(value),
                Err(_) => expired += 1,
            }
        }
        assert_eq!(values, [7, 7, 7]);
        assert!(expired >= 1);
    });
}

struct App {
    tasks: BackgroundTasks,
}

impl App {
    async fn start() -> App {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("heartbeat", std::future::pending::<()>()).unwrap());
        tokio::task::yield_now().await;
        App { tasks }
    }
}

#[test]
fn timeout_around_a_start_that_keeps_background_tasks_returns_the_app() {
    on_both(|| async {
        let app = timeout(Duration::from_secs(10), App::start()).await.unwrap();
        assert_eq!(app.tasks.len(), 1, "the task outlives the timeout, as its owner does");
        assert_eq!(app.tasks.shutdown(Duration::ZERO).await.aborted, ["heartbeat"]);
    });
}

#[test]
fn timeout_around_a_local_set_whose_tasks_open_scopes_returns() {
    on_both(|| async {
        let local = LocalSet::new();
        let started = std::rc::Rc::new(std::cell::Cell::new(false));
        let flag = started.clone();
        local.spawn_local(async move {
            flag.set(true);
            slow_scope().await;
        });
        let expired = timeout(SHORT, local.run_until(std::future::pending::<()>())).await;
        assert!(expired.is_err());
        assert!(started.get(), "the local task has opened its scope");
        local.await; // It goes on, and its scope ends.
    });
}

#[test]
fn timeout_around_a_failing_scope_gives_its_error() {
    on_both(|| async {
        let result = timeout(
            Duration::from_secs(10),
            try_scope(async |group: &TaskGroup<&str>| {
                group.try_spawn(async { Err::<(), _>("boom") }).await;
                Ok(())
            }),
        )
        .await
        .unwrap();
        assert_eq!(result.unwrap_err().into_first().unwrap(), "boom");
    });
}
