//! What a library costs its users: the crates that they compile for it.

use std::collections::BTreeSet;

use super::findings::Findings;
use crate::{command::cargo, outcome::Result, workspace::Workspace};

const CEILING: usize = 40;

pub(crate) fn check(workspace: &Workspace, findings: &mut Findings) -> Result<()> {
    let mut counts = Vec::new();
    for library in workspace.libraries() {
        let tree = cargo(&["tree", "-e", "normal", "--prefix", "none", "-p", &library.name]).read()?;
        let count = crates_in(&tree);
        if count > CEILING {
            findings.fail(
                format_args!("{}/Cargo.toml", library.place()),
                format_args!("{count} crates, the ceiling is {CEILING}: see `cargo tree -e normal`"),
            );
        }
        counts.push(format!("{} {count}", library.name));
    }
    println!("crates in `cargo tree -e normal`: {}", counts.join(", "));
    Ok(())
}

/// Counts name and version, each once, the crate itself included.
fn crates_in(tree: &str) -> usize {
    let names: BTreeSet<Vec<&str>> = tree.lines().map(|line| line.split(' ').take(2).collect()).collect();
    names.len()
}

#[cfg(test)]
mod tests {
    use super::crates_in;

    #[test]
    fn a_crate_counts_once_and_its_versions_apart() {
        let tree = "bowline-sync v0.1.0 (/x/crates/sync)\nsyn v2.0.1\nsyn v2.0.1 (*)\nsyn v3.0.0\nthiserror-impl v2.0.0 (proc-macro)";
        assert_eq!(crates_in(tree), 4);
    }
}
