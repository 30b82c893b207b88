//! One connection per host for all who need it: what if they come and go, and the first of them gives up while it connects?
//!
//! The next one has the connection. It is closed when nobody has used it for a while. And a configuration is replaced while it is in use.
//!
//! Run: `cargo run -p bowline-resources --example shared`
//!
//! Expected output:
//!
//! ```text
//! [a] connecting
//! impatient: given up
//! [a] GET /1
//! [a] GET /2
//! [b] connecting
//! [b] GET /3
//! after 5 s: 2 hosts
//! [a] GET /4
//! [b] closed
//! after 12 s: 1 host
//! [a] closed
//! in the end: 0 hosts
//! version 1 loaded
//! version 2 loaded
//! a user still has version 1, new ones get version 2
//! version 1 gone
//! version 2 gone
//! ```

use std::{error::Error, io, time::Duration};

use bowline_concurrency::{move_on_after, root_scope};
use bowline_resources::{Exit, KeyedShared, Resource, Swap, resource};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

struct Connect(String);

/// Many may use it at once.
struct Connection {
    host: String,
}

impl Connection {
    async fn get(&self, path: &str) {
        sleep(SECOND / 10).await; // the network
        println!("[{}] GET {path}", self.host);
    }
}

impl Resource for Connect {
    type Value = Connection;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<Connection> {
        println!("[{}] connecting", self.0);
        sleep(SECOND).await;
        Ok(Connection { host: self.0.clone() })
    }

    async fn release(&mut self, connection: Connection, _: Exit) -> io::Result<()> {
        sleep(SECOND / 10).await;
        println!("[{}] closed", connection.host);
        Ok(())
    }
}

fn config(version: u32) -> impl Resource<Value = u32, Error = io::Error> {
    let load = async move || Ok(version).inspect(|_| println!("version {version} loaded"));
    resource(load, async |version, _: Exit| {
        println!("version {version} gone");
        Ok(())
    })
}

async fn connections() -> Result<(), Box<dyn Error + Send + Sync>> {
    let connections = KeyedShared::new(|host: &String| Connect(host.clone())).idle_for(10 * SECOND);
    let fetch = async |host: &str, path: &str| -> Result<(), Box<dyn Error + Send + Sync>> {
        let connection = connections.get(host.to_owned()).await?;
        connection.get(path).await;
        Ok(())
    };
    let hosts = || format!("{} host{}", connections.len(), if connections.len() == 1 { "" } else { "s" });

    let impatient = async {
        if move_on_after(SECOND / 2, connections.get("a".to_owned())).await.is_none() {
            println!("impatient: given up");
        }
        Ok(())
    };
    let patient = async { fetch("a", "/1").await };
    let ((), ()) = tokio::try_join!(impatient, patient)?;
    fetch("a", "/2").await?;
    fetch("b", "/3").await?;
    sleep(5 * SECOND).await;
    println!("after 5 s: {}", hosts());
    fetch("a", "/4").await?; // The time of `a` begins anew.
    sleep(7 * SECOND).await;
    println!("after 12 s: {}", hosts());
    connections.close().await?;
    println!("in the end: {}", hosts());
    Ok(())
}

async fn configuration() -> Result<(), Box<dyn Error + Send + Sync>> {
    let current = Swap::new(config(1)).await?;
    let user = current.get()?;
    let (swapped, _) = tokio::join!(current.swap(config(2)), async {
        sleep(SECOND).await;
        let newcomer = current.get();
        println!("a user still has version {}, new ones get version {}", *user, newcomer.as_deref().unwrap_or(&0));
        drop(user); // Now the old one can go, and the swap ends.
    });
    swapped?;
    current.close().await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    root_scope(async {
        connections().await?;
        configuration().await
    })
    .await?
}
