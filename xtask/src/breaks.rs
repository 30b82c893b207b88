//! `cargo xtask breaks`: checks that the tests can fail.
//!
//! A test that passes whatever the code does proves nothing. So every crate may keep a file `breaks.txt` with changes of a
//! line each, and with the tests that must notice them. They are put into a copy of the workspace, one at a time.

mod bench;
pub(crate) mod format;
pub(crate) mod place;
mod report;
mod scratch;
pub(crate) mod suite;

use std::fs;

use bench::{Bench, Test};
use format::Break;
use scratch::Scratch;
use suite::Suite;

use crate::{
    outcome::{Error, Outcome, Result},
    workspace::{Package, Workspace},
};

/// The breaks of a crate stand in its folder, beside the sources that they follow.
pub(crate) const FILE: &str = "breaks.txt";

pub(crate) fn run(arguments: &[String]) -> Result {
    let choice = choice(arguments)?;
    let workspace = Workspace::load()?;
    let plans = plans(&choice, &workspace)?;
    if plans.is_empty() {
        return Ok(Outcome::Skipped(format!("no crate that was asked for has a file {FILE}")));
    }
    let scratch = Scratch::renewed(&workspace)?;
    let mut all_noticed = true;
    for plan in &plans {
        all_noticed &= check(plan, &scratch, choice.only.is_empty())?;
    }
    if all_noticed { Ok(Outcome::Passed) } else { Err(Error::Told) }
}

/// What is to be tried in a crate.
struct Plan<'a> {
    package: &'a Package,
    breaks: Vec<Break>,
}

fn plans<'a>(choice: &Choice<'_>, workspace: &'a Workspace) -> Result<Vec<Plan<'a>>> {
    let mut plans = Vec::new();
    for &name in &choice.crates {
        if !workspace.libraries().any(|package| is_called(package, name)) {
            return Err(Error::Usage(format!("there is no crate `{name}`")));
        }
    }
    for package in workspace.libraries() {
        if choice.crates.is_empty() || choice.crates.iter().any(|name| is_called(package, name)) {
            plans.extend(breaks(package)?.map(|breaks| Plan { package, breaks }));
        }
    }
    if !choice.only.is_empty() {
        let names: Vec<&str> = plans.iter().flat_map(|plan| &plan.breaks).map(|one| one.name.as_str()).collect();
        if let Some(unknown) = choice.only.iter().find(|only| !names.contains(only)) {
            return Err(Error::Usage(format!("there is no break `{unknown}`, only {}", names.join(", "))));
        }
        for plan in &mut plans {
            plan.breaks.retain(|one| choice.only.contains(&one.name.as_str()));
        }
        plans.retain(|plan| !plan.breaks.is_empty());
    }
    Ok(plans)
}

/// By its name, or by that of its folder.
fn is_called(package: &Package, name: &str) -> bool {
    package.name == name || package.folder.ends_with(name)
}

/// The breaks of a crate, if it has a file of them.
fn breaks(package: &Package) -> Result<Option<Vec<Break>>> {
    let file = package.folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let place = format!("{}/{FILE}", package.place());
    let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {place}: {error}"))?;
    let breaks = format::parse(&text).map_err(|mistake| format!("{place}:{}: {}", mistake.line, mistake.what))?;
    Ok(Some(breaks))
}

/// Tries the breaks of a crate. `true`: every test that should notice one did.
fn check(plan: &Plan<'_>, scratch: &Scratch, whole: bool) -> Result<bool> {
    let bench = Bench::new(scratch, plan.package);
    let suite = bench.suite()?;
    let mut work = Vec::new();
    for one in &plan.breaks {
        let tests = expected(one, &suite)
            .map_err(|why| format!("{}/{FILE}:{}: the break `{}` {why}", plan.package.place(), one.line, one.name))?;
        work.push((one, tests));
    }
    let mut all: Vec<Test> = work.iter().flat_map(|(_, tests)| tests).cloned().collect();
    all.sort();
    all.dedup();
    bench.must_pass(&all)?;
    let mut trials = Vec::new();
    for (one, tests) in work {
        let trial = bench.trial(one, tests)?;
        if let Err(why) = &trial.result {
            println!("{why}");
        }
        trials.push(trial);
    }
    println!("\n{}", report::table(&trials));
    if whole {
        print!("{}", report::coverage(&suite, &trials));
    }
    Ok(trials.iter().all(report::Trial::is_noticed))
}

/// The tests that the break must make fail, each once.
fn expected(one: &Break, suite: &Suite) -> std::result::Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    for word in &one.fails {
        let chosen = suite.chosen(word);
        if chosen.is_empty() {
            return Err(format!("names `{word}`, for which no test of `it` stands that is not ignored"));
        }
        tests.extend(chosen.into_iter().map(|name| Test::It(name.to_owned())));
    }
    tests.extend(one.fails_docs.iter().cloned().map(Test::Docs));
    tests.sort();
    tests.dedup();
    Ok(tests)
}

#[derive(Debug, Default)]
struct Choice<'a> {
    crates: Vec<&'a str>,
    only: Vec<&'a str>,
}

fn choice(arguments: &[String]) -> Result<Choice<'_>> {
    let mut choice = Choice::default();
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--only" => {
                let name =
                    arguments.next().ok_or_else(|| Error::Usage("`--only` takes the name of a break".to_owned()))?;
                choice.only.push(name);
            }
            _ if argument.starts_with('-') => {
                return Err(Error::Usage(format!("`breaks` knows crates and `--only NAME`, not `{argument}`")));
            }
            _ => choice.crates.push(argument),
        }
    }
    Ok(choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_and_breaks_are_chosen_by_name() {
        let arguments = ["concurrency", "--only", "early"].map(str::to_owned);
        let chosen = choice(&arguments).expect("both are known");
        assert_eq!((chosen.crates, chosen.only), (vec!["concurrency"], vec!["early"]));
        assert!(matches!(choice(&["--just".to_owned()]), Err(Error::Usage(_))));
        assert!(matches!(choice(&["--only".to_owned()]), Err(Error::Usage(_))));
    }

    #[test]
    fn a_crate_is_called_by_its_name_or_its_folder() {
        let package = Package { folder: "/x/crates/sync".into(), ..Package::of("bowline-sync") };
        assert!(is_called(&package, "sync") && is_called(&package, "bowline-sync") && !is_called(&package, "bowline"));
    }

    #[test]
    fn a_test_that_is_meant_twice_runs_once_and_one_that_is_not_there_is_an_error() {
        let suite = Suite::listed(&["a::tg_01_x: test".to_owned()], &[]);
        let one =
            |fails: &[&str]| Break { fails: fails.iter().map(|word| (*word).to_owned()).collect(), ..Break::default() };
        assert_eq!(expected(&one(&["tg_01", "a::"]), &suite), Ok(vec![Test::It("a::tg_01_x".to_owned())]));
        assert!(expected(&one(&["tg_02"]), &suite).is_err_and(|why| why.contains("`tg_02`")));
    }
}
