//! What was measured, as tables: for the terminal, and for the files that outlive it.

use std::{fmt, fs, io, path::Path, thread};

use crate::statistics::Figures;

mod json;
mod markdown;
mod svg;

/// The lock file of the build: which peers these were.
const LOCK: &str = include_str!("../../Cargo.lock");

/// All tables of one run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) subject: &'static str,
    pub(crate) filter: Option<String>,
    /// Names and versions.
    pub(crate) peers: Vec<(&'static str, &'static str)>,
    pub(crate) cores: usize,
    pub(crate) tables: Vec<Table>,
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    /// The first is ours.
    pub(crate) rows: Vec<Row>,
}

/// One contender: its figures, or why it has none.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) figures: Result<Figures, String>,
}

impl Report {
    pub(crate) fn new(subject: &'static str, peers: &[&'static str], filter: Option<&str>) -> Self {
        Report {
            subject,
            filter: filter.map(str::to_owned),
            peers: peers.iter().map(|name| (*name, version(LOCK, name).unwrap_or("?"))).collect(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            tables: Vec::new(),
        }
    }

    /// What one must know to read the tables.
    pub(crate) fn preface(&self) -> String {
        let peers: Vec<_> = self.peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let of = self.filter.as_ref().map_or_else(String::new, |text| format!(" Only what contains \"{text}\"."));
        format!("bowline-{} beside {}; {} cores.{of}", self.subject, peers.join(", "), self.cores)
    }

    /// Writes all forms into `folder`, and says where.
    pub(crate) fn write(&self, folder: &str) -> io::Result<String> {
        fs::create_dir_all(folder)?;
        let folder = Path::new(folder).canonicalize()?;
        let name = self.subject;
        for (ending, text) in [("json", json::text(self)), ("md", markdown::text(self)), ("svg", svg::text(self))] {
            fs::write(folder.join(format!("{name}.{ending}")), text)?;
        }
        Ok(format!("written: {}.{{json,md,svg}}", folder.join(name).display()))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        writeln!(f, "  {:<44} {:>9} {:>9} {:>9}   ours is", self.unit, "min", "median", "max")?;
        for Row { name, figures } in &self.rows {
            match figures {
                Ok(figures) => {
                    let [min, median, max] = [figures.min, figures.median, figures.max].map(figure);
                    let ratio = figures.ratio.map_or_else(String::new, times);
                    writeln!(f, "  {name:<44} {min:>9} {median:>9} {max:>9}   {ratio}")?;
                }
                Err(why) => writeln!(f, "  {name:<44} {why}")?,
            }
        }
        Ok(())
    }
}

/// Three digits that count, or all before the point.
fn figure(value: f64) -> String {
    // What rounds to nothing from below is still nothing.
    let value = if value.abs() < 0.005 { 0.0 } else { value };
    let decimals = if value.abs() >= 100.0 { 0 } else { usize::from(value.abs() < 10.0) + 1 };
    format!("{value:.decimals$}")
}

fn times(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3} x") } else { format!("{ratio:.2} x") }
}

/// The version of `package` in a lock file.
fn version<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let entry = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    entry.split('"').next()
}

#[cfg(test)]
fn sample() -> Report {
    let figures = |median, ratio| Ok(Figures { min: 1.0, median, max: 3.0, ratio });
    let row = |name: &str, figures| Row { name: name.to_owned(), figures };
    Report {
        subject: "knots",
        filter: None,
        peers: vec![("rope", "1.2.3")],
        cores: 2,
        tables: vec![Table {
            title: "current_thread: 2 \"bends\" & more".to_owned(),
            unit: "ns per bend",
            rows: vec![
                row("bowline", figures(2.0, None)),
                row("rope", figures(2.5, Some(0.8))),
                row("hemp", Err("is missing".to_owned())),
            ],
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_shows_what_counts() {
        assert_eq!([-1e-5, 1.9, 29.04, 497.3, 25_000.0].map(figure), ["0.00", "1.90", "29.0", "497", "25000"]);
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"rope-util\"\nversion = \"9.0.0\"\n\n[[package]]\nname = \"rope\"\nversion = \"1.2.3\"\n";
        assert_eq!(version(lock, "rope"), Some("1.2.3"));
        assert_eq!(version(lock, "hemp"), None);
    }

    #[test]
    fn a_row_without_figures_says_why() {
        let shown = sample().tables[0].to_string();
        assert!(shown.contains("0.80 x") && shown.lines().any(|line| line.ends_with("is missing")), "{shown}");
    }
}
