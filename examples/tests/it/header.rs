//! Secrets, and the line that resumes a run without showing them.

use std::process::Command;

use harvest::header::{Header, resume_line};

fn line(arguments: &[&str]) -> (String, Vec<String>) {
    resume_line(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
}

#[test]
fn every_option_is_in_the_resume_line_but_fresh() {
    let arguments = ["./harvest", "--url", "http://a/b?c=d&e=f", "--fresh", "--items", "", "--db", "it's mine.sqlite"];
    let expected = r"./harvest --url 'http://a/b?c=d&e=f' --items '' --db 'it'\''s mine.sqlite'";
    assert_eq!(line(&arguments), (expected.to_owned(), vec![]));
}

#[test]
fn values_of_headers_are_replaced_by_variables() {
    for (given, shown) in [
        (&["--header", "X-Key: s3cret"][..], "--header 'X-Key: @env:HARVEST_X_KEY'"),
        (&["--header=X-Key: s3cret"], "'--header=X-Key: @env:HARVEST_X_KEY'"),
        (&["-H", "X-Key:s3cret"], "-H 'X-Key: @env:HARVEST_X_KEY'"),
        (&["-HX-Key: s3cret"], "'-HX-Key: @env:HARVEST_X_KEY'"),
        (&["-H", "--header"], "-H '--header: @env:HARVEST___HEADER'"),
    ] {
        let mut arguments = vec!["harvest"];
        arguments.extend(given);
        arguments.extend(["--db", "x"]);
        let (line, variables) = line(&arguments);
        assert_eq!(line, format!("harvest {shown} --db x"));
        assert_eq!(variables.len(), 1);
    }
    assert_eq!(line(&["harvest", "-H", "X: @env:TOKEN"]).0, "harvest -H 'X: @env:TOKEN'");
}

#[cfg(unix)]
#[test]
fn a_shell_reads_the_line_as_it_was_given() {
    let hard = ["", "a b", "it's", "$HOME", "`date`", "*", "~", "\\", "\"", "a\nb", "!", "#", "a=b;c"];
    let mut arguments = vec!["printf", r"%s\0"];
    arguments.extend(hard);
    let output = Command::new("sh").arg("-c").arg(line(&arguments).0).output().unwrap();
    let words: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    assert_eq!(words[..hard.len()], hard.map(str::as_bytes));
}

#[test]
fn a_header_is_not_printed_and_its_errors_hide_the_value() {
    let header: Header = "X-Key: s3cret".parse().unwrap();
    assert!(!format!("{header:?} {:?}", header.pair()).contains("s3cret"));
    let error = "X-Key: s3\ncret".parse::<Header>().unwrap_err();
    assert!(error.contains("x-key") && !error.contains("cret"), "{error}");
    assert!("no colon".parse::<Header>().is_err());
    let error = "X: @env:HARVEST_NOT_SET".parse::<Header>().unwrap_err();
    assert_eq!(error, "set the environment variable HARVEST_NOT_SET first");
}
