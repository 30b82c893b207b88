//! `cargo xtask demo`: the main job, `examples/harvest`.

use crate::{
    command::{Cmd, cargo},
    outcome::{Outcome, Result},
};

/// Becomes the main job, so that Ctrl-C and the exit code are its own.
pub(crate) fn run(arguments: &[String]) -> Result {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let command = if arguments.is_empty() { harvest() } else { harvest().args(&["--"]).args(arguments) };
    command.replace()?;
    Ok(Outcome::Passed)
}

/// The step of `ci`: the default mode, server and all.
pub(crate) fn step() -> Result {
    harvest().run()?;
    Ok(Outcome::Passed)
}

/// As the README gives it.
fn harvest() -> Cmd {
    cargo(&["run", "--release", "--example", "harvest"])
}
