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
        return Ok(exit_code(Outcome { whole_run: Default::default(), ..outcome }));
    };
    copy_url(options, url).await.map(exit_code)
}

fn exit_code(outcome: Outcome) -> u8 {
    match outcome.ended {
        Ended::Interrupted => {
            print_resume_line();
            INTERRUPTED
        }
        Ended::Limited | Ended::Complete => {
            if outcome.ended == Ended::Limited {
                print_resume_line();
            }
            if outcome.whole_run.dead > 0 {
                eprintln!("{} items could not be stored: see harvest_dead_letters", outcome.whole_run.dead);
                DEAD_LETTERS
            } else {
                DONE
            }
        }
    }
}

fn print_resume_line() {
    let arguments: Vec<String> = env::args().collect();
    match resume_line(&arguments) {
        Ok(line) => eprintln!("to resume:\n  {line}"),
        Err((line, variables)) => {
            eprintln!("to resume, set {} (the value is not shown here), and:\n  {line}", variables.join(" and "));
        }
    }
}

fn start_log(verbose: u8) {
    let level = [Level::WARN, Level::INFO, Level::DEBUG][usize::from(verbose.min(2))];
    tracing_subscriber::fmt().with_max_level(level).with_writer(stderr).without_time().with_target(false).init();
}
