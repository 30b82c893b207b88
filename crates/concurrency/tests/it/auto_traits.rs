//! Which public types are `Send`, `Sync` and `Unpin`: a change here breaks users.

use std::marker::PhantomPinned;

use bowline_concurrency::{
    BackgroundTask, BackgroundTasks, Cancelled, Deadline, Elapsed, Errors, Failure, Hold, InTaskChild, InTaskGroup,
    InTaskNamed, InTaskScope, Interrupted, LiveTask, Named, PolicyGroup, PolicyNamed, Ready, Reason, RunError, Scope,
    ScopeError, ScopedFuture, Settled, Shield, ShutdownReport, ShutdownRequested, SpawnError, Spawner, Start,
    StartError, Task, TaskGroup, Timeout, TryInTaskScope, Until,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn unwind_safe_enough<T: 'static>() {}

type Future = std::future::Pending<()>;

#[test]
fn auto_traits() {
    send::<(BackgroundTask<u8>, BackgroundTasks, Cancelled, Deadline, Elapsed, Errors<u8>, Failure, Hold)>();
    send::<(Interrupted, LiveTask, Named<'static, u8>, Reason, RunError, Scope, ScopeError<u8>, ScopedFuture<Future>)>(
    );
    send::<(Settled, Shield<u8>, ShutdownReport, ShutdownRequested, SpawnError<u8>, Spawner<u8>, Task<'static, u8>)>();
    send::<(TaskGroup<u8>, Timeout<Future>)>();
    send::<(InTaskChild<'static, u8>, InTaskGroup<'static, u8>, InTaskNamed<'static, 'static, u8>)>();
    send::<(InTaskScope<'static, Future>, TryInTaskScope<'static, Future, u8, u8>)>();
    send::<(Ready<u8>, Start<'static, u8, u8, u8>, StartError<u8, u8>)>();
    sync::<(Ready<std::cell::Cell<u8>>, Start<'static, std::cell::Cell<u8>, std::cell::Cell<u8>, std::cell::Cell<u8>>)>(
    );
    unpin::<Start<'static, PhantomPinned, PhantomPinned, PhantomPinned>>();
    send::<(PolicyGroup<Until<u8, fn(&u8) -> bool>>, PolicyNamed<'static, Until<u8, fn(&u8) -> bool>>)>();
    // Shared by reference across threads whatever their outcomes are.
    sync::<PolicyGroup<Until<std::cell::Cell<u8>, fn(&std::cell::Cell<u8>) -> bool>>>();
    sync::<(BackgroundTask<u8>, BackgroundTasks, Deadline, Elapsed, Errors<u8>, Hold, Reason, RunError, Scope)>();
    // Groups are shared by reference across threads whatever their error is.
    sync::<(InTaskGroup<'static, std::cell::Cell<u8>>, InTaskChild<'static, std::cell::Cell<u8>>)>();
    sync::<(Spawner<std::cell::Cell<u8>>, TaskGroup<std::cell::Cell<u8>>, Task<'static, u8>)>();
    unpin::<(BackgroundTask<u8>, Cancelled, Settled, ShutdownRequested)>();
    unpin::<(InTaskChild<'static, PhantomPinned>, Shield<PhantomPinned>, Task<'static, PhantomPinned>)>();
    unwind_safe_enough::<(Scope, Spawner<u8>, Hold)>();
}
