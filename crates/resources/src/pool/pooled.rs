//! What a pool needs to know about a resource.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{exit::Exit, from_fns::FromFns, resource::Resource};

/// A [`Resource`] whose values are used again and again; kept in a [`Pool`](crate::Pool).
///
/// The pool clones it once for each value: [`acquire`](Resource::acquire) makes the value, [`release`](Resource::release) ends it and is told why: as
/// [`Exit::Completed`] if its time was over or the pool was closed, as [`Exit::Failed`] if it was unusable, discarded, or could not be reset or
/// checked, else as its last use ended.
///
/// All hooks have defaults: `impl Pooled for Connect {}` is enough where values need neither a reset nor a check. Their time is
/// bounded by [`PoolBuilder::recycle_timeout`](crate::PoolBuilder::recycle_timeout), and [`acquire`](Resource::acquire) by
/// [`PoolBuilder::create_timeout`](crate::PoolBuilder::create_timeout); past it they are dropped half-way.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Pooled, Resource};
/// use std::io;
/// # #[derive(Default)]
/// # struct Session { in_transaction: bool, broken: bool }
/// # impl Session {
/// #     async fn rollback(&mut self) -> io::Result<()> { Ok(()) }
/// #     async fn ping(&mut self) -> io::Result<()> { Ok(()) }
/// # }
///
/// #[derive(Clone)]
/// struct Connect;
///
/// # impl Resource for Connect {
/// #     type Value = Session;
/// #     type Error = io::Error;
/// #     async fn acquire(&mut self) -> io::Result<Session> { Ok(Session::default()) }
/// #     async fn release(&mut self, _: Session, _: Exit) -> io::Result<()> { Ok(()) }
/// # }
/// impl Pooled for Connect {
///     fn is_usable(&self, session: &Session) -> bool {
///         !session.broken
///     }
///     async fn check(&mut self, session: &mut Session) -> io::Result<()> {
///         session.ping().await
///     }
///     async fn reset(&mut self, session: &mut Session, _: &Exit) -> io::Result<()> {
///         if session.in_transaction { session.rollback().await } else { Ok(()) }
///     }
/// }
/// ```
#[doc(alias = "Manager")]
#[doc(alias = "ManageConnection")]
pub trait Pooled: Resource + Clone + Sync {
    /// Whether the value can be used, as far as it can be told at once; `true` by default. Asked when the value comes back and before it is
    /// handed out again. It must not block. If it panics, the value is destroyed.
    fn is_usable(&self, value: &Self::Value) -> bool {
        _ = value;
        true
    }

    /// Whether a value may be used again after a use that ended so. By default after those that were completed or failed: one whose use panicked or was
    /// dropped half-way is in no state that anybody knows, and is destroyed.
    ///
    /// Override it where [`reset`](Pooled::reset) brings back a known state from any other, or where the value can tell.
    fn is_reusable_after(&self, value: &Self::Value, exit: &Exit) -> bool {
        _ = value;
        matches!(exit, Exit::Completed | Exit::Failed)
    }

    /// Cleans the value when it comes back, before anybody else gets it; nothing by default.
    ///
    /// Be ready at once where there is nothing to do: then it costs no task. The default costs next to nothing.
    ///
    /// # Errors
    ///
    /// The value is destroyed.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: it runs to its end although the caller has gone, except past its time-out or the end of the runtime. After that the
    /// value is destroyed.
    fn reset(&mut self, value: &mut Self::Value, exit: &Exit) -> impl Future<Output = Result<(), Self::Error>> + Send {
        _ = (value, exit);
        Nothing::default()
    }

    /// Proves that a value still works which has been idle for longer than [`PoolBuilder::check_after_idle`](crate::PoolBuilder::check_after_idle), before it is handed
    /// out; nothing by default.
    ///
    /// # Errors
    ///
    /// The value is destroyed, and who asked gets another one.
    ///
    /// # Cancel safety
    ///
    /// That of [`reset`](Pooled::reset): a value whose check is finished after its caller has gone goes back into the pool.
    fn check(&mut self, value: &mut Self::Value) -> impl Future<Output = Result<(), Self::Error>> + Send {
        _ = value;
        Nothing::default()
    }
}

/// With the defaults. Closures that can be cloned are called once for each value.
impl<V, E, A, AcquireFuture, R, ReleaseFuture> Pooled for FromFns<A, R>
where
    V: Send + 'static,
    E: fmt::Debug + Send + 'static,
    A: FnOnce() -> AcquireFuture + Clone + Send + Sync + 'static,
    AcquireFuture: Future<Output = Result<V, E>> + Send,
    R: FnOnce(V, Exit) -> ReleaseFuture + Clone + Send + Sync + 'static,
    ReleaseFuture: Future<Output = Result<(), E>> + Send,
{
}

/// What the default hooks return. It has no size.
struct Nothing<E>(PhantomData<fn() -> E>);

impl<E> Default for Nothing<E> {
    fn default() -> Self {
        Nothing(PhantomData)
    }
}

impl<E> Future for Nothing<E> {
    type Output = Result<(), E>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether the future of `reset` holds anything: one without size, as the default's, has no way to the value after the call.
pub(super) fn has_reset<R: Pooled>() -> bool {
    fn has_size<'a, R: Pooled, F: Future>(_: impl Fn(&'a mut R, &'a mut R::Value, &'a Exit) -> F) -> bool {
        size_of::<F>() > 0
    }
    has_size::<R, _>(R::reset)
}
