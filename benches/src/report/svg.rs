//! The report at a glance: a bar for each ratio, with a line at 1.

use super::{Report, Row, times};

const NAMES: f64 = 330.0;
/// The width of the ratio 1.
const ONE: f64 = 240.0;
/// What is longer is cut off here; its figure stands beside it.
const LONGEST: f64 = 2.0;
const LINE: f64 = 18.0;
const WIDTH: f64 = NAMES + ONE * LONGEST + 80.0;

pub(crate) fn text(report: &Report) -> String {
    let mut body = String::new();
    let mut y = LINE * 1.5;
    for table in &report.tables {
        body += &label(4.0, y, "font-weight=\"bold\"", &table.title);
        y += LINE;
        for row in &table.rows {
            if let Some(bar) = bar(row, y) {
                body += &bar;
                y += LINE;
            }
        }
        y += LINE / 2.0;
    }
    let one = NAMES + ONE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}\
         <line x1=\"{one}\" x2=\"{one}\" y1=\"0\" y2=\"{y}\" stroke=\"black\" stroke-dasharray=\"3 3\"/>\n</svg>\n"
    )
}

/// Ours by theirs: green where ours is at most as much.
fn bar(Row { name, figures }: &Row, y: f64) -> Option<String> {
    let ratio = figures.as_ref().ok()?.ratio?;
    let (width, top) = (ONE * ratio.min(LONGEST), y - LINE * 0.7);
    let colour = if ratio <= 1.0 { "seagreen" } else { "chocolate" };
    let bar = format!(
        "<rect x=\"{NAMES}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\n",
        LINE * 0.8
    );
    Some(label(16.0, y, "", name) + &bar + &label(NAMES + width + 6.0, y, "", &times(ratio)))
}

fn label(x: f64, y: f64, attributes: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_ratios_have_bars() {
        let text = super::text(&super::super::sample());
        assert_eq!(text.matches("seagreen").count(), 1, "{text}");
        assert!(text.contains("\"bends\" &amp; more") && text.contains("width=\"192.0\""), "{text}");
    }
}
