//! Contenders and measurements that are other programs.

use std::{
    env,
    process::{Command, Output},
};

/// Sizes whose difference leaves out what a program does before and after its cases.
const FEW: u32 = 4_000;
const MANY: u32 = 24_000;

/// Runs a program that measures itself and prints a number.
///
/// # Errors
///
/// Why there is no number: the program is not here, it failed, or it printed something else.
pub fn number_printed_by(program: &str, arguments: &[&str]) -> Result<f64, String> {
    let output = output(Command::new(program).args(arguments), program)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().map_err(|_| format!("{program} printed no number"))
}

/// How many instructions one child more costs `case` of this program, on current_thread: counted, not timed.
///
/// # Errors
///
/// Why there is no number: valgrind is not here, or cannot run this program.
pub fn instructions(case: &str) -> Result<f64, String> {
    let (few, many) = (executed(case, FEW)?, executed(case, MANY)?);
    Ok((many - few) / f64::from(MANY - FEW))
}

fn executed(case: &str, children: u32) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| format!("this program does not find itself: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    valgrind.args(["--case", case, "--children", &children.to_string()]);
    let output = output(&mut valgrind, "valgrind")?;
    collected(&String::from_utf8_lossy(&output.stderr)).ok_or_else(|| "valgrind gave no count".to_owned())
}

/// The number in a line such as `==42== Collected : 1234567`.
fn collected(log: &str) -> Option<f64> {
    log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

fn output(command: &mut Command, name: &str) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{name} is missing: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} failed: {}", said.trim().lines().last().unwrap_or("it said nothing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_the_log() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 52163\n==7== \n"), Some(52163.0));
        assert_eq!(collected("==7== nothing\n"), None);
    }

    #[test]
    fn a_missing_program_is_a_reason_not_a_panic() {
        let why = number_printed_by("no-such-program-anywhere", &[]).expect_err("it is not here");
        assert!(why.starts_with("no-such-program-anywhere is missing"), "{why}");
    }
}
