//! `cargo xtask bench [CRATE] [--filter TEXT]`: the benchmarks of all crates or of one, in the profile `bench`.
//!
//! A benchmark bears the name of the crate that it measures, without `bowline-`. It writes its tables to `target/bench` too.

use crate::{
    command::cargo,
    outcome::{Error, Outcome, Result},
    workspace::{Package, Target, Workspace},
};

/// The package whose programs are benchmarks too: side by side with the peers.
const PACKAGE: &str = "bowline-benches";

pub(crate) fn run(arguments: &[String]) -> Result {
    let (subject, arguments) = split(arguments);
    let workspace = Workspace::load()?;
    let benches = workspace.targets("bench").map(|found| ("bench", found));
    let programs = workspace.targets("bin").filter(|(package, _)| package.name == PACKAGE).map(|found| ("run", found));
    let all: Vec<_> = benches.chain(programs).collect();
    if all.is_empty() {
        return Ok(Outcome::Skipped(format!("there are no benchmarks yet; they will be in the package {PACKAGE}")));
    }
    let wanted: Vec<_> = all.iter().filter(|(_, (_, target))| subject.is_none_or(|name| target.name == name)).collect();
    if wanted.is_empty() {
        let names: Vec<_> = all.iter().map(|(_, (_, target))| target.name.as_str()).collect();
        let asked = subject.unwrap_or_default();
        return Err(Error::Usage(format!("there is no benchmark `{asked}`; there are: {}", names.join(", "))));
    }
    for (how, target) in wanted {
        run_one(how, *target, arguments)?;
    }
    Ok(Outcome::Passed)
}

fn run_one(how: &str, (package, target): (&Package, &Target), arguments: &[String]) -> Result<()> {
    let command = match how {
        "bench" => cargo(&["bench", "-p", &package.name, "--bench", &target.name]),
        _ => cargo(&["run", "--profile", "bench", "-p", &package.name, "--bin", &target.name]),
    };
    let command = if arguments.is_empty() { command } else { command.args(&["--"]).args(arguments) };
    command.run()
}

/// The crate, with or without `bowline-`, and what goes to its benchmark.
fn split(arguments: &[String]) -> (Option<&str>, &[String]) {
    match arguments {
        [name, rest @ ..] if !name.starts_with('-') => (Some(name.strip_prefix("bowline-").unwrap_or(name)), rest),
        _ => (None, arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_comes_first_or_not_at_all() {
        let line = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let parts = |text: &str| {
            let line = line(text);
            let (subject, rest) = split(&line);
            (subject.map(str::to_owned), rest.join(" "))
        };
        assert_eq!(parts("concurrency --filter churn"), (Some("concurrency".to_owned()), "--filter churn".to_owned()));
        assert_eq!(parts("bowline-sync"), (Some("sync".to_owned()), String::new()));
        assert_eq!(parts("--filter churn"), (None, "--filter churn".to_owned()));
    }
}
