//! The step `real-input`: harvest against a server and records that nobody here wrote.

use crate::{
    command::{Cmd, find},
    outcome::{Outcome, Result, missing, strict},
    workspace,
};

const SCRIPT: &str = "examples/harvest/real_input.sh";

pub(crate) fn run() -> Result {
    if !workspace::root().join(SCRIPT).is_file() {
        return missing(&format!("{SCRIPT} is not there"));
    }
    let Some(bash) = find("bash") else {
        return missing("bash is not here");
    };
    // The script installs Datasette where it lacks; only in CI is that what the caller wants.
    if !strict() && find("datasette").is_none() {
        return missing(&format!("datasette is not here: `CI=true bash {SCRIPT}` installs it below target/venv"));
    }
    Cmd::new(bash, "bash").args(&[SCRIPT]).run()?;
    Ok(Outcome::Passed)
}
