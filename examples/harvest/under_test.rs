//! The program once more, as a binary: Cargo builds those for the tests and tells them where they are; it does neither for examples.

use std::process::ExitCode;

fn main() -> ExitCode {
    harvest::program::main()
}
