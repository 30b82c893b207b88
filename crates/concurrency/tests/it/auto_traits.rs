//! Which public types are `Send`, `Sync` and `Unpin`: a change here breaks users.

use std::marker::PhantomPinned;

use bowline_concurrency::{
    BackgroundTask, BackgroundTasks, Cancelled, Deadline, Elapsed, Errors, Failure, Hold, InTaskChild, InTaskGroup,
    InTaskNamed, InTaskScope, Interrupted, LiveTask, Named, Reason, RunError, Scope, ScopeError, ScopedFuture, Settled,
    Shield, ShutdownReport, ShutdownRequested, SpawnError, Spawner, Task, TaskGroup, Timeout, TryInTaskScope,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn unwind_safe_enough<T: 'static>() {}

type Future = std::future::Pending<()>;

#[test]
fn auto_traits_of_inspection() {
    use bowline_concurrency::{
        Tree,
        inspect::{Hint, Holding, Observing, Resource, TaskInfo, TreeHold, TreeNode, TreeTask, TreeWait, Waiting},
    };
    send::<(Tree, TreeHold, TreeNode, TreeTask, TreeWait, Hint, Holding, Observing, Resource, TaskInfo, Waiting)>();
    sync::<(Tree, TreeHold, TreeNode, TreeTask, TreeWait, Hint, Holding, Observing, Resource, TaskInfo)>();
    unpin::<(Tree, Holding, Observing, Resource, Waiting)>();
}

#[test]
fn auto_traits() {
    send::<(BackgroundTask<u8>, BackgroundTasks, Cancelled, Deadline, Elapsed, Errors<u8>, Failure, Hold)>();
    send::<(Interrupted, LiveTask, Named<'static, u8>, Reason, RunError, Scope, ScopeError<u8>, ScopedFuture<Future>)>(
    );
    send::<(Settled, Shield<u8>, ShutdownReport, ShutdownRequested, SpawnError<u8>, Spawner<u8>, Task<'static, u8>)>();
    send::<(TaskGroup<u8>, Timeout<Future>)>();
    send::<(InTaskChild<'static, u8>, InTaskGroup<'static, u8>, InTaskNamed<'static, 'static, u8>)>();
    send::<(InTaskScope<'static, Future>, TryInTaskScope<'static, Future, u8, u8>)>();
    sync::<(BackgroundTask<u8>, BackgroundTasks, Deadline, Elapsed, Errors<u8>, Hold, Reason, RunError, Scope)>();
    // Groups are shared by reference across threads whatever their error is.
    sync::<(InTaskGroup<'static, std::cell::Cell<u8>>, InTaskChild<'static, std::cell::Cell<u8>>)>();
    sync::<(Spawner<std::cell::Cell<u8>>, TaskGroup<std::cell::Cell<u8>>, Task<'static, u8>)>();
    unpin::<(BackgroundTask<u8>, Cancelled, Settled, ShutdownRequested)>();
    unpin::<(InTaskChild<'static, PhantomPinned>, Shield<PhantomPinned>, Task<'static, PhantomPinned>)>();
    unwind_safe_enough::<(Scope, Spawner<u8>, Hold)>();
}
