//! Other programs: printed so that the line can be pasted, then run in the workspace folder.

use std::{
    env,
    fmt::Write as _,
    io::{self, BufRead, BufReader, IsTerminal, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    outcome::{Error, Result},
    workspace,
};

/// A command line that knows how to print itself.
#[derive(Debug)]
pub(crate) struct Cmd {
    program: PathBuf,
    shown: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

/// What a program that was listened to has said.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) lines: Vec<String>,
    pub(crate) failure: Option<String>,
    /// It took longer than it was given, and was killed.
    pub(crate) overran: bool,
}

/// How long a program may run, and how it is ended after that.
type Limit = (Duration, fn(&mut Child) -> io::Result<()>);

/// Starts a `cargo` command line: with the cargo that runs this program, so that toolchain choices hold.
pub(crate) fn cargo(arguments: &[&str]) -> Cmd {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Cmd::new(PathBuf::from(program), "cargo").args(arguments)
}

/// The program `name` on the search path, or else in the virtual environment `target/venv`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let venv = workspace::root().join("target/venv/bin");
    env::split_paths(&path)
        .chain([venv])
        .map(|folder| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
        .find(|candidate| candidate.is_file())
}

impl Cmd {
    /// A command line for `program` that prints it as `shown`.
    pub(crate) fn new(program: PathBuf, shown: &str) -> Self {
        Self { program, shown: shown.to_owned(), arguments: Vec::new(), variables: Vec::new() }
    }

    pub(crate) fn args<S: AsRef<str>>(mut self, arguments: &[S]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Prints and runs it; its output goes where ours goes.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.announced().status().map_err(|error| self.cannot_start(&error))?;
        if status.success() { Ok(()) } else { Err(self.failed(&status).into()) }
    }

    /// Prints and runs it; gives back what it writes to standard output.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.announced().stderr(Stdio::inherit()).output().map_err(|error| self.cannot_start(&error))?;
        if !output.status.success() {
            return Err(self.failed(&output.status).into());
        }
        String::from_utf8(output.stdout).map_err(|error| self.failed(&error).into())
    }

    /// Prints it and becomes it, where the system can: signals and the exit code are then the program's own.
    pub(crate) fn replace(&self) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let _ = io::stdout().flush();
            Err(self.cannot_start(&self.announced().exec()))
        }
        #[cfg(not(unix))]
        self.run()
    }

    /// Prints and runs it; its lines are passed on as they come, and kept without colours.
    pub(crate) fn listen(&self) -> Result<Transcript> {
        let mut command = self.announced();
        if io::stderr().is_terminal() {
            // It writes to a pipe now and would go grey.
            command.env("CARGO_TERM_COLOR", "always");
        }
        self.transcribe(command, None, true)
    }

    /// Prints and runs it silently.
    pub(crate) fn overhear(&self) -> Result<Transcript> {
        self.transcribe(self.announced(), None, false)
    }

    /// Prints and runs it silently; kills it after `limit`.
    pub(crate) fn within(&self, limit: Duration) -> Result<Transcript> {
        let mut command = self.announced();
        command.stdin(Stdio::null());
        self.transcribe(command, Some((limit, Child::kill)), false)
    }

    /// Prints and runs it silently; after `limit` kills it and, where the system can, the programs that it has started,
    /// which would hold our pipes open. For that it stands in a process group of its own, which Ctrl-C does not reach.
    pub(crate) fn within_with_all(&self, limit: Duration) -> Result<Transcript> {
        let mut command = self.announced();
        command.stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.transcribe(command, Some((limit, kill_group)), false)
    }

    fn transcribe(&self, mut command: Command, limit: Option<Limit>, pass_on: bool) -> Result<Transcript> {
        let started = Instant::now();
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| self.cannot_start(&error))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let readers = [
            child.stdout.take().map(|pipe| keep_lines(pipe, Arc::clone(&lines), pass_on)),
            child.stderr.take().map(|pipe| keep_lines(pipe, Arc::clone(&lines), pass_on)),
        ];
        let (mut failure, mut overran) = (None, false);
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| self.failed(&error))? {
                break status;
            }
            if let Some((limit, kill)) = limit
                && !overran
                && started.elapsed() > limit
            {
                overran = true;
                failure = Some(self.failed(&format_args!("still running after {limit:?}, killed")));
                kill(&mut child).map_err(|error| self.failed(&error))?;
            }
            thread::sleep(Duration::from_millis(10));
        };
        for reader in readers.into_iter().flatten() {
            let _ = reader.join();
        }
        if failure.is_none() && !status.success() {
            failure = Some(self.failed(&status));
        }
        let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Transcript { lines, failure, overran })
    }

    fn announced(&self) -> Command {
        println!("$ {self}");
        // What was printed so far must stand before what the program prints.
        let _ = io::stdout().flush();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(workspace::root());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn cannot_start(&self, error: &io::Error) -> Error {
        Error::Failed(format!("cannot start `{}`: {error}", self.program.display()))
    }

    fn failed(&self, how: &dyn std::fmt::Display) -> String {
        format!("`{self}`: {how}")
    }
}

impl std::fmt::Display for Cmd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.shown))?;
        for argument in &self.arguments {
            f.write_char(' ')?;
            f.write_str(&quoted(argument))?;
        }
        Ok(())
    }
}

/// Kills `child` and the process group that it leads.
fn kill_group(child: &mut Child) -> io::Result<()> {
    // By a shell: its `kill` is built in, and the standard library knows no groups. A failure leaves the child to us.
    #[cfg(unix)]
    let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"-$0\"", &child.id().to_string()]).status();
    child.kill()
}

/// `text` as a shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn keep_lines(
    pipe: impl Read + Send + 'static,
    lines: Arc<Mutex<Vec<String>>>,
    pass_on: bool,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            if pass_on {
                print!("{text}");
                let _ = io::stdout().flush();
            }
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(without_colours(text.trim_end()));
            line.clear();
        }
    })
}

/// `line` without its `ESC [ … letter` sequences.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

/// `path` as it is shown: relative to the workspace where it lies in it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted() {
        let line = Cmd::new("/somewhere/cargo".into(), "cargo")
            .args(&["doc", "-p", "it's"])
            .env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line.to_string(), r"RUSTDOCFLAGS='-D warnings' cargo doc -p 'it'\''s'");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_overruns_is_killed_with_what_it_has_started() {
        // The program in the background holds the pipe: without its end there is no end of the lines.
        let line = Cmd::new("sh".into(), "sh").args(&["-c", "echo begun; sleep 60 & sleep 60"]);
        let started = Instant::now();
        let transcript = line.within_with_all(Duration::from_millis(200)).expect("`sh` is everywhere");
        assert!(transcript.overran && transcript.failure.is_some());
        assert_eq!(transcript.lines, ["begun"]);
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(
            without_colours("\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] 3 tests"),
            "     Summary [ 0.1s] 3 tests"
        );
    }
}
