//! Signals that a model raises itself.

/// The signals of Unix.
pub mod unix {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError, Weak},
        task::{Context, Poll, Waker},
    };

    /// Who listens. The lock is a real one: it is never held where another task could run.
    static LISTENERS: Mutex<Vec<Weak<Mutex<Listener>>>> = Mutex::new(Vec::new());

    #[derive(Debug)]
    struct Listener {
        kind: SignalKind,
        pending: bool,
        waker: Option<Waker>,
    }

    /// Which signal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SignalKind(u8);

    impl SignalKind {
        /// Ctrl-C.
        pub fn interrupt() -> Self {
            SignalKind(2)
        }

        /// What a service manager sends.
        pub fn terminate() -> Self {
            SignalKind(15)
        }
    }

    /// Listens for a signal.
    ///
    /// # Errors
    ///
    /// None; the type is Tokio's.
    pub fn signal(kind: SignalKind) -> io::Result<Signal> {
        let listener = Arc::new(Mutex::new(Listener { kind, pending: false, waker: None }));
        let mut listeners = lock(&LISTENERS);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        Ok(Signal { listener })
    }

    /// Raises a signal: everybody who listens for it hears it once.
    pub fn raise(kind: SignalKind) {
        let listeners: Vec<_> = lock(&LISTENERS).iter().filter_map(Weak::upgrade).collect();
        let mut wakers = Vec::new();
        for listener in listeners {
            let mut listener = lock(&listener);
            if listener.kind == kind {
                listener.pending = true;
                wakers.extend(listener.waker.take());
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What [`signal`] gives.
    #[derive(Debug)]
    pub struct Signal {
        listener: Arc<Mutex<Listener>>,
    }

    impl Signal {
        /// Ready once for each signal that was raised since the last time.
        pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
            let waker = Some(cx.waker().clone());
            let old = {
                let mut listener = lock(&self.listener);
                if std::mem::take(&mut listener.pending) {
                    return Poll::Ready(Some(()));
                }
                std::mem::replace(&mut listener.waker, waker)
            };
            drop(old);
            Poll::Pending
        }
    }

    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
