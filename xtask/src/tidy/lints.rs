//! The lints of the workspace hold in every package, and the one that guards the declared Rust version is on.

use std::fs;

use super::findings::Findings;
use crate::workspace::{self, Workspace};

pub(crate) fn check(workspace: &Workspace, findings: &mut Findings) {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let root = read(workspace::root().join("Cargo.toml"));
    if !guards_rust_version(&root) {
        findings.fail("Cargo.toml", "turn `incompatible_msrv` on in [workspace.lints.clippy]");
    }
    for package in &workspace.packages {
        if !inherits_lints(&read(package.folder.join("Cargo.toml"))) {
            findings.fail(format_args!("{}/Cargo.toml", package.place()), "add `workspace = true` below `[lints]`");
        }
    }
}

fn guards_rust_version(manifest: &str) -> bool {
    let value = value(manifest, "[workspace.lints.clippy]", "incompatible_msrv");
    value.is_some_and(|level| ["warn", "deny", "forbid"].iter().any(|on| level.contains(on)))
}

fn inherits_lints(manifest: &str) -> bool {
    value(manifest, "[lints]", "workspace") == Some("true")
}

/// The value of `key` in `section`.
fn value<'a>(manifest: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let lines = manifest.lines().map(str::trim);
    let mut inside = lines.skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    inside.find_map(|line| Some(line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inherited_lints_are_seen() {
        assert!(inherits_lints("[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nworkspace = true\n\n[lints]\n\n[dependencies]\n"));
    }

    #[test]
    fn the_guard_of_the_rust_version_is_seen() {
        assert!(guards_rust_version("[workspace.lints.clippy]\n# why\nincompatible_msrv = \"warn\"\n"));
        assert!(!guards_rust_version("[workspace.lints.clippy]\nincompatible_msrv = \"allow\"\n"));
        assert!(!guards_rust_version("[workspace.lints.rust]\nincompatible_msrv = \"warn\"\n"));
    }
}
