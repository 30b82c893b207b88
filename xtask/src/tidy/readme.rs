//! The example of a README is the one of the crate docs, where the compiler reads it.

use std::{fs, ops::Range};

use super::findings::Findings;
use crate::workspace::Workspace;

pub(crate) fn check(workspace: &Workspace, findings: &mut Findings) {
    for library in workspace.libraries() {
        let read = |path| fs::read_to_string(library.folder.join(path)).unwrap_or_default();
        if let Err(what) = compare(&read("README.md"), &read("src/lib.rs")) {
            findings.fail(format_args!("{}/README.md", library.place()), what);
        }
    }
}

fn compare(readme: &str, lib: &str) -> Result<(), &'static str> {
    let docs = docs_example(lib)
        .ok_or("src/lib.rs has no example in its crate docs: write one, then `cargo xtask fix` copies it")?;
    let lines: Vec<_> = readme.lines().collect();
    let example =
        example(&lines, readme_fence).ok_or("add a fence ```rust; `cargo xtask fix` fills it from the crate docs")?;
    let shown = trimmed(lines[example].iter().copied());
    if shown == docs {
        Ok(())
    } else {
        Err("its first ```rust example is not the first one of src/lib.rs: `cargo xtask fix` copies that one")
    }
}

/// The `readme` with the example of `lib`; `None` where one of them has no place for one.
pub(crate) fn renewed(readme: &str, lib: &str) -> Option<String> {
    let docs = docs_example(lib)?;
    let mut lines: Vec<_> = readme.lines().collect();
    let example = example(&lines, readme_fence)?;
    lines.splice(example, docs.iter().map(String::as_str));
    Some(lines.join("\n") + "\n")
}

/// The first example of the crate docs, as rustdoc shows it.
fn docs_example(lib: &str) -> Option<Vec<String>> {
    let docs = lib.lines().filter_map(|line| line.strip_prefix("//!"));
    let docs: Vec<_> = docs.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let example = example(&docs, docs_fence)?;
    let visible = docs[example].iter().filter(|line| !line.trim_start().starts_with("# ") && line.trim() != "#");
    Some(trimmed(visible.copied()))
}

/// The lines between the first fence that is `opening` and its end.
fn example(lines: &[&str], opening: fn(&str) -> bool) -> Option<Range<usize>> {
    let mut start = None;
    let mut inside = false;
    for (index, line) in lines.iter().enumerate() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        match start {
            Some(start) => return Some(start..index),
            None if !inside && opening(info) => start = Some(index + 1),
            None => inside = !inside,
        }
    }
    None
}

fn readme_fence(info: &str) -> bool {
    info.split(',').next() == Some("rust")
}

/// What rustdoc takes for Rust: no word at all, or only words about how to run it.
fn docs_fence(info: &str) -> bool {
    info.is_empty()
        || info
            .split(',')
            .all(|word| ["rust", "no_run", "should_panic", "ignore"].contains(&word) || word.starts_with("edition"))
}

/// Without the empty lines around it, which hidden lines leave.
fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
    let start = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(start, |last| last + 1);
    lines[start..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "//! Knots.\n//!\n//! ```text\n//! not this\n//! ```\n//!\n//! ```\n//! # fn main() {\n//! #[derive(Debug)]\n//! struct Knot;\n//! # }\n//! ```\n";
    const README: &str = "# Knots\n\n```toml\nx = 1\n```\n\n```rust\n#[derive(Debug)]\nstruct Knot;\n```\n\nThe end.\n";

    #[test]
    fn the_same_example_passes() {
        compare(README, LIB).expect("hidden lines do not count");
    }

    #[test]
    fn another_example_or_none_fails_and_is_renewed() {
        let old = README.replace("struct Knot", "struct Bight");
        compare(&old, LIB).expect_err("they differ");
        assert_eq!(renewed(&old, LIB).as_deref(), Some(README));
        compare("# Knots\n", LIB).expect_err("no example in the README");
        compare(README, "//! Knots.\n").expect_err("no example in the docs");
        assert_eq!(renewed("# Knots\n", LIB), None);
    }
}
