//! What is said about samples.

/// A figure below this is noise of a count that is zero: no unit of ours is that small.
const NOTHING: f64 = 1e-3;

/// The figures of one contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
    /// Ours by this one; `None` for ours.
    pub(crate) ratio: Option<f64>,
}

impl Figures {
    pub(crate) fn new(mut samples: Vec<f64>, ratio: Option<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        Figures { min: at(0), median: at(samples.len() / 2), max: at(samples.len().saturating_sub(1)), ratio }
    }
}

/// The median of `ours` by `theirs` in the same round: what slowed a round down, slowed both.
///
/// `None` where nothing can be compared: a contender did not run, or the peer's figure is next to nothing.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let comparable = !ratios.is_empty() && theirs.iter().all(|figure| *figure > NOTHING);
    comparable.then(|| Figures::new(ratios, None).median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_round_does_not_move_the_ratio() {
        assert_eq!(ratio(&[2.0, 40.0, 2.0], &[1.0, 20.0, 4.0]), Some(2.0));
    }

    #[test]
    fn what_did_not_run_has_no_ratio() {
        assert_eq!(ratio(&[], &[1.0]), None);
        assert_eq!(ratio(&[1.0], &[-1e-6]), None);
    }

    #[test]
    fn figures_are_those_of_sorted_samples() {
        let figures = Figures { min: 1.0, median: 2.0, max: 9.0, ratio: None };
        assert_eq!(Figures::new(vec![9.0, 1.0, 2.0], None), figures);
    }
}
