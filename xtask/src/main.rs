//! `cargo xtask`: the one entry point for everything that is done to the workspace as a whole.
//!
//! This file only finds the command; each command is a small file of its own.

#![forbid(unsafe_code)]

mod bench;
mod breaks;
mod ci;
mod command;
mod demo;
mod doc;
mod example_output;
mod examples;
mod features;
mod fix;
mod json;
mod lint;
mod loom;
mod outcome;
mod real_input;
mod shuttle;
mod tally;
mod test;
mod tidy;
mod workspace;

use std::{env, process::ExitCode};

use outcome::{Error, Outcome, Result};

/// Name, purpose, whether `ci` runs it, and the command itself.
type Command = (&'static str, &'static str, bool, fn(&[String]) -> Result);

const COMMANDS: &[Command] = &[
    ("ci", "runs every check and ends with a table [--only STEP] [--keep-going]", false, ci::run),
    ("test", "runs unit, integration and documentation tests; arguments go to both runners", true, test::run),
    ("lint", "checks the format (rustfmt), the code (clippy) and the spelling (typos)", true, lint::run),
    ("tidy", "checks the rules of this workspace that no other tool knows", true, tidy::run),
    ("doc", "builds the library documentation and its index page [--open]", true, doc::run),
    ("examples", "builds and runs every example; `harvest` is the business of `demo`", true, examples::run),
    ("loom", "runs the model checks of every crate that has them", true, loom::run),
    (
        "shuttle",
        "runs whole programs in random interleavings [--iterations N] [--seed N] [--model NAME]",
        false,
        shuttle::run,
    ),
    ("demo", "runs the main job, `examples/harvest`; arguments go to it", true, demo::run),
    ("bench", "compares the crates with their peers, or one [CRATE] [--filter TEXT]", false, bench::run),
    (
        "breaks",
        "breaks the libraries on purpose, to see tests fail; minutes, so not in `ci` [crate] [--only BREAK]",
        false,
        breaks::run,
    ),
    ("fix", "formats, applies clippy's suggestions, renews the generated parts of the READMEs", false, fix::run),
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "--help".to_owned());
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some((.., run)) = COMMANDS.iter().find(|command| command.0 == name) else {
        eprint!("error: there is no command `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match run(&arguments.collect::<Vec<_>>()) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Skipped(why)) => {
            println!("skipped: {why}");
            ExitCode::SUCCESS
        }
        Err(Error::Usage(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
        Err(Error::Failed(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
        Err(Error::Told) => ExitCode::FAILURE,
    }
}

fn help() -> String {
    let mut help = String::from("Usage: cargo xtask <command> [arguments]\n\n");
    for (name, purpose, in_ci, _) in COMMANDS {
        let mark = if *in_ci { '*' } else { ' ' };
        help += &format!("{mark} {name:<9} {purpose}\n");
    }
    help + "\n* is part of `ci`. Every command that is run is printed first, to be pasted in the workspace folder.\n"
}
