//! The tests of a crate by their names, and the behaviours that the names begin with.

use std::collections::BTreeSet;

/// The areas of the behaviour catalogue; CONTRIBUTING.md says what they stand for.
const AREAS: &[&str] = &["tg", "ga", "cs", "to", "q", "ch", "lk", "ev", "rs", "gen", "st", "bg", "br", "dx"];

/// The tests of the binary `it` that run when nobody asks for the ignored ones, as `module::name`.
#[derive(Debug)]
pub(crate) struct Suite(Vec<String>);

impl Suite {
    /// From what the binary lists: all tests, and the ignored ones.
    pub(crate) fn listed(all: &[String], ignored: &[String]) -> Self {
        let names = |lines: &[String]| -> BTreeSet<String> {
            lines.iter().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
        };
        Self(names(all).difference(&names(ignored)).cloned().collect())
    }

    /// The tests that `word` stands for: those of a behaviour if it is the ID of one, else those whose names contain
    /// it; one with a module in it begins where a module does.
    pub(crate) fn chosen(&self, word: &str) -> Vec<&str> {
        self.0.iter().map(String::as_str).filter(|test| stands_for(word, test)).collect()
    }

    /// The IDs that have a test.
    pub(crate) fn behaviours(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(|test| behaviour(test)).collect()
    }
}

/// Whether `word`, of a `fails` line, means `test`.
pub(crate) fn stands_for(word: &str, test: &str) -> bool {
    if word.contains("::") {
        // From the start of a module's name: `limiter::` is not `rate_limiter::`.
        test.starts_with(word) || test.contains(&format!("::{word}"))
    } else if behaviour(word) == Some(word) {
        behaviour(test) == Some(word)
    } else {
        test.contains(word)
    }
}

/// The ID that the name of a test begins with: `tg_04` of `scope::tg_04_first_failure_cancels_siblings`.
pub(crate) fn behaviour(test: &str) -> Option<&str> {
    let name = test.rsplit("::").next()?;
    let (area, rest) = name.split_once('_')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let ends = rest[digits..].is_empty() || rest[digits..].starts_with('_');
    (AREAS.contains(&area) && digits > 0 && ends).then(|| &name[..area.len() + 1 + digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> Suite {
        let lines = |names: &[&str]| -> Vec<String> { names.iter().map(|name| format!("{name}: test")).collect() };
        let all =
            ["scope::tg_01_waits", "scope::tg_10_never_run", "shield::tg_01_too", "root::child_asks", "root::runs"];
        let mut listed = lines(&all);
        listed.push("5 tests, 0 benchmarks".to_owned());
        Suite::listed(&listed, &lines(&["root::child_asks"]))
    }

    #[test]
    fn behaviours_are_read_from_names() {
        assert_eq!(behaviour("scope::tg_04_first_failure"), Some("tg_04"));
        assert_eq!(behaviour("q_17"), Some("q_17"));
        for none in ["scope::settles", "up_04_x", "tg_x", "tg_4x_y", "tg_04::waits"] {
            assert_eq!(behaviour(none), None, "{none}");
        }
        assert_eq!(suite().behaviours().into_iter().collect::<Vec<_>>(), ["tg_01", "tg_10"]);
    }

    #[test]
    fn a_word_stands_for_a_behaviour_or_for_a_part_of_a_name() {
        assert_eq!(suite().chosen("tg_01"), ["scope::tg_01_waits", "shield::tg_01_too"]);
        assert_eq!(suite().chosen("tg_1"), Vec::<&str>::new());
        assert_eq!(suite().chosen("scope::tg_"), ["scope::tg_01_waits", "scope::tg_10_never_run"]);
        assert_eq!(suite().chosen("cope::tg_"), Vec::<&str>::new());
    }

    #[test]
    fn ignored_tests_are_run_by_others() {
        assert_eq!(suite().chosen("root"), ["root::runs"]);
    }
}
