//! How is a paginated JSON API copied into a database?
//!
//! Run: `cargo run --release --example harvest`

use std::error::Error;

use harvest::server::{Api, Options, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let api = Api::new(Options::default());
    let client = async {
        let page = reqwest::get(format!("http://{address}/page?page=1")).await?;
        println!("{} {}", page.status(), page.text().await?.len());
        Ok::<_, reqwest::Error>(())
    };
    tokio::select! {
        served = serve(listener, api.clone(), std::future::pending()) => served?,
        fetched = client => fetched?,
    }
    println!("{:?}", api.counts());
    Ok(())
}
