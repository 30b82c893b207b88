//! What the tests share.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use bowline_concurrency::{Scope, scope};
use bowline_streams::{Emitter, TryGenerate, try_generate};
use tokio::{sync::oneshot, task::yield_now};

/// Runs `body` in a scope and gives back the failures that its observer heard of.
pub(crate) async fn heard(body: impl AsyncFnOnce()) -> Vec<String> {
    let list = Arc::new(Mutex::new(Vec::new()));
    let sink = list.clone();
    scope(async move |_| {
        Scope::current()
            .observe_failures(move |failure| sink.lock().expect("no panic under the lock").push(failure.to_string()));
        body().await;
    })
    .await;
    list.lock().expect("no panic under the lock").clone()
}

/// How many sessions were opened, and how many closed to the end of their farewell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<[AtomicUsize; 2]>);

impl Sessions {
    pub(crate) async fn open(&self) {
        self.0[0].fetch_add(1, SeqCst);
        yield_now().await;
    }

    pub(crate) async fn close(&self) {
        yield_now().await;
        yield_now().await;
        self.0[1].fetch_add(1, SeqCst);
    }

    pub(crate) fn opened(&self) -> usize {
        self.0[0].load(SeqCst)
    }

    pub(crate) fn closed(&self) -> usize {
        self.0[1].load(SeqCst)
    }
}

/// A generator whose body ends when the third value is dropped, and its emitter: what a body would hand to others.
pub(crate) fn open_generator<T: Send + 'static>() -> (TryGenerate<T, &'static str>, Emitter<T>, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel();
    let mut emitter = None;
    let stream = try_generate(|out| {
        emitter = Some(out);
        async move {
            drop(ended.await);
            Ok(())
        }
    });
    (stream, emitter.expect("the closure has run"), end)
}
