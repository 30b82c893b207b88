//! The command line of a benchmark.

use std::process;

/// What was asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    filter: Option<String>,
    case: Option<String>,
    children: u32,
}

impl Options {
    /// Reads the command line; ends the program when it makes no sense.
    pub fn from_env() -> Self {
        Self::parse(std::env::args().skip(1)).unwrap_or_else(|message| {
            eprintln!("error: {message}\n\nUsage: [--filter TEXT] | --case NAME --children COUNT");
            process::exit(2)
        })
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--filter" => options.filter = Some(value()?),
                "--case" => options.case = Some(value()?),
                "--children" => {
                    options.children = value()?.parse().map_err(|error| format!("`--children`: {error}"))?;
                }
                "--bench" => {} // `cargo bench` adds it.
                _ => return Err(format!("there is no `{argument}`")),
            }
        }
        Ok(options)
    }

    /// The one case that is to run alone, and with how many children: to count its instructions from outside.
    pub fn case(&self) -> Option<(&str, u32)> {
        self.case.as_deref().map(|case| (case, self.children))
    }

    pub(crate) fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    pub(crate) fn wants(&self, title: &str) -> bool {
        self.filter().is_none_or(|text| title.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_filter_looks_into_the_title() {
        let options = parse("--bench --filter churn").expect("valid");
        assert!(options.wants("current_thread: churn"));
        assert!(!options.wants("current_thread: cancel"));
        assert!(Options::default().wants("anything"));
    }

    #[test]
    fn a_case_comes_with_its_size() {
        assert_eq!(parse("--case x --children 4000").expect("valid").case(), Some(("x", 4000)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["--filter", "--children many", "churn"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
