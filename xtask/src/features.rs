//! The step `features`: each library builds alone, without features and with each one by itself.
//!
//! Cargo unites the features of all packages that it builds together, so that a workspace build hides a missing one.

use crate::{
    command::cargo,
    outcome::{Outcome, Result},
    workspace::Workspace,
};

pub(crate) fn run() -> Result {
    for library in Workspace::load()?.libraries() {
        // The library target only: tests bring dev-dependencies, which bring features.
        let alone = || cargo(&["check", "--lib", "-p", &library.name]);
        alone().args(&["--no-default-features"]).run()?;
        for feature in &library.features {
            alone().args(&["--no-default-features", "--features", feature]).run()?;
        }
    }
    Ok(Outcome::Passed)
}
