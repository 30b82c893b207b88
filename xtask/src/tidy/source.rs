//! A Rust file as the rules see it.

use std::{fs, path::PathBuf};

use super::modules;
use crate::{
    outcome::Result,
    workspace::{self, Workspace},
};

#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the workspace.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) reach: Reach,
}

/// Which programs a file is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// None: no `mod` leads here.
    Nowhere,
    /// Only tests, benchmarks and examples.
    Tests,
    /// A program of ours: `xtask`, or a build script.
    Programs,
    /// A published library.
    Libraries,
}

impl Source {
    pub(crate) fn load(workspaces: &[&Workspace], files: &[PathBuf]) -> Result<Vec<Self>> {
        let reached = modules::reached(workspaces);
        let rust = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
        let sources = rust.map(|file| {
            let path = workspace::root().join(file);
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let reach = reached.get(&path).copied().unwrap_or(Reach::Nowhere);
            Ok(Self { path: file.display().to_string(), text, reach })
        });
        sources.collect()
    }

    #[cfg(test)]
    pub(crate) fn of(path: &str, reach: Reach, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), reach }
    }

    /// The numbered lines that are not part of a `#[cfg(test)] mod x { … }`.
    pub(crate) fn lines_outside_tests(&self) -> Vec<(usize, &str)> {
        let mut kept = Vec::new();
        let mut test_attribute = false;
        // rustfmt puts the closing brace of a module below the first letter of its head.
        let mut end = None;
        for (index, line) in self.text.lines().enumerate() {
            let trimmed = line.trim_start();
            if let Some(closing) = &end {
                if line == closing {
                    end = None;
                }
                continue;
            }
            if test_attribute && trimmed.contains("mod ") && trimmed.ends_with('{') {
                end = Some(format!("{}}}", &line[..line.len() - trimmed.len()]));
                test_attribute = false;
                continue;
            }
            test_attribute = modules::is_test_attribute(trimmed) || (test_attribute && trimmed.starts_with("#["));
            kept.push((index + 1, line));
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\n#[cfg(unix)]\nmod c {\n}\n";
        let source = Source::of("x.rs", Reach::Libraries, text);
        let numbers: Vec<_> = source.lines_outside_tests().into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 2, 7, 8, 9]);
    }
}
