//! Public items with their docs, read line by line: rustfmt has put every item where this expects it.

use super::source::Source;

#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) line: usize,
    /// What stands before the body, in one line: `pub async fn wait(&self) -> bool {`.
    pub(crate) head: String,
    pub(crate) docs: Vec<&'a str>,
}

/// The items that are `pub` without a restriction, and the methods of such traits.
pub(crate) fn public_items(source: &Source) -> Vec<Item<'_>> {
    let lines = source.lines_outside_tests();
    let mut items = Vec::new();
    let mut docs = Vec::new();
    let mut open_brackets = 0;
    let mut end_of_trait = None;
    for (index, &(line, text)) in lines.iter().enumerate() {
        let trimmed = text.trim_start();
        if open_brackets > 0 || trimmed.starts_with("#[") {
            open_brackets += balance(trimmed);
        } else if let Some(doc) = trimmed.strip_prefix("///") {
            docs.push(doc.strip_prefix(' ').unwrap_or(doc));
        } else if trimmed.is_empty() || trimmed.starts_with("//") {
            // Neither ends the docs of the item below.
        } else {
            let docs = std::mem::take(&mut docs);
            if end_of_trait.as_deref() == Some(text) {
                end_of_trait = None;
            }
            let method = end_of_trait.is_some() && (trimmed.starts_with("fn ") || trimmed.starts_with("async fn "));
            if method || trimmed.starts_with("pub ") {
                let head = head(&lines[index..]);
                if head.starts_with("pub trait ") {
                    end_of_trait = Some(format!("{}}}", &text[..text.len() - trimmed.len()]));
                }
                items.push(Item { line, head, docs });
            }
        }
    }
    items
}

/// The lines up to the body, joined.
fn head(lines: &[(usize, &str)]) -> String {
    let mut head = String::new();
    for (_, line) in lines {
        head += line.trim();
        if line.ends_with(['{', ';', '}']) {
            break;
        }
        head.push(' ');
    }
    head
}

fn balance(attribute: &str) -> isize {
    attribute.chars().fold(0, |balance, c| match c {
        '[' => balance + 1,
        ']' => balance - 1,
        _ => balance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::Reach;

    #[test]
    fn items_come_with_their_docs_and_their_whole_head() {
        let text = "\
/// Waits.
///
/// # Errors
#[must_use = \"why\"]
#[doc(
    alias = \"x\"
)]
pub async fn wait(
    &self,
) -> bool {
    body();
}

/// Not public.
pub(crate) async fn hidden() {}
pub trait Source {
    /// Next.
    async fn next(&self);
}
impl Source for () {
    async fn next(&self) {}
}
";
        let source = Source::of("x.rs", Reach::Libraries, text);
        let items = public_items(&source);
        let heads: Vec<_> = items.iter().map(|item| (item.line, item.head.as_str())).collect();
        assert_eq!(
            heads,
            [(8, "pub async fn wait( &self, ) -> bool {"), (16, "pub trait Source {"), (18, "async fn next(&self);")]
        );
        assert_eq!(items[0].docs, ["Waits.", "", "# Errors"]);
        assert_eq!(items[2].docs, ["Next."]);
    }
}
