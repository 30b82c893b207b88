//! A file that no `mod` leads to is compiled by nobody: its tests never run, and nobody is told.

use super::{
    findings::Findings,
    source::{Reach, Source},
};

pub(crate) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources.iter().filter(|source| source.reach == Reach::Nowhere) {
        findings.fail(
            &source.path,
            "no `mod` leads here: declare it in the file above (for `tests/it`: in `main.rs`), or remove it",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orphan_is_found() {
        let sources = [Source::of("a.rs", Reach::Tests, ""), Source::of("b.rs", Reach::Nowhere, "")];
        let found = Findings::of(|findings| check(&sources, findings));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("b.rs: "));
    }
}
