//! How does one ask several, and take the first good answer?
//!
//! With a policy: the first success cancels the others, and they are gone when the scope returns. If there is none, all errors are there.
//!
//! Run: `cargo run -p bowline-concurrency --example first_success_scope`
//!
//! Expected output:
//! ```text
//! mirror 3 has been left
//! the page of mirror 2
//! mirror 7: down (and 1 other failure)
//! ```

use bowline_concurrency::{FirstSuccess, NoSuccess, policy_scope};

/// A local of a fetch that is dropped when somebody else was faster.
struct Connection(u32);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("mirror {} has been left", self.0);
    }
}

async fn fetch(mirror: u32) -> Result<String, &'static str> {
    match mirror {
        2 => Ok("the page of mirror 2".to_owned()),
        3 => {
            let _connection = Connection(mirror);
            std::future::pending().await
        }
        _ => Err("down"),
    }
}

async fn first_of(mirrors: &[u32]) -> Result<String, NoSuccess<&'static str>> {
    policy_scope(FirstSuccess::new(), async |group| {
        for &mirror in mirrors {
            group.named(format!("mirror {mirror}")).spawn(fetch(mirror));
        }
    })
    .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for mirrors in [[1, 3, 2].as_slice(), &[7, 8]] {
        match first_of(mirrors).await {
            Ok(page) => println!("{page}"),
            Err(error) => println!("{error}"),
        }
    }
}
