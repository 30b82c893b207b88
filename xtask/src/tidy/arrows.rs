//! Crates depend on each other only along the arrows of the design, so that each one stays usable by itself.
//!
//! Dev-dependencies are free: tests may combine what the design keeps apart.

use super::findings::Findings;
use crate::workspace::{Package, Workspace};

/// A library, what it may always need, and what only an optional feature of it may need (all without `bowline-`).
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("concurrency", &[], &[]),
    ("sync", &[], &["concurrency"]),
    ("resources", &["concurrency"], &[]),
    ("streams", &["concurrency"], &[]),
    ("testing", &["concurrency"], &[]),
    ("bridge", &["concurrency"], &["sync", "resources"]),
    ("pipeline", &["concurrency", "sync"], &[]),
];

pub(crate) fn check(workspace: &Workspace, findings: &mut Findings) {
    for library in workspace.libraries() {
        check_one(library, findings);
    }
}

fn check_one(library: &Package, findings: &mut Findings) {
    let manifest = format!("{}/Cargo.toml", library.place());
    let short = |name: &str| name.strip_prefix("bowline-").map(str::to_owned);
    let name = short(&library.name);
    let Some((_, always, optional)) = ARROWS.iter().find(|(from, ..)| name.as_deref() == Some(from)) else {
        findings.fail(manifest, format_args!("give `{}` its arrows in xtask/src/tidy/arrows.rs", library.name));
        return;
    };
    for dependency in library.dependencies.iter().filter(|dependency| !dependency.dev) {
        let Some(to) = short(&dependency.name) else {
            continue;
        };
        if always.contains(&to.as_str()) || (dependency.optional && optional.contains(&to.as_str())) {
            continue;
        }
        let what = if optional.contains(&to.as_str()) {
            "make it optional"
        } else {
            "remove it, or move what is shared to `bowline-concurrency`"
        };
        findings.fail(
            &manifest,
            format_args!("the design has no arrow from `{}` to `{}`: {what}", library.name, dependency.name),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn found(name: &str, on: &[(&str, bool, bool)]) -> usize {
        let dependencies =
            on.iter().map(|&(name, optional, dev)| Dependency { name: name.to_owned(), optional, dev }).collect();
        let library = Package { dependencies, ..Package::of(name) };
        Findings::of(|findings| check_one(&library, findings)).len()
    }

    #[test]
    fn arrows_of_the_design_pass() {
        assert_eq!(
            found(
                "bowline-pipeline",
                &[("bowline-concurrency", false, false), ("bowline-sync", false, false), ("tokio", false, false)]
            ),
            0
        );
        assert_eq!(found("bowline-sync", &[("bowline-concurrency", true, false), ("bowline-testing", false, true)]), 0);
    }

    #[test]
    fn other_arrows_fail() {
        assert_eq!(found("bowline-concurrency", &[("bowline-sync", true, false)]), 1);
        assert_eq!(found("bowline-sync", &[("bowline-concurrency", false, false)]), 1, "only as an option");
        assert_eq!(
            found("bowline-streams", &[("bowline-resources", false, false), ("bowline-testing", false, false)]),
            2
        );
        assert_eq!(found("bowline-new", &[]), 1, "a library without arrows");
    }
}
