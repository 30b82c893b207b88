//! The arguments of the program.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const HELP: &str = "\
Usage: cargo xtask shuttle [--iterations N] [--seed N] [--model NAME]

--iterations  how many schedules each model gets (20000)
--seed        of the first schedule; the others follow from it (the time of day)
--model       only this one";

pub(crate) struct Arguments {
    /// How many schedules for each model.
    pub(crate) iterations: u64,
    pub(crate) seed: u64,
    model: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Arguments { iterations: 20_000, seed: time_of_day(), model: None };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            let number = || value.parse().map_err(|_| format!("`{name}` takes a whole number, not `{value}`"));
            match name.as_str() {
                "--iterations" => parsed.iterations = number()?,
                "--seed" => parsed.seed = number()?,
                "--model" => parsed.model = Some(value),
                _ => return Err(format!("there is no argument `{name}`")),
            }
        }
        Ok(parsed)
    }

    pub(crate) fn chooses(&self, model: &str) -> bool {
        self.model.as_deref().is_none_or(|name| name == model)
    }
}

fn time_of_day() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed again; there is no meaning in it.
    u64::from(now.subsec_nanos()) ^ (now.as_secs() & 0xffff_ffff)
}
