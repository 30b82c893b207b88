//! From an answer to the next request, without a server.

use clap::Parser;
use harvest::{args::Options, paging::Paging};
use reqwest::Url;
use serde_json::json;

fn paging(arguments: &str) -> Paging {
    let options = Options::try_parse_from(format!("harvest {arguments}").split(' ')).unwrap();
    Paging::new(&options, options.url.clone().unwrap())
}

fn part(paging: &Paging, index: u64, got: u64) -> Option<String> {
    paging.part(index, got).map(String::from)
}

fn after(paging: &Paging, link: Option<&str>, body: serde_json::Value) -> Option<String> {
    paging.after(&Url::parse("http://a/b/c?d=e").unwrap(), link, &body).unwrap().map(String::from)
}

#[test]
fn pages_are_counted_and_other_parameters_stay_letter_by_letter() {
    let pages = paging("--url http://a/b?sql=select+*+from+x+limit+:n&page=9&x --page-size 50");
    assert!(pages.is_parallel());
    let expected = "http://a/b?sql=select+*+from+x+limit+:n&x&per_page=50&page=3";
    assert_eq!(part(&pages, 2, 0).as_deref(), Some(expected));
    assert_eq!(part(&pages, 2, 50), None, "a page has one part");
}

#[test]
fn the_first_page_has_the_number_that_it_is_given() {
    let pages = paging("--url http://a/ --first-page 0 --page-param p");
    assert_eq!(part(&pages, 0, 0).as_deref(), Some("http://a/?p=0"));
}

#[test]
fn a_window_is_asked_for_until_it_is_full() {
    let windows = paging("--url http://a/ --style offset --page-size 1000");
    assert_eq!(part(&windows, 2, 0).as_deref(), Some("http://a/?offset=2000&limit=1000"));
    assert_eq!(part(&windows, 2, 100).as_deref(), Some("http://a/?offset=2100&limit=900"));
    assert_eq!(part(&windows, 2, 1_000), None);
    assert_eq!(part(&windows, 2, 1_200), None, "a server that gives more than asked for");
}

#[test]
fn totals_are_pages_or_records() {
    let body = json!({ "meta": { "total": 101 } });
    let pages = paging("--url http://a/ --total /meta/total");
    assert_eq!(pages.total(&body).unwrap(), Some(101));
    assert_eq!((pages.pages(101), pages.is_end(99, 7, 101), pages.is_end(100, 7, 101)), (101, false, true));
    let windows = paging("--url http://a/ --style offset --page-size 25 --total /meta/total");
    assert_eq!((windows.pages(101), windows.is_end(3, 25, 101), windows.is_end(4, 1, 101)), (5, false, true));
    let error = pages.total(&json!({ "meta": [] })).unwrap_err().to_string();
    assert!(error.contains("/meta/total (--total)"), "{error}");
    assert_eq!(paging("--url http://a/").total(&body).unwrap(), None);
}

#[test]
fn a_cursor_goes_into_its_parameter() {
    let cursors = paging("--url http://a/b?after=old --style cursor --cursor-param after --next /meta/cursor");
    assert_eq!(after(&cursors, None, json!({ "meta": { "cursor": "a b" } })).as_deref(), Some("http://a/b?after=a+b"));
    assert_eq!(after(&cursors, None, json!({ "meta": { "cursor": 7 } })).as_deref(), Some("http://a/b?after=7"));
    for end in [json!({}), json!({ "meta": { "cursor": null } }), json!({ "meta": { "cursor": "" } })] {
        assert_eq!(after(&cursors, None, end), None);
    }
    let url = Url::parse("http://a/").unwrap();
    let error = cursors.after(&url, None, &json!({ "meta": { "cursor": [1] } })).unwrap_err().to_string();
    assert_eq!(error, "expected a cursor or URL at /meta/cursor (--next), but found a list");
}

#[test]
fn next_urls_may_be_relative() {
    let urls = paging("--url http://a/ --style next-url");
    assert_eq!(after(&urls, None, json!({ "next": "?page=2" })).as_deref(), Some("http://a/b/c?page=2"));
    assert_eq!(after(&urls, None, json!({ "next": "/x" })).as_deref(), Some("http://a/x"));
    assert_eq!(after(&urls, None, json!({ "next": "http://b/x" })).as_deref(), Some("http://b/x"));
}

#[test]
fn link_headers_are_read_as_the_standard_writes_them() {
    let links = paging("--url http://a/ --style link");
    for (header, next) in [
        (r#"<http://a/2>; rel="next""#, Some("http://a/2")),
        (r#"<http://a/1>; rel="first", <http://a/2>; rel="next""#, Some("http://a/2")),
        (r#"<http://a/1>; title="a, b; rel=next"; rel=prev,<http://a/2?x=1,2>;REL=Next"#, Some("http://a/2?x=1,2")),
        (r#"<http://a/2>; rel="last next""#, Some("http://a/2")),
        (r#"<http://a/1>; rel="prev""#, None),
        (r#"<http://a/1>; rel="nextish""#, None),
        ("", None),
        ("<http://a/2", None),
    ] {
        assert_eq!(after(&links, Some(header), json!([])).as_deref(), next, "{header}");
    }
    assert_eq!(after(&links, None, json!({ "next": "http://a/2" })), None, "the body does not count");
}
