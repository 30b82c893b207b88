//! Where a break is put in, built, and shown to the tests that must notice it.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    format::Break,
    place,
    report::{Trial, Verdict},
    scratch::Scratch,
    suite::Suite,
};
use crate::{
    command::{Cmd, cargo, shown},
    outcome::{Error, Result},
    workspace::Package,
};

/// A test that takes longer hangs, which is one way to fail.
const LIMIT: Duration = Duration::from_secs(30);
/// A documentation test is compiled within its time.
const LIMIT_DOCS: Duration = Duration::from_secs(120);

/// A test, or some documentation tests, that a break must make fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Test {
    /// The full name of a test of the binary `it`.
    It(String),
    /// A part of the names of documentation tests: their line numbers are no names to rely on.
    Docs(String),
}

/// The copy of one crate.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    scratch: &'a Scratch,
    package: &'a Package,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(scratch: &'a Scratch, package: &'a Package) -> Self {
        Self { scratch, package, folder: scratch.of(&package.folder) }
    }

    /// The tests of the crate as it is.
    pub(crate) fn suite(&self) -> Result<Suite> {
        self.build()?.map_err(|why| format!("{} does not build without any break\n{why}", self.package.name))?;
        let list = |more: &[&str]| self.it().args(&["--", "--list", "--format=terse"]).args(more).overhear();
        Ok(Suite::listed(&list(&[])?.lines, &list(&["--ignored"])?.lines))
    }

    /// An error if one of `tests` fails without any break: then its failing says nothing.
    pub(crate) fn must_pass(&self, tests: &[Test]) -> Result<()> {
        let names: Vec<_> = tests.iter().filter_map(Test::name_in_it).collect();
        let together = LIMIT * u32::try_from(names.len().max(1)).unwrap_or(u32::MAX);
        let it = (!names.is_empty()).then(|| (self.it().args(&["--", "--exact"]).args(&names), together));
        let docs = tests.iter().filter_map(Test::part_of_docs).map(|part| (self.docs(part), LIMIT_DOCS));
        for (command, limit) in it.into_iter().chain(docs) {
            let transcript = command.within_with_all(limit)?;
            let lines = || transcript.lines.join("\n");
            if let Some(failure) = &transcript.failure {
                return Err(Error::Failed(format!("{}\nA test fails without any break: {failure}", lines())));
            }
            if !transcript.lines.iter().any(|line| line.starts_with("test ") && line.ends_with(" ... ok")) {
                return Err(Error::Failed(format!("{}\n`{command}` has found no test", lines())));
            }
        }
        Ok(())
    }

    /// Puts the break in, builds, runs `tests`, and takes the break out again.
    pub(crate) fn trial(&self, one: &Break, tests: Vec<Test>) -> Result<Trial> {
        let started = Instant::now();
        let file = self.folder.join(&one.file);
        let cannot = |error| Error::Failed(format!("cannot break {}: {error}", shown(&file)));
        let whole = fs::read_to_string(&file).map_err(cannot)?;
        let result = match place::broken(&whole, one) {
            Err(why) => Err(why),
            Ok(broken) => {
                fs::write(&file, broken).map_err(cannot)?;
                let result = self.build().and_then(|built| match built {
                    Ok(()) => {
                        tests.into_iter().map(|test| Ok((self.verdict(&test)?, test))).collect::<Result<_>>().map(Ok)
                    }
                    Err(why) => Ok(Err(why)),
                });
                fs::write(&file, whole).map_err(cannot)?;
                result?
            }
        };
        Ok(Trial { name: one.name.clone(), took: started.elapsed(), result })
    }

    fn verdict(&self, test: &Test) -> Result<Verdict> {
        let transcript = match test {
            Test::It(name) => self.it().args(&["--", "--exact", name]).within_with_all(LIMIT)?,
            Test::Docs(part) => self.docs(part).within_with_all(LIMIT_DOCS)?,
        };
        Ok(match transcript.failure {
            Some(_) if transcript.overran => Verdict::Hung,
            Some(_) => Verdict::Failed,
            None => Verdict::Survived,
        })
    }

    /// `Err` holds what the compiler says.
    fn build(&self) -> Result<std::result::Result<(), String>> {
        let transcript = self.it().args(&["--no-run", "--quiet"]).overhear()?;
        Ok(match transcript.failure {
            None => Ok(()),
            Some(failure) => Err(format!("{}\n{failure}", transcript.lines.join("\n"))),
        })
    }

    fn it(&self) -> Cmd {
        self.test().args(&["--test", "it"])
    }

    fn docs(&self, part: &str) -> Cmd {
        self.test().args(&["--doc", "--", part])
    }

    fn test(&self) -> Cmd {
        cargo(&["test", "--manifest-path", &shown(&self.scratch.folder.join("Cargo.toml"))])
            .args(&["--target-dir", &shown(&self.scratch.target())])
            .args(&["--package", &self.package.name, "--all-features"])
            // Nobody debugs this build.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
    }
}

impl Test {
    pub(crate) fn name_in_it(&self) -> Option<&str> {
        match self {
            Test::It(name) => Some(name),
            Test::Docs(_) => None,
        }
    }

    fn part_of_docs(&self) -> Option<&str> {
        match self {
            Test::It(_) => None,
            Test::Docs(part) => Some(part),
        }
    }
}
