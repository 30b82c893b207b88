//! What the tests made of the breaks.

use std::{collections::BTreeSet, fmt, time::Duration};

use super::{
    bench::Test,
    suite::{Suite, behaviour},
};

/// A break, and what became of the tests that should notice it.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// `Err`: it could not be put in or built, and this is why.
    pub(crate) result: Result<Vec<(Verdict, Test)>, String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Failed,
    /// Killed: a hang is a failure too.
    Hung,
    /// It passed although it should not.
    Survived,
}

impl Trial {
    /// Whether every test failed as it should.
    pub(crate) fn is_noticed(&self) -> bool {
        self.result.as_ref().is_ok_and(|tests| tests.iter().all(|(verdict, _)| *verdict != Verdict::Survived))
    }
}

/// A line for every test of every break, and the sum.
pub(crate) fn table(trials: &[Trial]) -> String {
    let width = trials.iter().map(|trial| trial.name.len()).max().unwrap_or_default().max("break".len());
    let mut table = format!("{:<width$} {:>7}  {:<8}  test\n", "break", "seconds", "result");
    for Trial { name, took, result } in trials {
        let mut head = format!("{name:<width$} {:>7.1}", took.as_secs_f64());
        match result {
            Err(_) => table += &format!("{head}  INVALID   (see above)\n"),
            Ok(tests) => {
                for (verdict, test) in tests {
                    table += &format!("{head}  {verdict:<8}  {test}\n");
                    head = " ".repeat(head.len());
                }
            }
        }
    }
    let verdicts = || trials.iter().filter_map(|trial| trial.result.as_ref().ok()).flatten();
    let survived = verdicts().filter(|(verdict, _)| *verdict == Verdict::Survived).count();
    let invalid = trials.iter().filter(|trial| trial.result.is_err()).count();
    let seconds = trials.iter().map(|trial| trial.took.as_secs_f64()).sum::<f64>();
    table
        + &format!(
            "{} breaks in {seconds:.0} s: {} tests failed as they should, {survived} survived; {invalid} breaks are invalid\n",
            trials.len(),
            verdicts().count() - survived,
        )
}

/// How many behaviours a test asserts, and for how many of them the trials prove that it can fail.
pub(crate) fn coverage(suite: &Suite, trials: &[Trial]) -> String {
    let verdicts = trials.iter().filter_map(|trial| trial.result.as_ref().ok()).flatten();
    let failed = verdicts.filter(|(verdict, _)| *verdict != Verdict::Survived);
    let covered: BTreeSet<&str> = failed.filter_map(|(_, test)| behaviour(test.name_in_it()?)).collect();
    let all = suite.behaviours();
    let open: Vec<&str> = all.difference(&covered).copied().collect();
    let counts = format!("behaviours: {} have a test, {} of them are covered by a break\n", all.len(), covered.len());
    if open.is_empty() { counts } else { format!("{counts}not covered: {}\n", open.join(" ")) }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Failed => "failed",
            Verdict::Hung => "hung",
            Verdict::Survived => "SURVIVED",
        })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::It(name) => f.write_str(name),
            Test::Docs(part) => write!(f, "documentation: {part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials() -> Vec<Trial> {
        let it = |name: &str| Test::It(name.to_owned());
        let trial = |name: &str, result| Trial { name: name.to_owned(), took: Duration::from_secs(2), result };
        vec![
            trial("early", Ok(vec![(Verdict::Failed, it("a::tg_01_x")), (Verdict::Survived, it("a::tg_02_y"))])),
            trial("late", Ok(vec![(Verdict::Hung, it("b::q_03_z")), (Verdict::Failed, Test::Docs("b.rs".to_owned()))])),
            trial("typo", Err("does not compile".to_owned())),
        ]
    }

    #[test]
    fn each_test_has_a_line() {
        let expected = "\
break seconds  result    test
early     2.0  failed    a::tg_01_x
               SURVIVED  a::tg_02_y
late      2.0  hung      b::q_03_z
               failed    documentation: b.rs
typo      2.0  INVALID   (see above)
3 breaks in 6 s: 3 tests failed as they should, 1 survived; 1 breaks are invalid
";
        assert_eq!(table(&trials()), expected);
    }

    #[test]
    fn a_survivor_and_a_break_that_does_not_build_are_not_noticed() {
        let noticed: Vec<_> = trials().iter().map(Trial::is_noticed).collect();
        assert_eq!(noticed, [false, true, false]);
    }

    #[test]
    fn a_behaviour_is_covered_when_its_test_has_failed() {
        let listed = ["a::tg_01_x", "a::tg_02_y", "b::q_03_z", "b::other"].map(|name| format!("{name}: test"));
        let text = coverage(&Suite::listed(&listed, &[]), &trials());
        assert_eq!(text, "behaviours: 3 have a test, 2 of them are covered by a break\nnot covered: tg_02\n");
    }
}
