//! The one place in a file that a break changes.

use super::format::Break;

/// The `text` with the break in it; an error where the break does not name exactly one place.
pub(crate) fn broken(text: &str, wanted: &Break) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let old = &wanted.old;
    let same = |window: &[&str]| window.iter().zip(old).all(|(line, old)| line.trim() == old);
    let found: Vec<usize> =
        lines.windows(old.len()).enumerate().filter_map(|(at, window)| same(window).then_some(at)).collect();
    let [at] = found[..] else {
        return Err(not_one(&found, wanted));
    };
    let first = lines[at];
    let indentation = &first[..first.len() - first.trim_start().len()];
    let mut changed: Vec<String> = lines[..at].iter().map(|line| (*line).to_owned()).collect();
    changed.extend(wanted.new.iter().map(|line| format!("{indentation}{line}")));
    changed.extend(lines[at + old.len()..].iter().map(|line| (*line).to_owned()));
    Ok(changed.join("\n") + "\n")
}

fn not_one(found: &[usize], Break { name, file, old, .. }: &Break) -> String {
    let shown = old.join(" ⏎ ");
    if found.is_empty() {
        return format!("the break `{name}` wants `{shown}`, which is not in {file}: say what stands there now");
    }
    let places: Vec<String> = found.iter().map(|at| (at + 1).to_string()).collect();
    format!(
        "the break `{name}` wants `{shown}`, which is in {file} {} times (lines {}): take a neighbouring line along",
        found.len(),
        places.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn a() {\n    if ready {\n        wait();\n    }\n    wait();\n}\n";

    fn change(old: &[&str], new: &[&str]) -> Result<String, String> {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        broken(TEXT, &Break { file: "src/a.rs".to_owned(), old: lines(old), new: lines(new), ..Break::default() })
    }

    #[test]
    fn one_place_is_changed_and_keeps_its_indentation() {
        assert_eq!(change(&["if ready {"], &["if true {"]), Ok(TEXT.replace("ready", "true")));
        assert_eq!(change(&["}", "wait();"], &["}"]), Ok(TEXT.replace("    }\n    wait();\n", "    }\n")));
    }

    #[test]
    fn no_place_and_two_places_are_errors() {
        let none = change(&["if read {"], &[]).expect_err("a part of a line is not the line");
        assert!(none.contains("not in src/a.rs"), "{none}");
        let two = change(&["wait();"], &[]).expect_err("which one?");
        assert!(two.contains("2 times (lines 3, 5)"), "{two}");
    }
}
