//! The standard library, with everything that threads meet in replaced by what Shuttle schedules.
//!
//! A package that names this one `std` in its manifest gets it for every `std::…` path, for the prelude and for the macros,
//! without a change in its files. So what is modelled is what is shipped, also after the files have changed; only a path that
//! begins with `core::` or lies in another dependency escapes.
#![forbid(unsafe_code)]

mod once_lock;

pub use ::std::*;
// Named items win over the glob. Each of Shuttle's tasks has thread-locals of its own, as if it were a thread; with the
// ones of the system, all tasks would share the "current node" of the one thread that runs them.
pub use shuttle::thread_local;

/// [`std::hint`](::std::hint), where a spin loop lets others run.
pub mod hint {
    pub use ::std::hint::*;
    pub use shuttle::hint::spin_loop;
}

/// The prelude, which brings the macros of the standard library since Rust 1.94; before, the crate itself did.
pub mod prelude {
    pub use ::std::prelude::*;

    /// The prelude of edition 2024, in which our crates are written.
    pub mod rust_2024 {
        pub use ::std::prelude::rust_2024::*;
        pub use shuttle::thread_local;
    }
}

/// [`std::sync`](::std::sync), where every access is a point at which another task may run.
pub mod sync {
    pub use ::std::sync::*;
    pub use shuttle::sync::{
        Barrier, Condvar, Mutex, MutexGuard, Once, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, mpsc,
    };

    pub use crate::once_lock::OnceLock;
}

/// [`std::thread`](::std::thread), where a thread is one more task of the model.
pub mod thread {
    pub use ::std::thread::*;
    pub use shuttle::thread::{JoinHandle, LocalKey, Thread, ThreadId, current, park, sleep, spawn, yield_now};
}
