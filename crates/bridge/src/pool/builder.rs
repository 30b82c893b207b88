//! The description of a pool.

use std::{sync::Arc, thread};

use super::{BlockingPool, BuildError, LastHandle, shared::Shared, worker};

/// How many calls wait for a thread unless the builder is told otherwise.
const QUEUE: usize = 64;

/// Describes a [`BlockingPool`]; made by [`BlockingPool::builder`].
#[derive(Debug, Clone)]
#[must_use = "a description starts no thread: `build` it"]
pub struct Builder {
    name: String,
    threads: Option<usize>,
    queue: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self { name: "blocking".to_owned(), threads: None, queue: QUEUE }
    }
}

impl Builder {
    /// Names the pool in reports, and its threads `name-0`, `name-1` and so on. By default "blocking".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many calls run at once. By default as many as [`available_parallelism`](thread::available_parallelism) says, which fits
    /// compute; for a resource, its own limit fits, such as the number of connections.
    #[doc(alias = "max_workers")]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many calls wait for a thread, each with its closure in memory; by default 64. Callers beyond that wait for a place.
    /// With zero, a call is accepted only when a thread is free for it.
    #[doc(alias = "capacity")]
    #[doc(alias = "backlog")]
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the pool has no threads, if its name holds a NUL, or if the system refuses to start one.
    pub fn build(self) -> Result<BlockingPool, BuildError> {
        let threads = match self.threads {
            Some(threads) => threads,
            None => thread::available_parallelism().map_or(1, usize::from),
        };
        if threads == 0 {
            return Err(BuildError::NoThreads);
        }
        if self.name.contains('\0') {
            return Err(BuildError::Name);
        }
        let shared = Arc::new(Shared::new(self.name.as_str().into(), threads, self.queue));
        // On an early return the handle is dropped: it closes the pool, and the threads that run already end.
        let pool = BlockingPool { handle: Arc::new(LastHandle { shared: shared.clone() }) };
        for index in 0..threads {
            let shared = shared.clone();
            thread::Builder::new()
                .name(format!("{}-{index}", self.name))
                .spawn(move || worker::work(&shared))
                .map_err(BuildError::Spawn)?;
        }
        Ok(pool)
    }
}
