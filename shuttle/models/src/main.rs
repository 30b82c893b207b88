//! Runs every model under many random schedules: `cargo xtask shuttle`.
//!
//! Unlike loom, which tries every interleaving of a few steps, this tries some interleavings of whole programs: real scopes,
//! tasks, timeouts and signals. It proves nothing; it finds what nobody thought of.
#![forbid(unsafe_code)]

mod arguments;
mod models;
mod runner;
mod schedule;
mod support;

use std::{process::ExitCode, time::Instant};

use arguments::Arguments;
use models::MODELS;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("error: {message}\n\n{}", arguments::HELP);
            return ExitCode::from(2);
        }
    };
    let chosen: Vec<_> = MODELS.iter().filter(|model| arguments.chooses(model.name)).collect();
    if chosen.is_empty() {
        eprintln!("error: no model has this name; there are:");
        MODELS.iter().for_each(|model| eprintln!("  {:<26} {}", model.name, model.promise));
        return ExitCode::from(2);
    }
    println!("seed {}", arguments.seed);
    println!("{:<26} {:>9} {:>11} {:>8}", "model", "schedules", "steps each", "seconds");
    let began = Instant::now();
    let mut schedules = 0;
    for model in chosen {
        match runner::run(model, arguments.seed, arguments.iterations) {
            Ok(report) => {
                schedules += report.schedules;
                println!("{:<26} {report}", model.name);
            }
            Err(seed) => {
                eprintln!("\n{}: {}", model.name, model.promise);
                eprintln!("This does not hold in the schedule of seed {seed}. To see it again:");
                eprintln!("cargo xtask shuttle --model {} --seed {seed} --iterations 1", model.name);
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{schedules} schedules in {:.1} s", began.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
