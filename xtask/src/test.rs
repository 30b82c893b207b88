//! `cargo xtask test`: unit and integration tests, then documentation tests.

use crate::{
    command::{Cmd, Transcript, cargo, find},
    outcome::{Outcome, Result},
    tally::Tally,
    workspace::EVERYTHING,
};

pub(crate) fn run(arguments: &[String]) -> Result {
    let mut tally = Tally::default();
    let outcome = binaries(arguments, &mut tally).and_then(|_| documentation(arguments, &mut tally));
    for line in tally.closing_lines() {
        println!("{line}");
    }
    outcome
}

/// The unit and integration tests: with nextest where it is found, else with `cargo test`, which runs the same.
pub(crate) fn binaries(arguments: &[String], tally: &mut Tally) -> Result {
    if find("cargo-nextest").is_some() {
        let transcript = chosen(cargo(&["nextest", "run"]), arguments).listen()?;
        tally.add_nextest(&transcript.lines);
        return outcome(transcript);
    }
    println!("cargo-nextest is not here: `cargo test` runs the same tests");
    let transcript = chosen(cargo(&["test", "--tests", "--no-fail-fast"]), arguments).listen()?;
    tally.add_cargo_test(&transcript.lines);
    outcome(transcript)
}

/// The examples of the documentation, which nextest cannot run.
pub(crate) fn documentation(arguments: &[String], tally: &mut Tally) -> Result {
    let transcript = chosen(cargo(&["test", "--doc", "--no-fail-fast"]), arguments).listen()?;
    tally.add_cargo_test(&transcript.lines);
    if transcript.lines.iter().any(|line| line.starts_with("error: no library targets found")) {
        return Ok(Outcome::Skipped("a program has no documentation tests".to_owned()));
    }
    outcome(transcript)
}

/// The packages that the `arguments` choose, or all.
fn chosen(runner: Cmd, arguments: &[String]) -> Cmd {
    let some = arguments.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    if some { runner.args(arguments) } else { runner.args(EVERYTHING).args(arguments) }
}

fn outcome(transcript: Transcript) -> Result {
    transcript.failure.map_or(Ok(Outcome::Passed), |failure| Err(failure.into()))
}
