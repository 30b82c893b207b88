//! A network that can die.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::yield_now,
};

use super::WORKS;

/// Between a client and a server. It goes with its runtime.
pub(super) struct Proxy {
    address: SocketAddr,
    /// How often the network has died.
    deaths: watch::Sender<u32>,
    /// One more for each connection that is alive.
    alive: Arc<()>,
}

impl Proxy {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect(WORKS);
        let address = listener.local_addr().expect(WORKS);
        let (deaths, died) = watch::channel(0);
        let alive = Arc::new(());
        let passing = alive.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut died = died.clone();
                died.mark_unchanged();
                let passes = passing.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect(WORKS);
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        // Neither closed nor read: as a cable that is cut.
                        _ = died.changed() => {
                            drop(passes);
                            std::future::pending().await
                        }
                    }
                });
            }
        });
        Proxy { address, deaths, alive }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Nothing passes any more on the connections there are. New ones work.
    pub(super) async fn die(&self) {
        self.deaths.send_modify(|deaths| *deaths += 1);
        while Arc::strong_count(&self.alive) > 2 {
            yield_now().await;
        }
    }
}
