//! Names in lines of text.

/// Adds `line`, whose names may have line breaks in them, and worse: it stays one line.
pub(crate) fn push_escaped(text: &mut String, line: &str) {
    for char in line.chars() {
        if char.is_control() { text.extend(char.escape_default()) } else { text.push(char) }
    }
}
