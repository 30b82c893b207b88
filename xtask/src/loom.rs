//! `cargo xtask loom`: the model checks of every crate whose sources mention `bowline_loom`.
//!
//! The cfg is our own: plain `--cfg loom` removes parts of Tokio, which our crates are built on.

use std::{collections::BTreeSet, env, fs};

use crate::{
    command::cargo,
    outcome::{Outcome, Result},
    workspace::{self, Workspace},
};

const CFG: &str = "bowline_loom";

pub(crate) fn run(_: &[String]) -> Result {
    let workspace = Workspace::load()?;
    let mut mentioning = BTreeSet::new();
    for file in workspace::files()? {
        let path = workspace::root().join(&file);
        let owner = workspace.libraries().find(|library| path.starts_with(library.folder.join("src")));
        if let Some(owner) = owner
            && fs::read_to_string(&path).is_ok_and(|text| text.contains(CFG))
        {
            mentioning.insert(&owner.name);
        }
    }
    if mentioning.is_empty() {
        return Ok(Outcome::Skipped("no crate has model checks yet".to_owned()));
    }
    let (name, flags) = flags(env::var("CARGO_ENCODED_RUSTFLAGS").ok(), env::var("RUSTFLAGS").ok());
    // Three preemptions find nearly every bug and end in seconds (loom's own advice).
    let preemptions = env::var("LOOM_MAX_PREEMPTIONS").unwrap_or_else(|_| "3".to_owned());
    // A folder of its own: other flags would build everything anew in the shared one, again and again.
    let target = crate::command::shown(&workspace.target.join("loom"));
    for package in mentioning {
        let transcript = cargo(&["test", "--release", "-p", package, "--lib"])
            // What a model prints, such as how many interleavings it explored, is part of the result.
            .args(&["--target-dir", &target, "loom", "--", "--nocapture"])
            .env("LOOM_MAX_PREEMPTIONS", &preemptions)
            .env(name, &flags)
            .listen()?;
        if let Some(failure) = transcript.failure {
            return Err(failure.into());
        }
        if transcript.lines.iter().any(|line| line == "running 0 tests") {
            let what = format!("{package} mentions {CFG}, but none of its unit tests has `loom` in its name");
            return Err(what.into());
        }
    }
    Ok(Outcome::Passed)
}

/// The flags of the environment, in the variable that Cargo reads first, with ours added.
fn flags(encoded: Option<String>, plain: Option<String>) -> (&'static str, String) {
    match encoded.filter(|flags| !flags.is_empty()) {
        Some(flags) => ("CARGO_ENCODED_RUSTFLAGS", format!("{flags}\u{1f}--cfg\u{1f}{CFG}")),
        None => ("RUSTFLAGS", format!("{} --cfg {CFG}", plain.unwrap_or_default()).trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::flags;

    #[test]
    fn flags_of_the_environment_survive() {
        assert_eq!(flags(None, None), ("RUSTFLAGS", "--cfg bowline_loom".to_owned()));
        assert_eq!(flags(None, Some("-C opt-level=1".to_owned())).1, "-C opt-level=1 --cfg bowline_loom");
        assert_eq!(
            flags(Some("-g".to_owned()), Some("ignored by Cargo too".to_owned())),
            ("CARGO_ENCODED_RUSTFLAGS", "-g\u{1f}--cfg\u{1f}bowline_loom".to_owned())
        );
    }
}
