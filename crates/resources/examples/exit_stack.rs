//! As many files as there are names: opened in a loop, written, and closed in the reverse order.
//!
//! Which files there will be is known only at run time, so that nested `with`s cannot be written down. The stack flushes and
//! closes each, and calls back at the end.
//!
//! Run: `cargo run -p bowline-resources --example exit_stack`
//!
//! Expected output:
//!
//! ```text
//! opened ada.txt
//! opened bob.txt
//! opened eve.txt
//! closed eve.txt: 10 bytes
//! closed bob.txt: 10 bytes
//! closed ada.txt: 10 bytes
//! all closed: Completed
//! opened ada.txt
//! closed ada.txt: 0 bytes
//! all closed: Failed
//! no such folder: no/such/folder/x.txt
//! ```

use std::{error::Error, io, path::PathBuf};

use bowline_concurrency::root_scope;
use bowline_resources::{Exit, ExitStack, Resource, exit_stack};
use tokio::{
    fs::{self, File},
    io::AsyncWriteExt,
};

/// A file that is written.
struct Create(PathBuf);

impl Create {
    fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Resource for Create {
    type Value = File;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<File> {
        let file = File::create(&self.0).await?;
        println!("opened {}", self.name());
        Ok(file)
    }

    async fn release(&mut self, mut file: File, _exit: Exit) -> io::Result<()> {
        file.flush().await?; // Awaited: what a destructor cannot do.
        println!("closed {}: {} bytes", self.name(), file.metadata().await?.len());
        Ok(())
    }
}

type AnyError = Box<dyn Error + Send + Sync>;

/// A greeting in each file.
async fn greet(files: &[PathBuf]) -> Result<(), AnyError> {
    exit_stack(async |stack: &mut ExitStack| {
        stack.defer(|exit| println!("all closed: {exit:?}"));
        let mut open = Vec::new();
        for path in files {
            let file = stack.enter(Create(path.clone())).await;
            open.push(file.map_err(|_| format!("no such folder: {}", path.display()))?);
        }
        for file in &mut open {
            file.write_all(b"greetings\n").await?;
        }
        Ok(())
    })
    .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("exit-stack-{}", std::process::id()));
    fs::create_dir_all(&folder).await?;
    root_scope(async {
        greet(&["ada", "bob", "eve"].map(|name| folder.join(name).with_extension("txt"))).await?;
        if let Err(error) = greet(&[folder.join("ada.txt"), "no/such/folder/x.txt".into()]).await {
            println!("{error}");
        }
        Ok::<_, AnyError>(())
    })
    .await?
    .map_err(|error| -> Box<dyn Error> { error })?;
    Ok(fs::remove_dir_all(folder).await?)
}
