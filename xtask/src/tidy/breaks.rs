//! A break that fits no line any more breaks nothing: found here, in a second, and not by `cargo xtask breaks`, in minutes.

use std::{fs, path::PathBuf};

use super::{findings::Findings, source::Source};
use crate::{
    breaks::{FILE, format, place, suite},
    workspace,
};

pub(crate) fn check(files: &[PathBuf], sources: &[Source], findings: &mut Findings) {
    for file in files.iter().filter(|file| file.ends_with(FILE)) {
        match fs::read_to_string(workspace::root().join(file)) {
            Ok(text) => check_file(&file.display().to_string(), &text, sources, findings),
            Err(error) => findings.fail(file.display(), format_args!("cannot be read: {error}")),
        }
    }
}

fn check_file(path: &str, text: &str, sources: &[Source], findings: &mut Findings) {
    let breaks = match format::parse(text) {
        Ok(breaks) => breaks,
        Err(mistake) => return findings.fail(format_args!("{path}:{}", mistake.line), mistake.what),
    };
    let folder = path.strip_suffix(FILE).unwrap_or(path);
    let tests = tests(folder, sources);
    for one in breaks {
        let place = format!("{path}:{}", one.line);
        match sources.iter().find(|source| source.path.strip_prefix(folder) == Some(&one.file)) {
            Some(source) => {
                if let Err(why) = place::broken(&source.text, &one) {
                    findings.fail(&place, why);
                }
            }
            None => findings.fail(&place, format_args!("there is no {folder}{}", one.file)),
        }
        for word in &one.fails {
            if !tests.iter().any(|test| suite::stands_for(word, test)) {
                findings.fail(&place, format_args!("no function below {folder}tests/it is called `{word}`"));
            }
        }
    }
}

/// The functions of the test binary `it` as its runner names them: `module::function`.
fn tests(folder: &str, sources: &[Source]) -> Vec<String> {
    let mut tests = Vec::new();
    for source in sources {
        let Some(file) = source.path.strip_prefix(folder).and_then(|file| file.strip_prefix("tests/it/")) else {
            continue;
        };
        let module = file.trim_end_matches(".rs").replace(['/', '\\'], "::");
        let names = source.text.lines().filter_map(|line| {
            // A case that a macro makes tests of may be visible to that.
            let line = line.trim_start();
            let line = line.strip_prefix("pub(super) ").unwrap_or(line);
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ")?.split(['(', '<']).next()
        });
        tests.extend(names.map(|name| format!("{module}::{name}")));
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::Reach;

    const ENTRY: &str = "break early\nfile src/b.rs\n- wait();\nfails b::tg_01 tg_01\n";

    fn found(text: &str, library: &str) -> Vec<String> {
        let sources = [
            Source::of("crates/a/src/b.rs", Reach::Libraries, library),
            Source::of("crates/a/tests/it/b.rs", Reach::Tests, "#[test]\nfn tg_01_waits() {\n}\n"),
        ];
        Findings::of(|findings| check_file("crates/a/breaks.txt", text, &sources, findings))
    }

    #[test]
    fn an_entry_that_fits_passes() {
        assert_eq!(found(ENTRY, "fn b() {\n    wait();\n}\n"), Vec::<String>::new());
    }

    #[test]
    fn an_entry_that_the_code_has_left_behind_fails() {
        let lost = found(ENTRY, "fn b() {\n    await_all();\n}\n");
        assert!(lost.len() == 1 && lost[0].starts_with("crates/a/breaks.txt:1: "), "{lost:?}");
        assert!(found(ENTRY, "wait();\nwait();\n")[0].contains("2 times"));
        assert!(found(&ENTRY.replace("src/b.rs", "src/c.rs"), "")[0].contains("no crates/a/src/c.rs"));
    }

    #[test]
    fn a_test_that_is_not_there_and_a_mistake_fail() {
        assert!(found(&ENTRY.replace("b::tg_01", "c::tg_01"), "wait();\n")[0].contains("`c::tg_01`"));
        assert!(found("brake early\n", "")[0].starts_with("crates/a/breaks.txt:1: "));
    }
}
