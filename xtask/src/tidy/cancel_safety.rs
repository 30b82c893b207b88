//! Every public future says what is lost when it is dropped half-way, and no two of them in the same words.
//!
//! A copied paragraph is one that nobody thought about: the loss, the place in the queue, the remedy differ.

use std::collections::{HashMap, HashSet};

use super::{
    findings::Findings,
    items::{Item, public_items},
    source::{Reach, Source},
};

const HEADING: &str = "# Cancel safety";

pub(crate) fn check(sources: &[Source], findings: &mut Findings) {
    let libraries: Vec<_> = sources.iter().filter(|source| source.reach == Reach::Libraries).collect();
    let named: HashSet<_> = libraries.iter().flat_map(|source| futures_implemented_in(source)).collect();
    let mut seen: HashMap<String, String> = HashMap::new();
    for source in libraries {
        for item in public_items(source) {
            let place = format!("{}:{}", source.path, item.line);
            let section = section(&item.docs);
            if section.is_empty() {
                if is_future(&item, source, &named) {
                    findings.fail(
                        place,
                        format_args!("add a section `{HEADING}`: what is lost when this future is dropped half-way?"),
                    );
                }
            } else if let Some(other) = seen.get(&section) {
                findings.fail(
                    place,
                    format_args!("`{HEADING}` has the same words as at {other}: say what is true of this one"),
                );
            } else {
                seen.insert(section, place);
            }
        }
    }
}

fn is_future(item: &Item<'_>, source: &Source, named: &HashSet<(String, String)>) -> bool {
    let head = item.head.strip_prefix("pub ").unwrap_or(&item.head);
    if let Some(rest) = head.strip_prefix("struct ").or_else(|| head.strip_prefix("enum ")) {
        return named.contains(&(package_of(source), identifier(rest)));
    }
    head.starts_with("async fn ")
        || (head.starts_with("fn ")
            && [") -> impl Future<", ") -> impl std::future::Future<"].iter().any(|arrow| head.contains(arrow)))
}

/// The package and the name of every type that is a future.
fn futures_implemented_in(source: &Source) -> Vec<(String, String)> {
    let lines = source.lines_outside_tests().into_iter().map(|(_, line)| line.trim_start());
    let heads = lines.filter(|line| line.starts_with("impl") || line.starts_with("Future for "));
    let after = heads.filter_map(|line| {
        line.split_once(" Future for ")
            .or_else(|| line.split_once("::Future for "))
            .map_or_else(|| line.strip_prefix("Future for "), |(_, name)| Some(name))
    });
    after.map(|name| (package_of(source), identifier(name))).collect()
}

/// `crates/sync` for `crates/sync/src/event.rs`.
fn package_of(source: &Source) -> String {
    source.path.split("/src/").next().unwrap_or_default().to_owned()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The words below the heading, up to the next one; empty where there are none.
fn section(docs: &[&str]) -> String {
    let below = docs.iter().skip_while(|line| line.trim_end() != HEADING).skip(1);
    let words = below.take_while(|line| !line.starts_with("# ")).flat_map(|line| line.split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str]) -> Vec<String> {
        let source = |(n, text): (usize, &&str)| Source::of(&format!("crates/x/src/f{n}.rs"), Reach::Libraries, text);
        let sources: Vec<_> = texts.iter().enumerate().map(source).collect();
        Findings::of(|findings| check(&sources, findings))
    }

    #[test]
    fn an_async_fn_without_the_section_is_found() {
        for head in [
            "pub async fn wait() {}",
            "pub fn wait(\n    n: usize,\n) -> impl Future<Output = ()> {",
            "pub trait T {\n    async fn wait(&self);\n}",
        ] {
            let found = found(&[&format!("/// Waits.\n{head}\n")]);
            assert_eq!(found.len(), 1, "{head}");
            assert!(found[0].starts_with("crates/x/src/f0.rs:"), "{}", found[0]);
        }
    }

    #[test]
    fn a_heading_without_words_does_not_do() {
        assert_eq!(
            found(&["/// Waits.\n///\n/// # Cancel safety\n///\n/// # Examples\n/// x\npub async fn wait() {}\n"])
                .len(),
            1
        );
    }

    #[test]
    fn a_named_future_is_found_across_files() {
        for implementation in [
            "impl<T> Future for Wait<T> {\n}\n",
            "impl std::future::Future for Wait {\n}\n",
            "impl<T>\n    Future for Wait<T>\n",
        ] {
            assert_eq!(found(&["/// Waits.\npub struct Wait {\n", implementation]).len(), 1, "{implementation}");
        }
        assert_eq!(found(&["/// Waits.\npub struct Wait {\n", "impl IntoFuture for Wait {\n}\n"]).len(), 0);
        assert_eq!(
            found(&[
                "/// Waits.\n///\n/// # Cancel safety\n///\n/// Keeps its place.\npub struct Wait {\n",
                "impl Future for Wait {\n}\n"
            ])
            .len(),
            0
        );
    }

    #[test]
    fn the_same_words_twice_are_found() {
        let one = "/// # Cancel safety\n///\n/// Nothing is lost.\npub async fn a() {}\n";
        let same = "/// # Cancel safety\n///\n/// Nothing\n/// is lost.\n///\n/// # Examples\npub async fn b() {}\n";
        let other = "/// # Cancel safety\n///\n/// The place in the queue is lost.\npub async fn c() {}\n";
        assert_eq!(found(&[one, other]).len(), 0);
        let found = found(&[one, same]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("f1.rs:7") && found[0].contains("f0.rs:4"), "{}", found[0]);
    }
}
