//! `cargo xtask bench`: every benchmark of the workspace, in the profile `bench`.

use crate::{
    command::cargo,
    outcome::{Outcome, Result},
    workspace::Workspace,
};

/// The package whose programs are benchmarks too: side by side with the peers.
const PACKAGE: &str = "bowline-benches";

pub(crate) fn run(arguments: &[String]) -> Result {
    let workspace = Workspace::load()?;
    let benches = workspace
        .targets("bench")
        .map(|(package, bench)| cargo(&["bench", "-p", &package.name, "--bench", &bench.name]));
    let programs = workspace
        .targets("bin")
        .filter(|(package, _)| package.name == PACKAGE)
        .map(|(package, program)| cargo(&["run", "--profile", "bench", "-p", &package.name, "--bin", &program.name]));
    let commands: Vec<_> = benches.chain(programs).collect();
    if commands.is_empty() {
        return Ok(Outcome::Skipped(format!("there are no benchmarks yet; they will be in the package {PACKAGE}")));
    }
    for command in commands {
        let command = if arguments.is_empty() { command } else { command.args(&["--"]).args(arguments) };
        command.run()?;
    }
    Ok(Outcome::Passed)
}
