//! How is a paginated JSON API copied into a database, politely, in parallel, and so that it survives anything?
//!
//! Run: `cargo run --release --example harvest`, and with `-- --help` for what it can do.
//!
//! Without options it serves an API of its own, copies it twice, and checks its figures against those of the server.

use std::process::ExitCode;

fn main() -> ExitCode {
    harvest::program::main()
}
