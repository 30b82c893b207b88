//! `cargo xtask ci`: every check, the cheap ones first, and a table of what came of them.

use std::time::{Duration, Instant};

use crate::{
    demo, doc, examples, features, lint, loom,
    outcome::{Error, Outcome, Result, strict},
    real_input,
    tally::Tally,
    test, tidy,
};

type Step = (&'static str, fn(&mut Tally) -> Result);

const STEPS: &[Step] = &[
    ("fmt", |_| lint::format()),
    ("tidy", |_| tidy::run(&[])),
    ("typos", |_| lint::spelling()),
    ("clippy", |_| lint::clippy()),
    ("test", |tally| test::binaries(&[], tally)),
    ("doctest", |tally| test::documentation(&[], tally)),
    ("doc", |_| doc::run(&[])),
    ("features", |_| features::run()),
    ("loom", |_| loom::run(&[])),
    ("examples", |_| examples::run(&[])),
    ("demo", |_| demo::step()),
    ("real-input", |_| real_input::run()),
];

struct Row {
    step: &'static str,
    result: Mark,
    note: String,
    took: Duration,
}

#[derive(PartialEq)]
enum Mark {
    Ok,
    Failed,
    Skipped,
}

pub(crate) fn run(arguments: &[String]) -> Result {
    let Choice { only, keep_going } = choice(arguments)?;
    let mut tally = Tally::default();
    let mut rows: Vec<Row> = Vec::new();
    for (step, run) in STEPS.iter().filter(|(step, _)| only.is_empty() || only.contains(step)) {
        let broken = rows.iter().find(|row| row.result == Mark::Failed);
        if let Some(broken) = broken.filter(|_| !keep_going) {
            let note = format!("{} failed; --keep-going goes on", broken.step);
            rows.push(Row { step, result: Mark::Skipped, note, took: Duration::ZERO });
            continue;
        }
        println!("\n── {step}");
        let started = Instant::now();
        let (result, note) = match run(&mut tally) {
            Ok(Outcome::Passed) => (Mark::Ok, String::new()),
            Ok(Outcome::Skipped(why)) => (Mark::Skipped, why),
            Err(Error::Failed(why) | Error::Usage(why)) => {
                println!("error: {why}");
                (Mark::Failed, String::new())
            }
            Err(Error::Told) => (Mark::Failed, String::new()),
        };
        rows.push(Row { step, result, note, took: started.elapsed() });
    }
    println!("\n{}", table(&rows));
    for line in tally.closing_lines() {
        println!("{line}");
    }
    if rows.iter().any(|row| row.result == Mark::Failed) { Err(Error::Told) } else { Ok(Outcome::Passed) }
}

struct Choice<'a> {
    only: Vec<&'a str>,
    /// In CI one run should tell everything; at the desk the first failure is the next thing to do.
    keep_going: bool,
}

fn choice(arguments: &[String]) -> Result<Choice<'_>> {
    let mut choice = Choice { only: Vec::new(), keep_going: strict() };
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--keep-going" => choice.keep_going = true,
            "--only" => {
                let step = arguments.next().unwrap_or_default();
                if !STEPS.iter().any(|(name, _)| *name == step) {
                    let steps: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
                    return Err(Error::Usage(format!("`--only` takes one of {}", steps.join(", "))));
                }
                choice.only.push(step);
            }
            _ => {
                return Err(Error::Usage(format!("`ci` knows `--only STEP` and `--keep-going`, not `{argument}`")));
            }
        }
    }
    Ok(choice)
}

fn table(rows: &[Row]) -> String {
    let mut table = format!("{:<11} {:<8} {:>7}\n", "step", "result", "seconds");
    for Row { step, result, note, took } in rows {
        let (result, note) = match result {
            Mark::Ok => ("ok", String::new()),
            Mark::Failed => ("FAILED", String::new()),
            Mark::Skipped => ("skipped", format!("  {note}")),
        };
        table += &format!("{step:<11} {result:<8} {:>7.1}{note}\n", took.as_secs_f64());
    }
    let all: Duration = rows.iter().map(|row| row.took).sum();
    table + &format!("{:<11} {:<8} {:>7.1}\n", "all", "", all.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_exist_is_refused() {
        let arguments = ["--only", "fmt", "--only", "nonsense"].map(str::to_owned);
        assert!(matches!(choice(&arguments), Err(Error::Usage(message)) if message.contains("fmt, tidy")));
    }

    #[test]
    fn steps_are_chosen_by_name() {
        let arguments = ["--only", "tidy", "--keep-going", "--only", "loom"].map(str::to_owned);
        let choice = choice(&arguments).expect("both exist");
        assert_eq!(choice.only, ["tidy", "loom"]);
        assert!(choice.keep_going);
    }
}
