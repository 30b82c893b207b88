//! The report for programs.

use super::{Report, Row, Table};

pub(crate) fn text(report: &Report) -> String {
    let peers = report.peers.iter().map(|(name, version)| format!("{}: {}", quoted(name), quoted(version)));
    format!(
        "{{\n  \"subject\": {},\n  \"filter\": {},\n  \"cores\": {},\n  \"peers\": {{{}}},\n  \"tables\": [\n{}\n  ]\n}}\n",
        quoted(report.subject),
        report.filter.as_deref().map_or_else(|| "null".to_owned(), quoted),
        report.cores,
        peers.collect::<Vec<_>>().join(", "),
        report.tables.iter().map(table).collect::<Vec<_>>().join(",\n"),
    )
}

fn table(Table { title, unit, rows }: &Table) -> String {
    let rows: Vec<_> = rows.iter().map(row).collect();
    format!(
        "    {{\"title\": {}, \"unit\": {}, \"rows\": [\n{}\n    ]}}",
        quoted(title),
        quoted(unit),
        rows.join(",\n")
    )
}

fn row(Row { name, figures }: &Row) -> String {
    let name = quoted(name);
    match figures {
        Ok(figures) => format!(
            "      {{\"name\": {name}, \"min\": {}, \"median\": {}, \"max\": {}, \"ratio\": {}}}",
            number(figures.min),
            number(figures.median),
            number(figures.max),
            figures.ratio.map_or_else(|| "null".to_owned(), number),
        ),
        Err(why) => format!("      {{\"name\": {name}, \"missing\": {}}}", quoted(why)),
    }
}

/// JSON has no word for what is not a number.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { "null".to_owned() }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_gaps_are_null() {
        let text = text(&super::super::sample());
        assert!(text.contains(r#""title": "current_thread: 2 \"bends\" & more""#), "{text}");
        assert!(text.contains(r#"{"name": "rope", "min": 1.0000, "median": 2.5000, "max": 3.0000, "ratio": 0.8000}"#));
        assert!(text.contains(r#"{"name": "hemp", "missing": "is missing"}"#));
        assert_eq!(number(f64::NAN), "null");
        assert_eq!(quoted("a\tb"), "\"a\\u0009b\"");
    }
}
