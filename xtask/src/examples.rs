//! `cargo xtask examples`: builds and runs every example of every package.
//!
//! An example that says `//! Expected output:` above a fenced block is held to it. In the block, `…` stands for anything.

use std::{collections::BTreeMap, env, fs, time::Duration};

use crate::{
    command::{Cmd, cargo, shown},
    example_output,
    outcome::{Error, Outcome, Result},
    workspace::{EVERYTHING, Workspace},
};

/// Far above the two seconds that an example should take, and far below a reader's patience.
const LIMIT: Duration = Duration::from_secs(30);

/// The main job takes minutes, not seconds, and wants a release build: `demo` runs it.
const MAIN_JOB: &str = "harvest";

pub(crate) fn run(_: &[String]) -> Result {
    let workspace = Workspace::load()?;
    let examples: BTreeMap<_, _> = workspace
        .targets("example")
        .filter(|(_, example)| example.name != MAIN_JOB)
        .map(|(_, example)| (&example.name, &example.path))
        .collect();
    if examples.is_empty() {
        return Ok(Outcome::Skipped("there are no examples yet".to_owned()));
    }
    cargo(&["build", "--examples"]).args(EVERYTHING).run()?;

    let mut failed = Vec::new();
    for (name, source) in &examples {
        let program = workspace.target.join(format!("debug/examples/{name}{}", env::consts::EXE_SUFFIX));
        let transcript = Cmd::new(program.clone(), &shown(&program)).within(LIMIT)?;
        let text = fs::read_to_string(source).map_err(|error| format!("cannot read {}: {error}", source.display()))?;
        let failure = transcript.failure.or_else(|| example_output::check(&text, &transcript.lines).err());
        if let Some(failure) = failure {
            println!("{}\n{failure}", transcript.lines.join("\n"));
            failed.push(name.as_str());
        }
    }
    println!("{} of {} examples did what they say", examples.len() - failed.len(), examples.len());
    if failed.is_empty() {
        Ok(Outcome::Passed)
    } else {
        Err(Error::Failed(format!("examples failed: {}", failed.join(", "))))
    }
}
