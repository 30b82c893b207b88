//! A file of more than 400 lines usually holds two concepts. A warning: sometimes it does not.

use super::{findings::Findings, source::Source};

const MANY: usize = 400;

pub(crate) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources {
        let lines = source.text.lines().count();
        if lines > MANY {
            findings.warn(
                format_args!("{}:{MANY}", source.path),
                format_args!("{lines} lines: are there two concepts in it?"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::Reach;

    #[test]
    fn a_long_file_is_a_warning_not_a_failure() {
        let source = |lines| [Source::of("x.rs", Reach::Libraries, &"\n".repeat(lines))];
        let mut findings = Findings::default();
        check(&source(MANY), &mut findings);
        assert_eq!(findings.summary(), "0 failures, 0 warnings");
        check(&source(MANY + 1), &mut findings);
        assert_eq!(findings.summary(), "0 failures, 1 warnings");
    }
}
