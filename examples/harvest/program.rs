//! The program: from the command line to the exit code.

use std::{env, io::stderr, process::ExitCode};

use bowline_concurrency::{RunError, run};
use clap::Parser;
use tracing::Level;

use crate::{
    args::Options,
    copy::Ended,
    demo::{demo, serve_only},
    error::Error,
    header::resume_line,
    session::{Outcome, copy_url},
    store::Stored,
};

const DONE: u8 = 0;
const DEAD_LETTERS: u8 = 3;
const FAILED: u8 = 4;
const INTERRUPTED: u8 = 130;

/// Runs harvest on the arguments of the process.
pub fn main() -> ExitCode {
    // Exits with 2 and an explanation if they make no sense.
    let options = Options::parse();
    start_log(options.verbose);
    let code = match run(dispatch(&options)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("error: {error}");
            if !matches!(error, Error::Listen(_) | Error::Disagree(_)) {
                print_resume_line();
            }
            FAILED
        }
        Err(RunError::Interrupted(_)) => {
            eprintln!("interrupted before the end");
            print_resume_line();
            INTERRUPTED
        }
        Err(error) => {
            eprintln!("error: {error}");
            FAILED
        }
    };
    ExitCode::from(code)
}

async fn dispatch(options: &Options) -> Result<u8, Error> {
    if let Some(port) = options.serve {
        return serve_only(options, port).await.map(|()| DONE);
    }
    let Some(url) = &options.url else {
        let outcome = demo(options).await?;
        // The dead letters are those that the server was told to serve.
        return Ok(exit_code(Outcome { whole_run: Stored::default(), ..outcome }));
    };
    copy_url(options, url).await.map(exit_code)
}

fn exit_code(outcome: Outcome) -> u8 {
    if outcome.ended != Ended::Complete {
        print_resume_line();
    }
    if outcome.ended == Ended::Interrupted {
        return INTERRUPTED;
    }
    match outcome.whole_run.dead {
        0 => DONE,
        dead => {
            eprintln!("{dead} items could not be stored: see harvest_dead_letters");
            DEAD_LETTERS
        }
    }
}

fn print_resume_line() {
    let arguments: Vec<_> = env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let (line, variables) = resume_line(&arguments);
    if !variables.is_empty() {
        eprintln!("set {} first: the value is not shown here", variables.join(" and "));
    }
    eprintln!("to resume:\n  {line}");
}

fn start_log(verbose: u8) {
    let level = [Level::WARN, Level::INFO, Level::DEBUG][usize::from(verbose.min(2))];
    tracing_subscriber::fmt().with_max_level(level).with_writer(stderr).without_time().with_target(false).init();
}
