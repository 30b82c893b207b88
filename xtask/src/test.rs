//! `cargo xtask test`: unit and integration tests, then documentation tests.

use crate::{
    command::{Cmd, cargo, find},
    outcome::{Outcome, Result},
    tally::Tally,
    workspace::EVERYTHING,
};

pub(crate) fn run(arguments: &[String]) -> Result {
    let mut tally = Tally::default();
    let outcome =
        binaries(arguments, &mut tally).and_then(|_| documentation(arguments, &mut tally));
    for line in tally.closing_lines() {
        println!("{line}");
    }
    outcome
}

/// The unit and integration tests: with nextest where it is found, else with `cargo test`, which finds the same failures later.
pub(crate) fn binaries(arguments: &[String], tally: &mut Tally) -> Result {
    let runner = if find("cargo-nextest").is_some() {
        cargo(&["nextest", "run"])
    } else {
        println!("cargo-nextest is not here: `cargo test` runs the same tests");
        cargo(&["test", "--tests", "--no-fail-fast"])
    };
    count(runner, arguments, tally)
}

/// The examples of the documentation, which nextest cannot run.
pub(crate) fn documentation(arguments: &[String], tally: &mut Tally) -> Result {
    count(
        cargo(&["test", "--doc", "--no-fail-fast"]),
        arguments,
        tally,
    )
}

fn count(runner: Cmd, arguments: &[String], tally: &mut Tally) -> Result {
    let chosen = arguments
        .iter()
        .any(|argument| argument == "-p" || argument.starts_with("--package"));
    let runner = if chosen {
        runner
    } else {
        runner.args(EVERYTHING)
    };
    let transcript = runner.args(arguments).listen()?;
    tally.add(&transcript.lines);
    transcript
        .failure
        .map_or(Ok(Outcome::Passed), |failure| Err(failure.into()))
}
