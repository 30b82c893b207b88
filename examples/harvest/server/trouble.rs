//! Paths below `/trouble/` that behave as no API should, each in one way: for the tests of a client.

use std::future::pending;

use hyper::StatusCode;
use serde_json::json;

use super::{
    Api,
    answer::{self, Answer},
    pages::{Style, parameter},
};

/// How often `/trouble/unavailable` refuses before it answers.
const UNAVAILABLE_TIMES: u64 = 2;

/// Answers `/trouble/NAME`. Where nothing else is said, pages are those of `/page`.
///
/// * `loop`: the third page's cursor is that of the second page.
/// * `not-json`: HTML with status 200.
/// * `shape`: JSON without a list of items.
/// * `hang`: page 3 never comes.
/// * `broken`: page 2 is always 500.
/// * `unavailable`: the first two requests are refused with 503 and `Retry-After: 1`.
pub(super) async fn answer(api: &Api, name: &str, query: &str, base: &str) -> Answer {
    let page = parameter(query, "page").unwrap_or("1");
    match name {
        "loop" => {
            let cursor = parameter(query, "cursor").unwrap_or("one");
            let (id, next) = match cursor {
                "one" => (1, "two"),
                "two" => (2, "three"),
                _ => (3, "two"),
            };
            api.counters().count(|counts| {
                counts.pages += 1;
                counts.records += 1;
            });
            return answer::json(&json!({ "items": [{ "id": id }], "next": next }));
        }
        "not-json" => {
            return answer::text("text/html", "<html><body>Please log in</body></html>".to_owned());
        }
        "shape" => return answer::json(&json!({ "results": { "count": 0 } })),
        "hang" if page == "3" => return pending().await,
        "broken" if page == "2" => {
            api.counters().count(|counts| counts.errors += 1);
            return answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "this page is broken for good");
        }
        "unavailable" if api.counts().unavailable < UNAVAILABLE_TIMES => return api.unavailable(),
        "hang" | "broken" | "unavailable" => {}
        _ => return answer::failure(StatusCode::NOT_FOUND, "no such path"),
    }
    api.page(Style::Page, query, base).await
}
