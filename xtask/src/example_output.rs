//! The output that an example promises in its header.

/// Compares what an example `printed` with the fenced block below `//! Expected output` in its `source`.
pub(crate) fn check(source: &str, printed: &[String]) -> Result<(), String> {
    let Some(promised) = promised(source) else {
        return Ok(());
    };
    let fits =
        promised.len() == printed.len() && promised.iter().zip(printed).all(|(pattern, line)| matches(pattern, line));
    if fits { Ok(()) } else { Err(format!("expected output (`…` stands for anything):\n{}", promised.join("\n"))) }
}

fn promised(source: &str) -> Option<Vec<&str>> {
    let mut header = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    header.find(|line| line.to_lowercase().contains("expected output"))?;
    header.find(|line| line.starts_with("```"))?;
    Some(header.take_while(|line| !line.starts_with("```")).collect())
}

/// Whether `line` is `pattern`, in which each `…` stands for any text.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return pattern == line;
    };
    let Some(mut line) = line.strip_prefix(start) else {
        return false;
    };
    let mut pieces: Vec<_> = rest.split('…').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, after)) = line.split_once(piece) else {
            return false;
        };
        line = after;
    }
    line.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! What happens?\n//!\n//! Expected output:\n//! ```text\n//! first\n//! took … ms, … in all\n//! ```\n\nfn main() {}\n";

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_promised_output_passes() {
        check(SOURCE, &lines(&["first", "took 3 ms, 4 in all"])).expect("it is what the header says");
    }

    #[test]
    fn another_output_fails() {
        for printed in [
            &["first"][..],
            &["first", "took 3 ms"],
            &["first", "took 3 ms, 4 in all", "more"],
            &["other", "took 3 ms, 4 in all"],
        ] {
            check(SOURCE, &lines(printed)).expect_err("it is not what the header says");
        }
    }

    #[test]
    fn an_example_without_a_promise_may_print_anything() {
        check("//! Prints.\nfn main() {}\n", &lines(&["anything"])).expect("nothing was promised");
    }
}
