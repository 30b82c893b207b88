//! `cargo xtask tidy`: the rules of this workspace that no other tool knows.
//!
//! Each rule is a small file that says what it wants and why; every finding names a place and what to do there.
//! It is a test of this package too, so that `cargo test` is enough to be told.

mod arrows;
mod breaks;
mod cancel_safety;
mod ceiling;
mod findings;
mod items;
mod length;
mod lints;
mod module_docs;
mod modules;
mod orphans;
mod packages;
pub(crate) mod readme;
mod source;
mod unwraps;
mod words;

use findings::Findings;
use source::Source;

use crate::{
    outcome::{Error, Outcome, Result},
    workspace::{self, SHUTTLE, Workspace},
};

pub(crate) fn run(_: &[String]) -> Result {
    let workspace = Workspace::load()?;
    let files = workspace::files()?;
    let models = Workspace::load_from(SHUTTLE)?;
    let sources = Source::load(&[&workspace, &models], &files)?;
    let mut findings = Findings::default();

    arrows::check(&workspace, &mut findings);
    ceiling::check(&workspace, &mut findings)?;
    packages::check(&workspace, &mut findings);
    lints::check(&workspace, &mut findings);
    lints::check(&models, &mut findings);
    readme::check(&workspace, &mut findings);
    orphans::check(&sources, &mut findings);
    module_docs::check(&sources, &mut findings);
    length::check(&sources, &mut findings);
    cancel_safety::check(&sources, &mut findings);
    unwraps::check(&sources, &mut findings);
    words::check(&files, &mut findings);
    breaks::check(&files, &sources, &mut findings);

    println!("{findings}tidy: {} Rust files, {}", sources.len(), findings.summary());
    if findings.failures() == 0 { Ok(Outcome::Passed) } else { Err(Error::Told) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        super::run(&[]).expect("`cargo xtask tidy` says what is not");
    }
}
