//! The five paging styles, as functions from an answer to the next request.

use std::num::NonZeroU64;

use clap::ValueEnum;
use reqwest::Url;
use serde_json::Value;
use thiserror::Error;

use crate::{
    args::Options,
    pointer::{Pointer, describe},
};

/// Records per page when the style needs a number and none is given.
const WINDOW: NonZeroU64 = NonZeroU64::new(100).expect("it is not zero");

/// How an API tells its pages apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// `?page=2`
    Page,
    /// `?offset=100&limit=50`
    Offset,
    /// `?cursor=TOKEN`, the next token is in the body
    Cursor,
    /// The header `Link: <URL>; rel="next"`
    Link,
    /// The URL of the next page is in the body
    NextUrl,
}

/// The pages of one API.
#[derive(Clone, Debug)]
pub struct Paging {
    style: Style,
    url: Url,
    next: Pointer,
    total: Option<Pointer>,
    /// Name and value of the page size, if one is asked for.
    size: Option<(String, NonZeroU64)>,
    /// The parameter that changes from page to page.
    param: String,
    first_page: u64,
}

/// An answer does not say what its style promises.
#[derive(Debug, Error)]
pub enum PagingError {
    /// The pointer to the next page, or to the total, leads to something else.
    #[error("expected {expected} at {pointer} ({option}), but found {found}")]
    Shape {
        /// What should be there.
        expected: &'static str,
        /// Where.
        pointer: Pointer,
        /// The option that says so.
        option: &'static str,
        /// What is there.
        found: String,
    },
    /// The next page has no usable address.
    #[error("the link to the next page is not a URL: {0}")]
    Link(String),
}

impl Paging {
    /// Reads the style and its parameters from the command line.
    pub fn new(options: &Options, url: Url) -> Self {
        let needed = (options.style == Style::Offset).then_some(WINDOW);
        let param = match options.style {
            Style::Page => &options.page_param,
            Style::Offset => &options.offset_param,
            Style::Cursor | Style::Link | Style::NextUrl => &options.cursor_param,
        };
        Paging {
            style: options.style,
            url,
            next: options.next.clone(),
            total: options.total.clone(),
            size: options.page_size.or(needed).map(|size| (options.size_param().to_owned(), size)),
            param: param.clone(),
            first_page: options.first_page,
        }
    }

    /// Whether page 7 can be asked for before page 6 has come.
    pub fn is_parallel(&self) -> bool {
        matches!(self.style, Style::Page | Style::Offset)
    }

    /// The first page.
    pub fn first(&self) -> Url {
        let mut url = self.url.clone();
        if let Some((name, size)) = &self.size {
            set_parameter(&mut url, name, &size.to_string());
        }
        url
    }

    /// Page number `index`, counted from 0, of a parallel style, or the rest of it after `got` records.
    ///
    /// `None` if nothing is left. In the style `offset` a page is a window of records, and a server that gives less than asked
    /// for is asked again for the rest; so nothing is skipped when it has a maximum of its own.
    pub fn part(&self, index: u64, got: u64) -> Option<Url> {
        let mut url = self.first();
        match (self.style, &self.size) {
            (Style::Offset, Some((name, size))) => {
                let size = size.get();
                let left = size.checked_sub(got).filter(|left| *left > 0)?;
                set_parameter(&mut url, &self.param, &(index * size + got).to_string());
                set_parameter(&mut url, name, &left.to_string());
            }
            _ if got > 0 => return None,
            _ => set_parameter(&mut url, &self.param, &(self.first_page + index).to_string()),
        }
        Some(url)
    }

    /// The number at `--total`: of pages, or of records in the style `offset`. `None` if nobody asked for it.
    ///
    /// # Errors
    ///
    /// Something else is at the pointer.
    pub fn total(&self, body: &Value) -> Result<Option<u64>, PagingError> {
        let Some(pointer) = &self.total else { return Ok(None) };
        let found = pointer.find(body).unwrap_or(&Value::Null);
        let total = found.as_u64().ok_or_else(|| PagingError::Shape {
            expected: "a number",
            pointer: pointer.clone(),
            option: "--total",
            found: describe(found),
        })?;
        Ok(Some(total))
    }

    /// How many pages `total` means.
    pub fn pages(&self, total: u64) -> u64 {
        match (self.style, &self.size) {
            (Style::Offset, Some((_, size))) => total.div_ceil(size.get()),
            _ => total,
        }
    }

    /// Whether nothing comes after the first `got` records of a page.
    pub fn is_end(&self, index: u64, got: u64, total: u64) -> bool {
        match (self.style, &self.size) {
            (Style::Offset, Some((_, size))) => index * size.get() + got >= total,
            _ => index + 1 >= total,
        }
    }

    /// Where the page after this one is: `None` at the end.
    ///
    /// `asked` is the URL of this page, `link` its header of that name.
    ///
    /// # Errors
    ///
    /// What is there does not lead to a page.
    pub fn after(&self, asked: &Url, link: Option<&str>, body: &Value) -> Result<Option<Url>, PagingError> {
        let join = |link: &str| asked.join(link).map_err(|_| PagingError::Link(link.to_owned()));
        match self.style {
            Style::Link => link.and_then(next_link).map(join).transpose(),
            Style::NextUrl => self.token(body)?.as_deref().map(join).transpose(),
            Style::Cursor => Ok(self.token(body)?.map(|token| {
                let mut url = self.first();
                set_parameter(&mut url, &self.param, &token);
                url
            })),
            Style::Page | Style::Offset => Ok(None),
        }
    }

    /// Whether a page that names no successor does not even have the field where it would stand: a sign of a wrong `--next`.
    pub fn lacks_next(&self, body: &Value) -> Option<&Pointer> {
        (matches!(self.style, Style::Cursor | Style::NextUrl) && self.next.find(body).is_none()).then_some(&self.next)
    }

    /// What numbers the pages: with other options, page 7 is another page.
    pub fn identity(&self) -> String {
        format!("{:?} {:?} {} {}", self.style, self.size, self.param, self.first_page)
    }

    fn token(&self, body: &Value) -> Result<Option<String>, PagingError> {
        match self.next.find(body) {
            None | Some(Value::Null | Value::Bool(false)) => Ok(None),
            Some(Value::String(token)) => Ok(Some(token.clone()).filter(|token| !token.is_empty())),
            Some(Value::Number(token)) => Ok(Some(token.to_string())),
            Some(other) => Err(PagingError::Shape {
                expected: "a cursor or URL",
                pointer: self.next.clone(),
                option: "--next",
                found: describe(other),
            }),
        }
    }
}

/// Replaces a parameter of the query and leaves the others as they are, letter by letter.
fn set_parameter(url: &mut Url, name: &str, value: &str) {
    let query = url.query().unwrap_or("");
    let others = |pair: &&str| pair.split('=').next() != Some(name) && !pair.is_empty();
    let kept = query.split('&').filter(others).collect::<Vec<_>>().join("&");
    url.set_query(Some(&kept).filter(|kept| !kept.is_empty()).map(String::as_str));
    url.query_pairs_mut().append_pair(name, value);
}

/// The target of the first link whose relation is `next` (RFC 8288).
fn next_link(mut header: &str) -> Option<&str> {
    loop {
        let (_, after) = header.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (mut parameters, others) = split_unquoted(after, ',');
        while !parameters.is_empty() {
            let (parameter, more) = split_unquoted(parameters, ';');
            if is_next(parameter) {
                return Some(target);
            }
            parameters = more;
        }
        header = others;
    }
}

/// What is before and after the first separator that is not quoted.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    let at = text.find(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    at.map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}
