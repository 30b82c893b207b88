//! The file `breaks.txt` of a crate: changes of its sources that named tests must notice.
//!
//! ```text
//! # Why this is worth a break, if that needs saying.
//! break scope-does-not-wait
//! file src/settle.rs
//! - this.node.poll_settled(cx, &mut this.key)
//! + Poll::Ready(())
//! fails tg_01 adoption::scope_waits
//! fails-docs settle.rs
//! ```
//!
//! A place is named by its text, not by its number, so that it survives edits around it. A line that occurs more than once
//! takes a neighbour along, among the `-` lines and, unchanged, among the `+` lines. Indentation does not count.

/// A change of one place in the sources, and the tests that must fail for it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Break {
    pub(crate) name: String,
    /// The line of the breaks file where it begins.
    pub(crate) line: usize,
    /// Relative to the crate.
    pub(crate) file: String,
    /// Lines that follow each other in the file, without their indentation.
    pub(crate) old: Vec<String>,
    pub(crate) new: Vec<String>,
    /// Behaviours, or parts of the names of tests.
    pub(crate) fails: Vec<String>,
    /// Parts of the names of documentation tests.
    pub(crate) fails_docs: Vec<String>,
}

/// What is wrong with the file, and in which line.
#[derive(Debug, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Reads a breaks file.
pub(crate) fn parse(text: &str) -> Result<Vec<Break>, Mistake> {
    let mut breaks: Vec<Break> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        if key == "break" {
            if let Some(last) = breaks.last() {
                last.check()?;
            }
            breaks.push(begun(value, number, &breaks)?);
            continue;
        }
        let Some(current) = breaks.last_mut() else {
            return Err(mistake(number, "an entry begins with `break` and its name"));
        };
        match key {
            "file" if current.file.is_empty() => value.clone_into(&mut current.file),
            "file" => return Err(mistake(number, "a break changes one file")),
            "-" if current.new.is_empty() => current.old.push(value.to_owned()),
            "-" => return Err(mistake(number, "a break changes one place: all `-` lines stand above the `+` lines")),
            "+" => current.new.push(value.to_owned()),
            "fails" => current.fails.extend(value.split_whitespace().map(str::to_owned)),
            "fails-docs" => current.fails_docs.push(value.to_owned()),
            _ => {
                let keys = "`break`, `file`, `-`, `+`, `fails`, `fails-docs` or `#`";
                return Err(mistake(number, format!("a line begins with {keys}, not with `{key}`")));
            }
        }
    }
    if let Some(last) = breaks.last() {
        last.check()?;
    }
    Ok(breaks)
}

fn begun(name: &str, line: usize, before: &[Break]) -> Result<Break, Mistake> {
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(mistake(line, "the name of a break is one word, to be given to `--only`"));
    }
    if let Some(first) = before.iter().find(|other| other.name == name) {
        return Err(mistake(line, format!("`{name}` is the name of the break in line {} already", first.line)));
    }
    Ok(Break { name: name.to_owned(), line, ..Break::default() })
}

impl Break {
    /// Whether the entry is complete.
    fn check(&self) -> Result<(), Mistake> {
        let inside = self.file.starts_with("src/") && !self.file.split('/').any(|part| part == "..");
        let nameless = |names: &[String]| names.iter().any(String::is_empty);
        let what = if !inside {
            "says no `file` below `src/`"
        } else if self.old.iter().all(String::is_empty) {
            "has no `-` line: the text that it replaces"
        } else if self.old == self.new {
            "changes nothing"
        } else if self.fails.is_empty() && self.fails_docs.is_empty() || nameless(&self.fails_docs) {
            "says no test that `fails`"
        } else {
            return Ok(());
        };
        Err(mistake(self.line, format!("the break `{}` {what}", self.name)))
    }
}

fn mistake(line: usize, what: impl Into<String>) -> Mistake {
    Mistake { line, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "break early\nfile src/a.rs\n- wait();\n+ // nothing\nfails tg_01\n";

    fn refused(text: &str) -> (usize, String) {
        let Mistake { line, what } = parse(text).expect_err(text);
        (line, what)
    }

    #[test]
    fn an_entry_is_read() {
        let text = "# Why.\n\nbreak early\nfile src/a.rs\n-   if x {\n- wait();\n+ if x {\n+\nfails tg_01 a::b\n  fails c\nfails-docs a.rs - a\n";
        let expected = Break {
            name: "early".to_owned(),
            line: 3,
            file: "src/a.rs".to_owned(),
            old: vec!["if x {".to_owned(), "wait();".to_owned()],
            new: vec!["if x {".to_owned(), String::new()],
            fails: ["tg_01", "a::b", "c"].map(str::to_owned).to_vec(),
            fails_docs: vec!["a.rs - a".to_owned()],
        };
        assert_eq!(parse(text), Ok(vec![expected]));
    }

    #[test]
    fn entries_follow_each_other() {
        let two = format!("{ENTRY}{}", ENTRY.replace("early", "late"));
        let names: Vec<_> =
            parse(&two).expect("both are complete").into_iter().map(|one| (one.name, one.line)).collect();
        assert_eq!(names, [("early".to_owned(), 1), ("late".to_owned(), 6)]);
    }

    #[test]
    fn lines_without_their_place_are_refused() {
        assert_eq!(refused("file src/a.rs\n").0, 1);
        assert_eq!(refused(&format!("{ENTRY}falls tg_02\n")).0, 6);
        assert_eq!(refused(&format!("{ENTRY}file src/b.rs\n")).0, 6);
        assert_eq!(refused(&format!("{ENTRY}- other();\n")).0, 6);
        assert_eq!(refused(&format!("{ENTRY}break two words\n")).0, 6);
        assert!(refused(&format!("{ENTRY}{ENTRY}")).1.contains("in line 1 already"));
    }

    #[test]
    fn an_entry_that_lacks_something_is_refused_where_it_begins() {
        for (removed, word) in [("file src/a.rs\n", "file"), ("- wait();\n", "`-`"), ("fails tg_01\n", "fails")] {
            let (line, what) = refused(&ENTRY.replace(removed, ""));
            assert!(line == 1 && what.contains(word), "{what}");
        }
        assert!(refused(&ENTRY.replace("src/a.rs", "src/../../b.rs")).1.contains("below `src/`"));
        assert!(refused(&ENTRY.replace("// nothing", "wait();")).1.contains("changes nothing"));
    }
}
