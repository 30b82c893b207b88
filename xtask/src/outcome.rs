//! What a command or a step of `ci` comes to.

use std::env;

/// A command that did not fail.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    /// Nothing was checked, and this is why.
    Skipped(String),
}

#[derive(Debug)]
pub(crate) enum Error {
    /// The arguments make no sense: exit code 2.
    Usage(String),
    /// A check failed: exit code 1.
    Failed(String),
    /// A check failed and has said so in its own way: exit code 1.
    Told,
}

pub(crate) type Result<T = Outcome> = std::result::Result<T, Error>;

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

/// Whether a missing tool is an error: so it is under `CI=true`, where everything must be checked.
pub(crate) fn strict() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// The outcome of a step whose tool is not here: a visible skip locally, an error under `CI=true`.
pub(crate) fn missing(what: &str) -> Result {
    missing_when(strict(), what)
}

fn missing_when(strict: bool, what: &str) -> Result {
    if strict {
        Err(Error::Failed(format!("{what} (under CI=true a missing tool is an error)")))
    } else {
        Ok(Outcome::Skipped(what.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_a_skip_here_and_an_error_in_ci() {
        assert_eq!(missing_when(false, "no typos").expect("a skip"), Outcome::Skipped("no typos".to_owned()));
        assert!(
            matches!(missing_when(true, "no typos"), Err(Error::Failed(message)) if message.starts_with("no typos"))
        );
    }
}
