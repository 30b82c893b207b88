//! Our own API as a resource: it listens as long as it is used.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use bowline_concurrency::BackgroundTasks;
use bowline_resources::{Exit, Resource};
use tokio::net::TcpListener;

use crate::server::{Api, Options, serve};

/// Where to begin serving what.
#[derive(Debug)]
pub struct OwnApi {
    /// What is served.
    pub options: Options,
    /// The port on loopback; 0 for any.
    pub port: u16,
}

/// The API while it listens.
#[derive(Debug)]
pub struct Listening {
    /// The handle of the API.
    pub api: Api,
    /// Where it listens.
    pub address: SocketAddr,
    tasks: BackgroundTasks,
}

impl Resource for OwnApi {
    type Value = Listening;
    type Error = io::Error;

    async fn acquire(&mut self) -> io::Result<Listening> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        let address = listener.local_addr()?;
        let api = Api::new(self.options.clone());
        let tasks = BackgroundTasks::new();
        let served = tasks.try_spawn("our own API", serve(listener, api.clone(), pending()));
        served.map(drop).map_err(io::Error::other)?;
        Ok(Listening { api, address, tasks })
    }

    async fn release(&mut self, listening: Listening, _: Exit) -> io::Result<()> {
        listening.tasks.shutdown(Duration::ZERO).await;
        Ok(())
    }
}
