//! `cargo xtask lint`: format, spelling, clippy.

use crate::{
    command::{Cmd, cargo, find},
    outcome::{Outcome, Result, missing},
    workspace::{EVERYTHING, SHUTTLE},
};

pub(crate) fn run(_: &[String]) -> Result {
    let mut skipped = Vec::new();
    for check in [format, spelling, clippy] {
        if let Outcome::Skipped(why) = check()? {
            skipped.push(why);
        }
    }
    Ok(if skipped.is_empty() { Outcome::Passed } else { Outcome::Skipped(skipped.join("; ")) })
}

pub(crate) fn format() -> Result {
    if find("rustfmt").is_none() {
        return missing("rustfmt is not here: `rustup component add rustfmt`");
    }
    cargo(&["fmt", "--all", "--check"]).run()?;
    cargo(&["fmt", "--all", "--check", "--manifest-path", SHUTTLE]).run()?;
    Ok(Outcome::Passed)
}

pub(crate) fn spelling() -> Result {
    let Some(typos) = find("typos") else {
        return missing("typos is not here: `pip install typos`, or `cargo install typos-cli`");
    };
    Cmd::new(typos, "typos").run()?;
    Ok(Outcome::Passed)
}

pub(crate) fn clippy() -> Result {
    if find("cargo-clippy").is_none() {
        return missing("clippy is not here: `rustup component add clippy`");
    }
    cargo(&["clippy", "--all-targets"]).args(EVERYTHING).args(&["--", "-D", "warnings"]).run()?;
    Ok(Outcome::Passed)
}
