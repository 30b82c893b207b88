//! Pages: on demand, one fetch at a time.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use bowline_streams::paginate;
use bowline_testing::{DropLog, on_both_runtimes, on_current_thread, poll_once};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use tokio::{sync::oneshot, task::yield_now, time::timeout};

type Page = Result<(Vec<u32>, Option<u32>), &'static str>;

/// Rows 10 n, 10 n + 1 of page n, of `pages` pages.
fn rows(n: u32, pages: u32) -> Page {
    Ok((vec![10 * n, 10 * n + 1], Some(n + 1).filter(|next| *next < pages)))
}

#[test]
fn pages_are_fetched_only_when_their_first_item_is_asked_for() {
    on_both_runtimes(async || {
        let fetched = RefCell::new(Vec::new());
        let mut stream = paginate(0, |n| {
            fetched.borrow_mut().push(n);
            async move {
                yield_now().await;
                rows(n, 3)
            }
        });
        assert!(fetched.borrow().is_empty());
        for (item, pages) in [(0, 1), (1, 1), (10, 2), (11, 2), (20, 3), (21, 3)] {
            assert_eq!(stream.next().await, Some(Ok(item)));
            assert_eq!(fetched.borrow().len(), pages, "at item {item}");
        }
        assert_eq!(stream.next().await, None);
        assert_eq!(stream.next().await, None);
        assert_eq!(*fetched.borrow(), [0, 1, 2]);
    });
}

#[test]
fn empty_page_in_the_middle_does_not_end_the_stream() {
    on_both_runtimes(async || {
        let pages = [vec![1, 2], vec![], vec![], vec![3], vec![]];
        let fetch = async |n: usize| Ok::<_, Infallible>((pages[n].clone(), Some(n + 1).filter(|n| *n < pages.len())));
        assert_eq!(paginate(0, fetch).try_collect::<Vec<_>>().await, Ok(vec![1, 2, 3]));
    });
}

#[test]
fn error_of_a_page_is_the_last_item() {
    on_both_runtimes(async || {
        let fetches = Cell::new(0);
        let mut stream = paginate(0, |n| {
            fetches.set(fetches.get() + 1);
            async move { if n == 1 { Err("no such page") } else { rows(n, 3) } }
        });
        let items: Vec<_> = stream.by_ref().collect().await;
        assert_eq!(items, [Ok(0), Ok(1), Err("no such page")]);
        assert_eq!(stream.next().await, None);
        assert_eq!(fetches.get(), 2);
    });
}

#[test]
fn next_that_is_dropped_goes_on_with_the_same_fetch() {
    let (answer, answered) = oneshot::channel();
    let mut fetches = vec![answered];
    let mut stream = paginate(0, |_: u32| {
        let answered = fetches.pop().expect("fetched once");
        async move { answered.await.expect("an answer") }
    });
    for _ in 0..3 {
        assert_eq!(poll_once(pin!(stream.next())), Poll::Pending);
    }
    answer.send(rows(0, 1)).expect("the first fetch still waits");
    assert_eq!(stream.collect::<Vec<_>>().now_or_never(), Some(vec![Ok(0), Ok(1)]));
}

#[test]
fn next_under_a_deadline_loses_no_page() {
    on_current_thread(async || {
        let fetches = Cell::new(0);
        let mut stream = paginate(0, |n| {
            fetches.set(fetches.get() + 1);
            async move {
                tokio::time::sleep(Duration::from_millis(25)).await;
                rows(n, 3)
            }
        });
        let mut items = Vec::new();
        loop {
            match timeout(Duration::from_millis(10), stream.next()).await {
                Ok(Some(item)) => items.push(item.expect("no error")),
                Ok(None) => break,
                Err(_) => {}
            }
        }
        assert_eq!(items, [0, 1, 10, 11, 20, 21]);
        assert_eq!(fetches.get(), 3);
    });
}

#[test]
fn dropping_the_stream_drops_the_fetch() {
    let log = DropLog::default();
    let mut stream = paginate(0, |_: u32| {
        let probe = log.probe("fetch");
        async move {
            let _probe = probe;
            std::future::pending::<Page>().await
        }
    });
    assert_eq!(poll_once(pin!(stream.next())), Poll::Pending);
    assert_eq!(log.live(), 1);
    drop(stream);
    assert_eq!(log.drops(), ["fetch"]);
}

#[test]
fn whole_pages_come_with_the_cursor_of_the_next_one() {
    on_both_runtimes(async || {
        let cursor = |n: u32| Some(format!("page-{n}"));
        let fetch = |at: String| async move {
            Ok::<_, Infallible>(match at.as_str() {
                "page-0" => (vec![1, 2], cursor(1)),
                "page-1" => (vec![], cursor(2)),
                _ => (vec![3], None),
            })
        };
        let pages: Vec<_> = paginate("page-0".to_owned(), fetch).pages().try_collect().await?;
        assert_eq!(pages, [(vec![1, 2], cursor(1)), (vec![], cursor(2)), (vec![3], None)]);

        // Begun as items, the rest is told from the next page on.
        let mut items = paginate("page-0".to_owned(), fetch);
        assert_eq!(items.next().await.transpose()?, Some(1));
        let mut pages = items.pages();
        assert_eq!(pages.next().await.transpose()?, Some((vec![], cursor(2))));
        assert_eq!(pages.next().await.transpose()?, Some((vec![3], None)));
        assert!(pages.next().await.is_none());
        assert!(pages.next().await.is_none());
        Ok::<_, Infallible>(())
    });
}

#[test]
fn page_that_is_being_fetched_goes_on_when_the_rest_is_taken_as_pages() {
    on_both_runtimes(async || {
        let fetches = Cell::new(0);
        let mut items = paginate(0, |n| {
            fetches.set(fetches.get() + 1);
            async move {
                yield_now().await;
                rows(n, 2)
            }
        });
        assert!(items.next().now_or_never().is_none());
        let pages: Vec<_> = items.pages().try_collect().await.expect("no error");
        assert_eq!(pages, [(vec![0, 1], Some(1)), (vec![10, 11], None)]);
        assert_eq!(fetches.get(), 2);
    });
}

#[test]
fn fetch_that_panics_ends_the_stream() {
    let mut stream = paginate(0, |_: u32| async { panic!("the fetch") as Page });
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(pin!(stream.next())))).is_err());
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(None));
}
