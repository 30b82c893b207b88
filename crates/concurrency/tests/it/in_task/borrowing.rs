//! Values, and what children may borrow.

use std::{future::ready, pin::Pin, time::Duration};

use bowline_concurrency::{InTaskGroup, ScopeError, in_task_scope, timeout, try_in_task_scope};
use bowline_testing::assert_send_value;
use tokio::task::yield_now;

use super::length;
use crate::support::on_both;

/// What an async trait of the user's returns.
fn boxed(names: &[String]) -> Pin<Box<dyn Future<Output = Vec<usize>> + Send + '_>> {
    Box::pin(in_task_scope(async |group| {
        let children: Vec<_> = names.iter().map(|name| group.spawn(length(name))).collect();
        let mut lengths = Vec::new();
        for child in children {
            lengths.push(child.await);
        }
        lengths
    }))
}

#[test]
fn tg_01_values_come_in_order_and_children_borrow_from_outside() {
    on_both(|| async {
        let inside_a_task = tokio::spawn(async {
            let names = vec!["a".to_owned(), "bc".to_owned(), "def".to_owned()];
            let lengths = in_task_scope(async |group| {
                let children: Vec<_> = names.iter().map(|name| group.spawn(async move { name.len() })).collect();
                let mut lengths = Vec::new();
                for child in children {
                    lengths.push(child.await);
                }
                lengths
            })
            .await;
            (lengths, boxed(&names).await)
        });
        assert_eq!(inside_a_task.await.unwrap(), (vec![1, 2, 3], vec![1, 2, 3]));
    });
}

#[test]
fn children_borrow_mutably_and_give_back() {
    on_both(|| async {
        let task = tokio::spawn(async {
            let mut pages = vec![0; 5];
            let mut last = String::new();
            in_task_scope(async |group| {
                for (number, page) in pages.iter_mut().enumerate() {
                    drop(group.spawn(async move {
                        yield_now().await;
                        *page = number;
                    }));
                }
                drop(group.spawn(async { last.push('x') }));
            })
            .await;
            (pages, last)
        });
        assert_eq!(task.await.unwrap(), (vec![0, 1, 2, 3, 4], "x".to_owned()));
    });
}

/// Errors with lifetimes, deadlines and nesting around it: what must stay `Send` for a spawned task.
#[test]
fn futures_of_scopes_are_send_wherever_they_stand() {
    struct Service {
        names: Vec<String>,
        hits: u32,
    }
    impl Service {
        async fn serve(&mut self) -> Result<usize, ScopeError<&'static str>> {
            let Service { names, hits } = self;
            let inner = try_in_task_scope(async |group: InTaskGroup<'_, &'static str>| {
                let children: Vec<_> = names
                    .iter()
                    .map(|name| {
                        group.try_spawn(async move { Ok(in_task_scope(async |g| g.spawn(length(name)).await).await) })
                    })
                    .collect();
                drop(group.spawn(async { *hits += 1 }));
                let mut sum = 0;
                for child in children {
                    sum += child.await;
                }
                Ok(sum)
            });
            timeout(Duration::from_secs(60), inner).await.unwrap()
        }
    }
    on_both(|| async {
        let mut service = Service { names: vec!["a".to_owned(), "bc".to_owned()], hits: 0 };
        let served = async move {
            let sum = service.serve().await.unwrap();
            (sum, service.hits)
        };
        assert_send_value(&served);
        assert_eq!(tokio::spawn(served).await.unwrap(), (3, 1));
        let inferred = try_in_task_scope(async |group| -> Result<_, std::io::Error> {
            Ok(group.try_spawn(async { Ok(1) }).await + group.spawn(ready(1)).await)
        });
        assert_eq!(tokio::spawn(inferred).await.unwrap().unwrap(), 2);
    });
}
