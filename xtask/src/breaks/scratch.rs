//! A copy of the workspace in which sources are broken: the original is never touched.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    outcome::{Error, Result},
    workspace::{self, Workspace},
};

/// Where the copy builds. It outlives the run, so that the next one compiles only what has changed. Nothing else may build
/// there: Cargo tells packages apart by their place in their workspace, and would give a broken library to the original.
const TARGET: &str = "target";

#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) folder: PathBuf,
}

impl Scratch {
    /// Makes the copy, or brings the one of the last run up to date.
    pub(crate) fn renewed(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("breaks");
        let files = workspace::files()?;
        renew(&workspace::root(), &folder, &files)
            .map_err(|error| Error::Failed(format!("cannot copy the workspace to {}: {error}", folder.display())))?;
        Ok(Self { folder })
    }

    /// The folder of the copy that stands for `original`.
    pub(crate) fn of(&self, original: &Path) -> PathBuf {
        self.folder.join(original.strip_prefix(workspace::root()).unwrap_or(original))
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder.join(TARGET)
    }
}

fn renew(from: &Path, to: &Path, files: &[PathBuf]) -> io::Result<()> {
    for file in files {
        let (text, copy) = (fs::read(from.join(file))?, to.join(file));
        // What is the same keeps its time, by which Cargo judges.
        if fs::read(&copy).is_ok_and(|present| present == text) {
            continue;
        }
        if let Some(above) = copy.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(&copy, text)?;
    }
    let wanted = files.iter().map(|file| to.join(file)).collect();
    remove_others(to, &wanted, &to.join(TARGET))
}

/// Removes what is not `wanted` below `folder`, except for `kept`. A crate that has moved would be found twice.
fn remove_others(folder: &Path, wanted: &BTreeSet<PathBuf>, kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path == kept {
            continue;
        }
        if path.is_dir() {
            remove_others(&path, wanted, kept)?;
            // Fails while something wanted is in it.
            let _ = fs::remove_dir(&path);
        } else if !wanted.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_its_original_and_keeps_what_it_has_built() {
        let scratch = std::env::temp_dir().join(format!("xtask-scratch-{}", std::process::id()));
        let (from, to) = (scratch.join("from"), scratch.join("to"));
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write(from.join("a/one.rs"), "one");
        write(from.join("two.rs"), "two");
        write(to.join("gone/three.rs"), "three");
        write(to.join("two.rs"), "broken");
        write(to.join("target/built"), "built");
        renew(&from, &to, &["a/one.rs".into(), "two.rs".into()]).expect("a copy");
        let read = |path: &str| fs::read_to_string(to.join(path)).ok();
        assert_eq!([read("a/one.rs").as_deref(), read("two.rs").as_deref()], [Some("one"), Some("two")]);
        assert!(!to.join("gone").exists() && to.join("target/built").exists());
        fs::remove_dir_all(scratch).expect("it was made here");
    }
}
