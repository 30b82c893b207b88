//! Headers from the command line, and the resume line, which must not give their values away.

use std::{env, fmt, str::FromStr};

use reqwest::header::{HeaderName, HeaderValue};

/// The prefix of a value that is not the value, but says where it is.
const FROM_ENVIRONMENT: &str = "@env:";

/// A header to send. Its value is never printed.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

impl Header {
    /// Name and value, as a request wants them.
    pub fn pair(&self) -> (HeaderName, HeaderValue) {
        (self.name.clone(), self.value.clone())
    }
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("write 'NAME: VALUE'")?;
        let name = HeaderName::from_str(name.trim()).map_err(|_| "that is not a header's name".to_owned())?;
        let value = match value.trim().strip_prefix(FROM_ENVIRONMENT) {
            Some(variable) => {
                env::var(variable).map_err(|_| format!("set the environment variable {variable} first"))?
            }
            None => value.trim().to_owned(),
        };
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| format!("the value of {name} has a control character"))?;
        value.set_sensitive(true);
        Ok(Header { name, value })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: (not shown)", self.name)
    }
}

/// The command that resumes the run of `arguments` (the first is the program), to be pasted into a POSIX shell.
///
/// A header's value that stands in the arguments is replaced by a variable; those to set before come with the line.
pub fn resume_line(arguments: &[String]) -> (String, Vec<String>) {
    let mut variables = Vec::new();
    let mut words = Vec::new();
    let mut is_header = false;
    for argument in arguments.iter().filter(|argument| *argument != "--fresh") {
        let hidden = if is_header { hide(argument, &mut variables) } else { hide_option(argument, &mut variables) };
        words.push(quote(&hidden));
        is_header = !is_header && (argument == "--header" || argument == "-H");
    }
    (words.join(" "), variables)
}

/// `--header=NAME: VALUE` and `-HNAME: VALUE` are one word.
fn hide_option(argument: &str, variables: &mut Vec<String>) -> String {
    for option in ["--header=", "-H"] {
        if let Some(header) = argument.strip_prefix(option).filter(|header| !header.is_empty()) {
            return format!("{option}{}", hide(header, variables));
        }
    }
    argument.to_owned()
}

fn hide(header: &str, variables: &mut Vec<String>) -> String {
    let (name, value) = header.split_once(':').unwrap_or((header, ""));
    if value.trim().starts_with(FROM_ENVIRONMENT) {
        return header.to_owned();
    }
    let variable =
        format!("HARVEST_{}", name.trim().to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let hidden = format!("{name}: {FROM_ENVIRONMENT}{variable}");
    variables.push(variable);
    hidden
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
