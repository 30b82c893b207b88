//! What the rules have found.

use std::fmt::{self, Display};

#[derive(Debug, Default)]
pub(crate) struct Findings {
    failures: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    /// `place` is a path, with `:line` where there is one; `what` says what to do.
    pub(crate) fn fail(&mut self, place: impl Display, what: impl Display) {
        self.failures.push(format!("{place}: {what}"));
    }

    pub(crate) fn warn(&mut self, place: impl Display, what: impl Display) {
        self.warnings.push(format!("{place}: warning: {what}"));
    }

    pub(crate) fn failures(&self) -> usize {
        self.failures.len()
    }

    pub(crate) fn summary(&self) -> String {
        format!("{} failures, {} warnings", self.failures.len(), self.warnings.len())
    }
}

impl Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.warnings.iter().chain(&self.failures).try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

#[cfg(test)]
impl Findings {
    /// The failures, for tests of the rules.
    pub(crate) fn of(rule: impl FnOnce(&mut Self)) -> Vec<String> {
        let mut findings = Self::default();
        rule(&mut findings);
        findings.failures
    }
}
