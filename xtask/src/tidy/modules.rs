//! Which file is reached from which target by `mod` declarations.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::source::Reach;
use crate::workspace::Workspace;

/// A `mod name;`.
#[derive(Debug, PartialEq)]
struct Declaration<'a> {
    name: &'a str,
    /// From `#[path = "…"]`.
    path: Option<&'a str>,
    test: bool,
}

/// Every file that a target of the workspaces is made of.
pub(crate) fn reached(workspaces: &[&Workspace]) -> HashMap<PathBuf, Reach> {
    let mut reached = HashMap::new();
    for (workspace, package) in workspaces.iter().flat_map(|one| one.packages.iter().map(move |package| (one, package)))
    {
        let library = workspace.libraries().any(|other| other.name == package.name);
        for target in &package.targets {
            let reach = match target.kind.as_str() {
                "lib" if library => Reach::Libraries,
                "lib" | "bin" | "custom-build" => Reach::Programs,
                _ => Reach::Tests,
            };
            follow(&target.path, true, reach, &mut reached);
        }
    }
    reached
}

fn follow(file: &Path, root: bool, reach: Reach, reached: &mut HashMap<PathBuf, Reach>) {
    let Ok(text) = fs::read_to_string(file) else {
        return;
    };
    let best = reached.entry(file.to_owned()).or_insert(Reach::Nowhere);
    if *best >= reach {
        return;
    }
    *best = reach;
    let folder = file.parent().unwrap_or(file);
    for declaration in declarations(&text) {
        let reach = if declaration.test { Reach::Tests } else { reach };
        let below = if root { folder.to_owned() } else { file.with_extension("") };
        let path = match declaration.path {
            Some(path) => folder.join(path),
            None => below.join(declaration.name).with_extension("rs"),
        };
        follow(&path, false, reach, reached);
    }
}

fn declarations(text: &str) -> Vec<Declaration<'_>> {
    let mut found = Vec::new();
    let (mut path, mut test) = (None, false);
    for line in text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            test |= is_test_attribute(line);
            path = attribute.strip_prefix("path = \"").and_then(|rest| rest.strip_suffix("\"]")).or(path);
            continue;
        }
        if let Some(head) = line.strip_suffix(';')
            && let Some((visibility, name)) = head.rsplit_once("mod ")
            && (visibility.is_empty() || visibility.starts_with("pub"))
        {
            found.push(Declaration { name, path, test });
        }
        (path, test) = (None, false);
    }
    found
}

/// Whether what `attribute` marks is compiled for tests only.
pub(crate) fn is_test_attribute(attribute: &str) -> bool {
    attribute == "#[cfg(test)]"
        || attribute.starts_with("#[cfg(all(test,")
        || (attribute.starts_with("#[cfg(all(") && attribute.ends_with(", test))]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found_with_their_attributes() {
        let text = "pub mod a;\n#[cfg(test)]\nmod b;\nmod c {\n}\n#[path = \"d/e.rs\"]\npub(crate) mod d;\n// mod f;\n#[cfg(all(test, bowline_loom))]\nmod g;\n";
        let found = declarations(text);
        let declaration = |name, path, test| Declaration { name, path, test };
        let expected = [
            declaration("a", None, false),
            declaration("b", None, true),
            declaration("d", Some("d/e.rs"), false),
            declaration("g", None, true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn only_test_builds_count_as_tests() {
        assert!(is_test_attribute("#[cfg(all(bowline_loom, test))]"));
        assert!(!is_test_attribute("#[cfg(feature = \"test\")]"));
        assert!(!is_test_attribute("#[cfg(not(test))]"));
    }
}
