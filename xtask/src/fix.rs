//! `cargo xtask fix`: what a program can put right.

use std::fs;

use crate::{
    command::cargo,
    outcome::{Outcome, Result},
    tidy::readme,
    workspace::{EVERYTHING, SHUTTLE, Workspace},
};

pub(crate) fn run(_: &[String]) -> Result {
    cargo(&["clippy", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"]).args(EVERYTHING).run()?;
    cargo(&["fmt", "--all"]).run()?;
    cargo(&["fmt", "--all", "--manifest-path", SHUTTLE]).run()?;
    for library in Workspace::load()?.libraries() {
        let (page, lib) = (library.folder.join("README.md"), library.folder.join("src/lib.rs"));
        let (Ok(old), Ok(docs)) = (fs::read_to_string(&page), fs::read_to_string(&lib)) else {
            continue;
        };
        if let Some(new) = readme::renewed(&old, &docs).filter(|new| *new != old) {
            println!("{}/README.md: the example is that of the crate docs again", library.place());
            fs::write(&page, new).map_err(|error| format!("cannot write {}: {error}", page.display()))?;
        }
    }
    Ok(Outcome::Passed)
}
