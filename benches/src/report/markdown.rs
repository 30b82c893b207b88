//! The report for people.

use super::{Report, Row, Table, figure, times};

pub(crate) fn text(report: &Report) -> String {
    let tables: String = report.tables.iter().map(table).collect();
    format!(
        "# bowline-{}\n\n{}\nTimes move with the machine; the ratio, ours by theirs, is the median over rounds in which both ran.\n{tables}",
        report.subject,
        report.preface(),
    )
}

fn table(Table { title, unit, rows }: &Table) -> String {
    let rows: String = rows.iter().map(row).collect();
    format!("\n## {title}\n\n| {unit} | min | median | max | ours is |\n|---|---:|---:|---:|---:|\n{rows}")
}

fn row(Row { name, figures }: &Row) -> String {
    match figures {
        Ok(figures) => {
            let [min, median, max] = [figures.min, figures.median, figures.max].map(figure);
            format!("| {name} | {min} | {median} | {max} | {} |\n", figures.ratio.map_or_else(String::new, times))
        }
        Err(why) => format!("| {name} | {why} | | | |\n"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_contender_has_a_line() {
        let text = super::text(&super::super::sample());
        assert!(text.contains("| rope | 1.00 | 2.50 | 3.00 | 0.80 x |\n| hemp | is missing | | | |\n"), "{text}");
    }
}
