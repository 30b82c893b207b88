//! A run of comparisons: which of them, in which rounds, to which report.

use crate::{
    contender::Contender,
    options::Options,
    report::{Report, Row, Table},
    statistics::{Figures, ratio},
};

/// Samples of a comparison of times; an odd number has a median.
pub const ROUNDS: usize = 15;

/// Samples where a contender is another program that takes seconds; such a ratio is no matter of percents.
pub const ROUNDS_OF_A_PROCESS: usize = 5;

/// For what is counted and not timed: it comes out the same each time.
pub const ONCE: usize = 1;

/// Collects the comparisons of one crate.
#[derive(Debug)]
pub struct Bench {
    options: Options,
    report: Report,
}

impl Bench {
    /// Nothing compared yet. The versions of `peers` will stand in the report.
    pub fn new(subject: &'static str, peers: &[&'static str], options: Options) -> Self {
        let report = Report::new(subject, peers, options.filter());
        println!("{}", report.preface());
        Bench { options, report }
    }

    /// Compares `contenders`, of which the first is ours, if the filter lets `title` through. Smaller is better.
    ///
    /// Each round runs all of them, beginning with another one than the round before. One round more warms up, unless
    /// there is only one. A contender that cannot run gets a row that says why.
    pub fn compare(&mut self, title: &str, unit: &'static str, rounds: usize, mut contenders: Vec<Contender<'_>>) {
        if !self.options.wants(title) {
            return;
        }
        let warm_up = usize::from(rounds > ONCE);
        let mut samples = vec![Ok(Vec::with_capacity(rounds)); contenders.len()];
        for round in 0..rounds + warm_up {
            for turn in 0..contenders.len() {
                let index = (round + turn) % contenders.len();
                let Ok(values) = &mut samples[index] else { continue };
                match contenders[index].run() {
                    Ok(value) if round >= warm_up => values.push(value),
                    Ok(_) => {}
                    Err(why) => samples[index] = Err(why),
                }
            }
        }
        let ours = samples[0].clone().unwrap_or_default();
        let mut rows = Vec::with_capacity(contenders.len());
        for (index, (contender, samples)) in contenders.into_iter().zip(samples).enumerate() {
            let figures = samples.map(|values| {
                let against = (index > 0).then(|| ratio(&ours, &values)).flatten();
                Figures::new(values, against)
            });
            rows.push(Row { name: contender.name, figures });
        }
        let table = Table { title: title.to_owned(), unit, rows };
        print!("{table}");
        self.report.tables.push(table);
    }

    /// Writes the report as JSON, Markdown and SVG into `folder`.
    ///
    /// # Panics
    ///
    /// If the folder cannot be written to.
    pub fn finish(self, folder: &str) {
        let files = self.report.write(folder).expect("the target folder can be written to: the build has just done so");
        println!("\n{files}");
    }
}
