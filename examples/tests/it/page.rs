//! From an answer to records and dead letters.

use harvest::page::{Page, sha256};
use serde_json::{Value, json};

fn take(body: &Value, items: &str, key: &str) -> Result<Page, String> {
    let mut page = Page::default();
    let taken = page.take(body, &items.parse().unwrap(), &key.parse().unwrap());
    taken.map(|_| page).map_err(|error| error.to_string())
}

#[test]
fn records_are_found_by_pointers() {
    let body = json!({ "data": { "rows": [{ "meta": { "key": "a" } }, { "meta": { "key": 7 } }] } });
    let page = take(&body, "/data/rows", "/meta/key").unwrap();
    let keys: Vec<&str> = page.records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["a", "7"]);
    assert_eq!(page.records[0].doc, r#"{"meta":{"key":"a"}}"#);
    assert_eq!(take(&json!([{ "id": 1 }]), "", "/id").unwrap().items(), 1);
}

#[test]
fn numbers_of_any_length_stay_as_they_are() {
    let text = r#"[{"id":123456789012345678901234567890,"price":0.10000000000000000001}]"#;
    let page = take(&serde_json::from_str(text).unwrap(), "", "/id").unwrap();
    assert_eq!(page.records[0].key, "123456789012345678901234567890");
    assert_eq!(format!("[{}]", page.records[0].doc), text);
}

#[test]
fn the_order_of_fields_is_no_change() {
    let hash = |text: &str| take(&serde_json::from_str(text).unwrap(), "", "/id").unwrap().records[0].hash.clone();
    assert_eq!(hash(r#"[{"id":1,"a":2}]"#), hash(r#"[{"a":2,"id":1}]"#));
    assert_ne!(hash(r#"[{"id":1,"a":2}]"#), hash(r#"[{"id":1,"a":3}]"#));
    assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn what_has_no_key_is_kept_with_its_text_and_its_place() {
    let body =
        json!({ "items": [{ "id": 1 }, { "name": "x" }, null, { "id": null }, { "id": [] }, { "id": "" }, "x"] });
    let page = take(&body, "/items", "/id").unwrap();
    assert_eq!(page.records.len(), 1);
    let dead: Vec<_> = page.dead.iter().map(|dead| (dead.position, dead.raw.as_str(), dead.reason.as_str())).collect();
    assert_eq!(dead[0], (1, r#"{"name":"x"}"#, "no key at /id: it is an object with name"));
    assert_eq!(dead[1], (2, "null", "no key at /id: it is null"));
    assert_eq!(dead[2], (3, r#"{"id":null}"#, "the key at /id is null"));
    assert_eq!(dead[3], (4, r#"{"id":[]}"#, "the key at /id is a list"));
    assert_eq!(dead[4].2, "the key at /id is a string");
    assert_eq!((dead[5].0, page.items()), (6, 7));
}

#[test]
fn parts_of_a_page_are_counted_through() {
    let (items, key) = ("".parse().unwrap(), "/id".parse().unwrap());
    let mut page = Page::default();
    assert_eq!(page.take(&json!([{ "id": 1 }, 2]), &items, &key).unwrap(), 2);
    assert_eq!(page.take(&json!([3]), &items, &key).unwrap(), 1);
    assert_eq!(page.dead.iter().map(|dead| dead.position).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn another_shape_is_named_with_its_pointer() {
    let error = take(&json!({ "results": { "count": 0 } }), "/items", "/id").unwrap_err();
    assert_eq!(error, "expected a list of records at /items (--items), but found nothing in an object with results");
    let error = take(&json!({ "items": {} }), "/items", "/id").unwrap_err();
    assert_eq!(
        error,
        "expected a list of records at /items (--items), but found an empty object in an object with items"
    );
}
