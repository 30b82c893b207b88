//! Async generators with awaited cleanup, and pagination, for Tokio.
//!
//! A generator whose consumer stops early still runs the rest of its body, awaits included, and the enclosing scope waits for it.
//!
//! ```
//! use bowline_concurrency::scope;
//! use bowline_streams::try_generate;
//! use futures_util::StreamExt;
//! use std::{io, sync::atomic::{AtomicBool, Ordering}};
//!
//! static CLOSED: AtomicBool = AtomicBool::new(false);
//!
//! async fn close_session() {
//!     tokio::task::yield_now().await;
//!     CLOSED.store(true, Ordering::Relaxed);
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
//! let first = scope(async |_| {
//!     let mut pages = try_generate(async |out| {
//!         let result = async {
//!             for page in 1.. {
//!                 out.emit(page).await?;
//!             }
//!             Ok::<_, io::Error>(())
//!         }
//!         .await;
//!         close_session().await; // The `finally`.
//!         result
//!     });
//!     pages.next().await
//! })
//! .await;
//! assert_eq!(first.transpose()?, Some(1));
//! assert!(CLOSED.load(Ordering::Relaxed)); // Before the scope returned.
//! # Ok(())
//! # }
//! ```
//!
//! # What is here
//!
//! - [`try_generate`]: a stream of an async closure that emits; no macro, no `yield`; [`Emitter`], [`Closed`]
//! - [`paginate`]: the items of a paginated source, one page at a time, on demand; or [`whole pages`](Paginate::pages)
//!
//! # Which one
//!
//! | the source is | use |
//! |---|---|
//! | code with loops, `?`, and something to clean up | [`try_generate`] |
//! | an API with pages and cursors | [`paginate`] |
//! | one state and one step | `futures::stream::unfold` |
//! | values that are there | `futures::stream::iter` |
//!
//! What `futures` and `tokio-stream` do well (`map`, `buffered`, `take`, `merge` and so on) is not repeated here.
//!
//! # Cancel safety
//!
//! The future of `next` may be dropped at any time: items and fetches belong to the stream. Dropping the *stream* ends its source: see
//! [`TryGenerate`] and [`Paginate`]. An [`Emit`] that is dropped, as by `select!`, takes its item back.
//!
//! # Rust version
//!
//! 1.85 is declared, and checked by a lint. There are no features.
#![forbid(unsafe_code)]

mod channel;
mod closed;
mod emitter;
mod generate;
mod paginate;
mod primitive;

pub use closed::Closed;
pub use emitter::{Emit, Emitter};
pub use generate::{TryGenerate, try_generate};
pub use paginate::{Pages, Paginate, paginate};
