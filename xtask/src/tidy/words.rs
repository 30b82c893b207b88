//! What belongs to the machine of whoever works here, and not to the project: folders, package registries, their settings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::findings::Findings;
use crate::workspace;

/// Hosts and settings of registries: a link to one outlives neither a move nor a mirror.
const FOREIGN: &[&str] = &["crates.io/", "lib.rs/", "pypi.", "npmjs.", "index-url", "replace-with"];

/// Folders that every machine has, and that a text may therefore name.
const COMMON: &[&str] = &["", "/", "/tmp", "/home", "/opt", "/src", "/srv", "/usr", "/usr/src", "/var", "/var/tmp"];

/// The only source that a lock file may name.
const REGISTRY: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

pub(crate) fn check(files: &[PathBuf], findings: &mut Findings) {
    let folders = folders(&workspace::root(), env::var("HOME").ok());
    for file in files {
        // This file has to name what it looks for. Files that are not text have no words.
        let own = file.ends_with(file!());
        let Ok(text) = fs::read_to_string(workspace::root().join(file)) else {
            continue;
        };
        for (index, line) in text.lines().enumerate().filter(|_| !own) {
            if let Some(word) = foreign_word(line, &folders) {
                findings.fail(
                    format_args!("{}:{}", file.display(), index + 1),
                    format_args!("`{word}` belongs to a machine, not to the project: remove it"),
                );
            }
        }
    }
}

/// The folder of this clone, the one above it, and the home folder of whoever runs this.
fn folders(root: &Path, home: Option<String>) -> Vec<String> {
    let above = root.parent().map(Path::to_path_buf);
    let all = [Some(root.to_owned()), above, home.map(PathBuf::from)].into_iter().flatten();
    let all = all.map(|folder| folder.display().to_string());
    all.filter(|folder| !COMMON.contains(&folder.as_str())).map(|folder| folder + "/").collect()
}

fn foreign_word<'a>(line: &str, folders: &'a [String]) -> Option<&'a str> {
    if line.starts_with("source = \"registry+") && line != REGISTRY {
        return Some("registry+");
    }
    // A folder counts where a path begins: `/a/` is not in `crates/a/src`.
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~*/{}".contains(c));
    let folder = folders.iter().map(String::as_str).find(|folder| line.match_indices(folder).any(|(at, _)| begins(at)));
    folder.or_else(|| FOREIGN.iter().copied().find(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_this_machine_are_found() {
        let folders = folders(Path::new("/farm/bowline"), Some("/home/ada".to_owned()));
        for line in ["see /farm/DESIGN.md", "cd /farm/bowline/x", "`/home/ada/.cargo`"] {
            assert!(foreign_word(line, &folders).is_some(), "{line}");
        }
        for line in ["crates/farm/src", "../farm/x", "/tmp/x", "/home/bob/x"] {
            assert_eq!(foreign_word(line, &folders), None, "{line}");
        }
    }

    #[test]
    fn a_clone_in_a_common_folder_forbids_only_itself() {
        assert_eq!(folders(Path::new("/tmp/clone"), None), ["/tmp/clone/"]);
        assert_eq!(folders(Path::new("/src"), None), Vec::<String>::new());
    }

    #[test]
    fn registries_are_found() {
        assert_eq!(foreign_word("pip install --index-url x", &[]), Some("index-url"));
        assert_eq!(foreign_word("source = \"registry+https://elsewhere.example/index\"", &[]), Some("registry+"));
        assert_eq!(foreign_word(REGISTRY, &[]), None);
    }
}
