//! How is a nested subsystem aborted, and when is it gone?
//!
//! `Task::cancel` drops the child of a group with everything that it has opened, and is ready when all of that is gone; its siblings go on.
//! Who has no such handle but a `Spawner` of the nested scope does the same with `cancel_and_wait`.
//!
//! Asked for as #103 and #104 of tokio-graceful-shutdown.
//!
//! Run: `cargo run -p bowline-concurrency --example abort_nested`
//!
//! Expected output:
//! ```text
//! mail: the reader is gone
//! mail: the writer is gone
//! mail was aborted, and had no value: None
//! chat: the reader is gone
//! chat: the writer is gone
//! chat was aborted, and says: cancelled: the user has left
//! ```

use std::{future::pending, time::Duration};

use bowline_concurrency::{ScopeError, Spawner, TaskGroup, scope, try_scope};
use tokio::{sync::oneshot, time::sleep};

struct Part(&'static str);

impl Drop for Part {
    fn drop(&mut self) {
        println!("{} is gone", self.0);
    }
}

async fn serve(part: &'static str) -> Result<(), String> {
    let _part = Part(part);
    pending().await
}

async fn mail() -> Result<(), ScopeError<String>> {
    try_scope(async |group: &TaskGroup<String>| {
        drop(group.try_spawn(serve("mail: the reader")));
        drop(group.try_spawn(serve("mail: the writer")));
        Ok(())
    })
    .await
}

/// Gives a handle of its scope away, by which anybody may end it.
async fn chat(handle: oneshot::Sender<Spawner<String>>) -> Result<(), ScopeError<String>> {
    try_scope(async |group: &TaskGroup<String>| {
        let reader = group.try_spawn(serve("chat: the reader"));
        drop(group.try_spawn(serve("chat: the writer")));
        let _ = handle.send(group.spawner()); // Nobody may be interested.
        reader.await;
        Ok(())
    })
    .await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), oneshot::error::RecvError> {
    scope(async |group| {
        let (give, given) = oneshot::channel();
        let mail = group.spawn(mail());
        let chat = group.spawn(chat(give));
        sleep(Duration::from_secs(1)).await;

        println!("mail was aborted, and had no value: {:?}", mail.cancel().await);

        given.await?.cancel_and_wait("the user has left").await;
        if let Err(error) = chat.await {
            println!("chat was aborted, and says: {error}");
        }
        Ok(())
    })
    .await
}
