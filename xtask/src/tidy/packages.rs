//! Every library is complete by itself: what a reader of its page on a registry expects is there.

use std::{collections::HashMap, fs};

use super::findings::Findings;
use crate::workspace::{self, Package, Workspace};

const LICENSE: &str = "MIT OR Apache-2.0";
const PAGES: &[&str] = &["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

pub(crate) fn check(workspace: &Workspace, findings: &mut Findings) {
    for library in workspace.libraries() {
        check_manifest(library, findings);
        for page in PAGES {
            let own = fs::read_to_string(library.folder.join(page)).unwrap_or_default();
            let place = format!("{}/{page}", library.place());
            if own.trim().is_empty() {
                findings.fail(place, "write it: every library has one");
            } else if page.starts_with("LICENSE") && fs::read_to_string(workspace::root().join(page)).ok() != Some(own)
            {
                findings.fail(place, format_args!("is not the text of the {page} of the workspace: copy it"));
            }
        }
    }
    check_example_names(workspace, findings);
}

fn check_manifest(library: &Package, findings: &mut Findings) {
    let manifest = format!("{}/Cargo.toml", library.place());
    if library.description.is_empty() {
        findings.fail(&manifest, "add a `description`: one line that says what the crate is for");
    }
    if library.keywords == 0 {
        findings.fail(&manifest, "add `keywords`: the words that people search for");
    }
    if library.license != LICENSE {
        findings.fail(&manifest, "write `license.workspace = true`");
    }
    if !library.targets.iter().any(|target| target.kind == "example") {
        findings.fail(format_args!("{}/examples", library.place()), "add at least one example that runs");
    }
}

/// Cargo builds the examples of all packages into one folder, where one of the same name would replace the other.
fn check_example_names(workspace: &Workspace, findings: &mut Findings) {
    let mut owners = HashMap::new();
    for (package, example) in workspace.targets("example") {
        if let Some(other) = owners.insert(&example.name, package) {
            let place = crate::command::shown(&example.path);
            findings.fail(place, format_args!("{} has an example of this name too: rename one", other.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Target;

    fn complete() -> Package {
        let example = Target { name: "first".to_owned(), kind: "example".to_owned(), path: "first.rs".into() };
        Package {
            description: "Knots".to_owned(),
            license: LICENSE.to_owned(),
            keywords: 1,
            targets: vec![example],
            ..Package::of("bowline-x")
        }
    }

    #[test]
    fn a_complete_manifest_passes_and_each_gap_fails() {
        let found = |library: Package| Findings::of(|findings| check_manifest(&library, findings)).len();
        assert_eq!(found(complete()), 0);
        assert_eq!(found(Package { description: String::new(), ..complete() }), 1);
        assert_eq!(found(Package { keywords: 0, ..complete() }), 1);
        assert_eq!(found(Package { license: "MIT".to_owned(), ..complete() }), 1);
        assert_eq!(found(Package { targets: Vec::new(), ..complete() }), 1);
    }

    #[test]
    fn two_examples_of_one_name_fail() {
        let workspace = Workspace { packages: vec![complete(), complete()], target: "target".into() };
        assert_eq!(Findings::of(|findings| check_example_names(&workspace, findings)).len(), 1);
    }
}
