//! The deadline that holds here.

use tokio::time::Instant;

use crate::current;

/// The first instant at which a deadline around the running code passes; `None` without one.
///
/// Of nested deadlines the earliest counts. In a scope that is being cancelled it is now. Shielded and handed-off work has its own budget: it sees
/// none of the deadlines around it. For code that passes its deadline on, to a server or to a socket.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{effective_deadline, timeout};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), bowline_concurrency::Elapsed> {
/// assert_eq!(effective_deadline(), None);
/// timeout(Duration::from_secs(5), async {
///     let until = effective_deadline().expect("there is a timeout around");
///     assert!(until <= tokio::time::Instant::now() + Duration::from_secs(5));
/// })
/// .await
/// # }
/// ```
#[doc(alias = "current_effective_deadline")]
pub fn effective_deadline() -> Option<Instant> {
    current::current().effective_deadline(Instant::now())
}
