//! `cargo xtask shuttle`: whole programs on the scope tree, each in many random interleavings.
//!
//! They live in a workspace of their own, `shuttle/`, which compiles the files of `crates/concurrency` as they are, against
//! stand-ins for `std` and `tokio`. Not a step of `ci`: what the stand-ins need takes minutes to build, and an answer that
//! depends on a seed belongs at a desk, where it can be asked again.

use crate::{
    command::{cargo, shown},
    outcome::{Outcome, Result},
    workspace::{SHUTTLE, Workspace},
};

pub(crate) fn run(arguments: &[String]) -> Result {
    let target = shown(&Workspace::load()?.target.join("shuttle"));
    cargo(&["run", "--release", "--manifest-path", SHUTTLE, "--target-dir", &target, "-p", "bowline-shuttle-models"])
        .args(&["--"])
        .args(arguments)
        .run()?;
    Ok(Outcome::Passed)
}
