//! Which public types are `Send`, `Sync` and `Unpin`: a change here breaks users.

use std::marker::PhantomPinned;

use bowline_concurrency::{
    AsCompleted, AsItIs, BackgroundTask, BackgroundTasks, Cancelled, Completed, Deadline, Elapsed, Enclosed, Errors,
    Failure, FirstOk, Gather, GatherWithin, HandedOff, Hold, InTaskChild, InTaskGroup, InTaskNamed, InTaskScope,
    Interrupted, LiveTask, Mask, Named, NextCompleted, NoQuorum, NoneOk, PolicyGroup, PolicyNamed, Quorum, Race, Ready,
    Reason, RunError, Scope, ScopeError, ScopedFuture, Settled, Shield, ShutdownReport, ShutdownRequested, SpawnError,
    Spawner, Start, StartError, Task, TaskGroup, Timeout, TryInTaskScope, Until,
};

use bowline_concurrency::{
    GaveUp, Overlap, Periodic, PeriodicCounts, PeriodicTask, Restart, SupervisedTask, TaskFailed, TaskSlot, Vacated,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn unwind_safe_enough<T: 'static>() {}

type Future = std::future::Pending<()>;
type Trying = std::future::Pending<Result<u8, u8>>;
/// Whatever is inside: it is never pinned there.
type Pinned = std::future::Ready<PhantomPinned>;

#[test]
fn auto_traits_of_background_tasks() {
    send::<(GaveUp, Overlap, Periodic, PeriodicCounts, PeriodicTask, Restart)>();
    sync::<(GaveUp, Overlap, Periodic, PeriodicCounts, PeriodicTask, Restart)>();
    send::<(SupervisedTask<u8>, TaskFailed, TaskSlot<'static>, Vacated)>();
    sync::<(SupervisedTask<u8>, TaskFailed, TaskSlot<'static>, Vacated)>();
    unpin::<(SupervisedTask<u8>, Vacated)>();
}

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
    send::<(Enclosed<'static, Future>, HandedOff<Future>, Mask<Future>, TaskGroup<u8>, Timeout<Future>)>();
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
    send::<(Completed<u8, u8>, Gather<Future, (), AsItIs>, GatherWithin<Future, (), AsItIs>, Race<Future, ()>)>();
    send::<(AsCompleted<Future, Future>, FirstOk<Trying, u8, u8>, Quorum<Trying, u8, u8>, NoneOk<u8>, NoQuorum<u8, u8>)>(
    );
    sync::<(Completed<u8, u8>, NoneOk<u8>, NoQuorum<u8, u8>)>();
    unpin::<(Completed<PhantomPinned, PhantomPinned>, NextCompleted<'static, PhantomPinned, PhantomPinned>)>();
    unpin::<(Gather<Pinned, (), AsItIs>, Race<Pinned, ()>)>();
    unwind_safe_enough::<(Scope, Spawner<u8>, Hold)>();
}
