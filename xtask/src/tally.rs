//! How many tests passed, failed and were skipped, read from what the test runners say.

use std::fmt;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// The closing line of the runner of unit and integration tests, as it wrote it.
    closing: String,
}

impl Tally {
    /// Adds what `cargo nextest run` has said. Its summary is the last one: what failed tests printed stands above it.
    pub(crate) fn add_nextest(&mut self, lines: &[String]) {
        if let Some(summary) = lines.iter().rev().map(|line| line.trim()).find(|line| line.starts_with("Summary [")) {
            summary.clone_into(&mut self.closing);
            self.count(summary.split(',').flat_map(|part| part.split(" run: ")));
        }
    }

    /// Adds what `cargo test` has said: a result for every binary.
    pub(crate) fn add_cargo_test(&mut self, lines: &[String]) {
        for result in lines.iter().filter(|line| line.starts_with("test result: ")) {
            self.count(result.split([';', '.']));
        }
    }

    /// The closing line of the test runner, and the sum over all runners; nothing when no test was run.
    pub(crate) fn closing_lines(&self) -> Vec<String> {
        if *self == Self::default() {
            return Vec::new();
        }
        let Self { passed, failed, skipped, closing } = self;
        let verdict = if *failed == 0 { "ok" } else { "FAILED" };
        let closing = if closing.is_empty() {
            format!("test result: {verdict}. {passed} passed; {failed} failed; {skipped} ignored")
        } else {
            closing.clone()
        };
        vec![closing, self.to_string()]
    }

    /// Counts parts like `3 passed (1 slow)` or ` 2 ignored`.
    fn count<'a>(&mut self, parts: impl Iterator<Item = &'a str>) {
        for part in parts {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<usize>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" | "timed" | "exec" => self.failed += number,
                "skipped" | "ignored" | "filtered" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped, .. } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn nextest_and_documentation_tests_are_summed() {
        let nextest = "     Summary [   1.503s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        let doctest = "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.10s";
        let mut tally = Tally::default();
        tally.add_nextest(&lines(&["    PASS x", nextest, "    FAIL y"]));
        tally.add_cargo_test(&lines(&[doctest]));
        assert_eq!(tally.closing_lines(), [nextest.trim(), "10 passed, 3 failed, 6 skipped"]);
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted() {
        let printed = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 39 filtered out";
        let mut tally = Tally::default();
        tally.add_nextest(&lines(&[
            "Summary [ 0.1s] 7 tests run: 7 passed, 0 skipped",
            printed,
            "Summary [ 0.2s] 1 test run: 1 failed, 0 skipped",
        ]));
        assert_eq!(tally.to_string(), "0 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn cargo_test_closes_with_the_sum_of_its_binaries() {
        let one = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let two = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.34s";
        let mut tally = Tally::default();
        tally.add_cargo_test(&lines(&[one, two]));
        let closing = ["test result: FAILED. 6 passed; 2 failed; 0 ignored", "6 passed, 2 failed, 0 skipped"];
        assert_eq!(tally.closing_lines(), closing);
    }

    #[test]
    fn no_tests_no_closing_line() {
        assert!(Tally::default().closing_lines().is_empty());
    }
}
