//! A panic outside of tests owes its reader a reason: `expect("why it cannot happen")`, or a remark.

use super::{
    findings::Findings,
    source::{Reach, Source},
};

const CALL: &str = ".unwrap()"; // unwrap: this is what is looked for.
const REASON: &str = "// unwrap:";

pub(crate) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources.iter().filter(|source| source.reach > Reach::Tests) {
        let mut above = "";
        for (number, line) in source.lines_outside_tests() {
            let code = !line.trim_start().starts_with("//");
            if code && line.contains(CALL) && !line.contains(REASON) && !above.contains(REASON) {
                let what = format_args!("write `expect(\"the reason\")`, or say it in `{REASON} the reason`");
                findings.fail(format_args!("{}:{number}", source.path), what);
            }
            above = line;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(reach: Reach, text: &str) -> usize {
        Findings::of(|findings| check(&[Source::of("x.rs", reach, text)], findings)).len()
    }

    #[test]
    fn an_unwrap_without_a_reason_is_found() {
        assert_eq!(found(Reach::Libraries, "let a = b.unwrap();\n"), 1);
        assert_eq!(found(Reach::Programs, "let a = b.unwrap();\n"), 1);
    }

    #[test]
    fn tests_docs_and_reasons_may() {
        assert_eq!(found(Reach::Tests, "let a = b.unwrap();\n"), 0);
        assert_eq!(found(Reach::Libraries, "/// let a = b.unwrap();\n//! b.unwrap()\n"), 0);
        assert_eq!(found(Reach::Libraries, "// unwrap: b is never empty\nlet a = b.unwrap();\n"), 0);
        assert_eq!(found(Reach::Libraries, "let a = b.unwrap(); // unwrap: b is never empty\n"), 0);
        assert_eq!(found(Reach::Libraries, "#[cfg(test)]\nmod tests {\n    b.unwrap();\n}\n"), 0);
    }
}
