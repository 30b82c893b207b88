//! Auto traits, pinned: a field added later must not take them away unseen.

use std::{cell::Cell, marker::PhantomPinned, rc::Rc};

use bowline_streams::{Closed, Emit, Emitter, Pages, Paginate, TryGenerate, paginate, try_generate};
use bowline_testing::{assert_send, assert_send_value, assert_sync, assert_unpin, on_multi_thread};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};

type Fetch = BoxFuture<'static, Result<(Vec<Cell<u8>>, Option<Cell<u8>>), ()>>;

#[test]
fn generators_are_send_and_unpin_for_any_item() {
    assert_send::<TryGenerate<Cell<u8>, Cell<u8>>>();
    // Neither the stream nor an emit pins its items.
    assert_unpin::<TryGenerate<PhantomPinned, PhantomPinned>>();
    assert_unpin::<Emit<'_, PhantomPinned>>();
    assert_unpin::<Emitter<PhantomPinned>>();
}

#[test]
fn emitters_are_shared_between_threads_when_items_may_move_between_them() {
    assert_send::<Emitter<Cell<u8>>>();
    assert_sync::<Emitter<Cell<u8>>>();
    assert_send::<Emit<'_, Cell<u8>>>();
    assert_send::<Closed>();
    assert_sync::<Closed>();
}

#[test]
fn pages_have_the_traits_of_their_fetch_and_are_unpin() {
    assert_send::<Paginate<Cell<u8>, fn(Cell<u8>) -> Fetch, Fetch, Vec<Cell<u8>>>>();
    assert_unpin::<Paginate<Rc<u8>, fn(), PhantomPinned, Vec<PhantomPinned>>>();
    assert_unpin::<Pages<PhantomPinned, PhantomPinned, PhantomPinned>>();
}

#[test]
fn plain_next_in_a_spawned_task_that_borrows() {
    on_multi_thread(async || {
        let sum =
            tokio::spawn(async {
                let step = 3_u32;
                let step = &step; // Across the awaits of the task.
                let mut sum = 0;
                let mut numbers = try_generate(async |out| {
                    for n in 0..4 {
                        out.emit(n).await?;
                    }
                    Ok::<_, std::io::Error>(())
                });
                while let Some(n) = numbers.next().await {
                    sum += n? * step;
                }
                numbers.aclose().await?;
                // The fetch of `paginate` borrows from the task: it never leaves it.
                let mut pages = paginate(0, |page| async move {
                    Ok::<_, std::io::Error>((vec![*step], (page < 2).then_some(page + 1)))
                });
                while let Some(n) = pages.next().await {
                    sum += n?;
                }
                Ok::<_, std::io::Error>(sum)
            });
        assert_eq!(sum.await??, 27);
        Ok::<_, Box<dyn std::error::Error>>(())
    });
}

#[test]
fn futures_of_the_streams_are_send() {
    let mut stream = try_generate(async |out| Ok::<_, Closed>(out.emit(1).await?));
    assert_send_value(&stream.next());
    assert_send_value(&stream.aclose());
    assert_send_value(&paginate(0, |_| async { Ok::<(Vec<u8>, _), ()>((vec![], None)) }).try_collect::<Vec<_>>());
    // What is not `Send` may still be paged through.
    let local = Rc::new(1);
    let rows = paginate((), |()| async { Ok::<_, ()>((vec![local.clone()], None)) }).try_collect::<Vec<_>>();
    assert_eq!(rows.now_or_never(), Some(Ok(vec![Rc::new(1)])));
}
