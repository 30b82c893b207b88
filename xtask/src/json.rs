//! As much JSON as `cargo metadata` needs, so that this program needs nothing but the standard library.

use std::{iter::Peekable, str::Chars};

#[derive(Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// Kept as text: nobody here calculates with one.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads `text`; `None` when it is not JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.chars().peekable();
        let json = value(&mut rest)?;
        skip_space(&mut rest);
        rest.next().is_none().then_some(json)
    }

    /// The member `name`, `Null` where there is none.
    pub(crate) fn get(&self, name: &str) -> &Self {
        let found = self.members().iter().find(|(key, _)| key == name);
        found.map_or(&Self::Null, |(_, value)| value)
    }

    pub(crate) fn members(&self) -> &[(String, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }

    /// The text of a string; empty for everything else.
    pub(crate) fn text(&self) -> &str {
        if let Self::String(text) = self { text } else { "" }
    }
}

fn value(rest: &mut Peekable<Chars<'_>>) -> Option<Json> {
    skip_space(rest);
    match *rest.peek()? {
        '{' => object(rest),
        '[' => array(rest),
        '"' => string(rest).map(Json::String),
        _ => {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
                word.push(c);
            }
            match word.as_str() {
                "null" => Some(Json::Null),
                "true" => Some(Json::Bool(true)),
                "false" => Some(Json::Bool(false)),
                _ => word.parse::<f64>().is_ok().then_some(Json::Number(word)),
            }
        }
    }
}

fn object(rest: &mut Peekable<Chars<'_>>) -> Option<Json> {
    let mut members = Vec::new();
    list(rest, '}', |rest| {
        let key = string(rest)?;
        skip_space(rest);
        rest.next_if_eq(&':')?;
        members.push((key, value(rest)?));
        Some(())
    })?;
    Some(Json::Object(members))
}

fn array(rest: &mut Peekable<Chars<'_>>) -> Option<Json> {
    let mut items = Vec::new();
    list(rest, ']', |rest| {
        items.push(value(rest)?);
        Some(())
    })?;
    Some(Json::Array(items))
}

/// What an object and an array have in common: an opening sign, entries between commas, `close`.
fn list(
    rest: &mut Peekable<Chars<'_>>,
    close: char,
    mut entry: impl FnMut(&mut Peekable<Chars<'_>>) -> Option<()>,
) -> Option<()> {
    rest.next();
    skip_space(rest);
    if rest.next_if_eq(&close).is_some() {
        return Some(());
    }
    loop {
        skip_space(rest);
        entry(rest)?;
        skip_space(rest);
        match rest.next()? {
            ',' => {}
            c => return (c == close).then_some(()),
        }
    }
}

fn string(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    rest.next_if_eq(&'"')?;
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'u' => {
                    let code: String = rest.by_ref().take(4).collect();
                    // Halves of a surrogate pair are not worth their code: nobody has an emoji in a manifest.
                    text.push(
                        char::from_u32(u32::from_str_radix(&code, 16).ok()?).unwrap_or(char::REPLACEMENT_CHARACTER),
                    );
                }
                escaped => text.push(escaped),
            },
            c => text.push(c),
        }
    }
}

fn skip_space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_writes_is_read() {
        let json = Json::parse(
            r#" {"packages": [{"name": "a\n\u00e9\"", "optional": true, "n": -1.5e3, "none": null}], "empty": {}} "#,
        )
        .expect("valid");
        let package = &json.get("packages").items()[0];
        assert_eq!(package.get("name").text(), "a\né\"");
        assert_eq!(package.get("optional"), &Json::Bool(true));
        assert_eq!(package.get("n"), &Json::Number("-1.5e3".to_owned()));
        assert_eq!(json.get("empty").members().len(), 0);
        assert_eq!(json.get("absent").get("deeper"), &Json::Null);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "[1,]", "{\"a\" 1}", "[1] 2", "\"open", "nul"] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }
}
