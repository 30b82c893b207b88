//! Every file says in its first lines what it is for.

use super::{findings::Findings, source::Source};

pub(crate) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources.iter().filter(|source| !has_docs(&source.text)) {
        findings.fail(format_args!("{}:1", source.path), "say in a `//!` line what this file is for");
    }
}

fn has_docs(text: &str) -> bool {
    // A licence remark or an inner attribute may come first.
    let passed_over =
        |line: &&str| line.is_empty() || line.starts_with("#!") || (line.starts_with("//") && !line.starts_with("//!"));
    let first = text.lines().map(str::trim).find(|line| !passed_over(line));
    first.is_some_and(|line| line.strip_prefix("//!").is_some_and(|docs| !docs.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::has_docs;

    #[test]
    fn docs_come_before_the_first_item() {
        assert!(has_docs("//! Events.\n"));
        assert!(has_docs("#![forbid(unsafe_code)]\n\n//! Events.\n"));
        assert!(!has_docs("//!\nuse std::fmt;\n"));
        assert!(!has_docs("use std::fmt;\n//! late\n"));
        assert!(!has_docs("/// of the item\nfn f() {}\n"));
        assert!(!has_docs(""));
    }
}
