//! Runtimes: there is only one scheduler in a model, so a runtime is no more than a way to block on a future.

use std::{io, time::Duration};

pub use shuttle_tokio::runtime::TryCurrentError;

use crate::task::{JoinHandle, spawn, spawn_blocking};

/// Stands for the running runtime; everything in a model runs in it.
#[derive(Clone, Debug)]
pub struct Handle(());

impl Handle {
    /// The running runtime.
    pub fn current() -> Self {
        Handle(())
    }

    /// The running runtime.
    ///
    /// # Errors
    ///
    /// None; the type is Tokio's.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Ok(Handle(()))
    }

    /// Spawns a task.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        spawn(future)
    }

    /// Runs a function as a task.
    pub fn spawn_blocking<F, T>(&self, function: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_blocking(function)
    }

    /// Runs a future to its end.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        shuttle::future::block_on(future)
    }
}

/// Stands for a runtime; shutting it down cuts nothing short.
#[derive(Debug)]
pub struct Runtime(());

impl Runtime {
    /// Runs a future to its end.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        shuttle::future::block_on(future)
    }

    /// Does nothing: what still runs goes on.
    pub fn shutdown_background(self) {}

    /// Does nothing: what still runs goes on.
    pub fn shutdown_timeout(self, _limit: Duration) {}
}

/// Builds a [`Runtime`]; all settings come to the same.
#[derive(Debug)]
pub struct Builder(());

impl Builder {
    /// A runtime like any other.
    pub fn new_multi_thread() -> Self {
        Builder(())
    }

    /// A runtime like any other.
    pub fn new_current_thread() -> Self {
        Builder(())
    }

    /// Has no meaning here.
    pub fn enable_all(&mut self) -> &mut Self {
        self
    }

    /// Never fails.
    ///
    /// # Errors
    ///
    /// None; the type is Tokio's.
    pub fn build(&mut self) -> io::Result<Runtime> {
        Ok(Runtime(()))
    }
}
