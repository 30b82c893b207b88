//! The same entries in five paging styles.

use std::ops::Range;

use hyper::header::{HeaderValue, LINK};
use serde_json::{Value, json};

use super::{
    answer::{self, Answer},
    data::Data,
};

const DEFAULT_PAGE_SIZE: usize = 50;
/// Larger pages are not served, as in most APIs: whoever asks for more gets so many.
const MAX_PAGE_SIZE: usize = 100;
/// Makes tokens look like tokens, so that no client can do arithmetic with them.
const TOKEN_MASK: usize = 0x5ca1_ab1e;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `/page?page=2&per_page=50`, pages from 1; the body has `total_pages`.
    Page,
    /// `/offset?offset=50&limit=50`; the body has `total`.
    Offset,
    /// `/cursor?cursor=TOKEN&limit=50`; the body has `next`, null at the end.
    Cursor,
    /// `/link?after=TOKEN&per_page=50`; the body is the list alone, the next page is in the header `Link`.
    Link,
    /// `/next-url?after=TOKEN&limit=50`; the body has `links.next`, null at the end.
    NextUrl,
}

impl Style {
    pub(super) fn of_path(path: &str) -> Option<Style> {
        Some(match path {
            "/page" => Style::Page,
            "/offset" => Style::Offset,
            "/cursor" => Style::Cursor,
            "/link" => Style::Link,
            "/next-url" => Style::NextUrl,
            _ => return None,
        })
    }
}

/// A page that was asked for.
#[derive(Debug)]
pub(super) struct Page {
    style: Style,
    start: usize,
    size: usize,
}

impl Page {
    /// Reads the query; `None` if a number or a token is wrong.
    pub(super) fn parse(style: Style, query: &str) -> Option<Page> {
        let size = match style {
            Style::Page | Style::Link => "per_page",
            Style::Offset | Style::Cursor | Style::NextUrl => "limit",
        };
        let size = number(query, size, DEFAULT_PAGE_SIZE)?.clamp(1, MAX_PAGE_SIZE);
        let start = match style {
            Style::Page => number(query, "page", 1)?.checked_sub(1)?.checked_mul(size)?,
            Style::Offset => number(query, "offset", 0)?,
            Style::Cursor => token_start(parameter(query, "cursor"))?,
            Style::Link | Style::NextUrl => token_start(parameter(query, "after"))?,
        };
        Some(Page { style, start, size })
    }

    /// The positions of the entries on this page.
    pub(super) fn positions(&self, data: &Data) -> Range<usize> {
        let end = self.start.saturating_add(self.size).min(data.entries());
        self.start.min(end)..end
    }

    /// Writes the page; `base` is the URL of the server and the path, for links.
    pub(super) fn answer(&self, data: &Data, base: &str) -> Answer {
        let positions = self.positions(data);
        let items: Vec<Value> = positions.clone().map(|position| data.entry(position)).collect();
        let next = (positions.end < data.entries() && !positions.is_empty()).then(|| token(positions.end));
        let (start, size, total) = (self.start, self.size, data.entries());
        match self.style {
            Style::Page => answer::json(&json!({
                "items": items, "page": start / size + 1, "total": total, "total_pages": total.div_ceil(size),
            })),
            Style::Offset => answer::json(&json!({ "items": items, "offset": start, "limit": size, "total": total })),
            Style::Cursor => answer::json(&json!({ "items": items, "next": next })),
            Style::Link => {
                let mut links = format!("<{base}?per_page={size}>; rel=\"first\"");
                if let Some(next) = next {
                    links += &format!(", <{base}?after={next}&per_page={size}>; rel=\"next\"");
                }
                let mut answer = answer::json(&Value::Array(items));
                answer.headers_mut().insert(LINK, HeaderValue::from_str(&links).expect("a URL and a word"));
                answer
            }
            Style::NextUrl => {
                let next = next.map(|next| format!("{base}?after={next}&limit={size}"));
                answer::json(&json!({ "items": items, "links": { "next": next } }))
            }
        }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }
}

pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

fn number(query: &str, name: &str, default: usize) -> Option<usize> {
    parameter(query, name).map_or(Some(default), |value| value.parse().ok())
}

fn token(start: usize) -> String {
    format!("{:x}", start ^ TOKEN_MASK)
}

fn token_start(token: Option<&str>) -> Option<usize> {
    token.map_or(Some(0), |token| usize::from_str_radix(token, 16).ok().map(|start| start ^ TOKEN_MASK))
}
