//! The list of everything that can be awaited, each dropped at every await point on both runtimes; and a look into the sources that nothing is missing
//! from the list.

use std::{collections::BTreeSet, fs, path::Path};

use bowline_testing::Visited;

mod background;
mod groups;
mod in_task;
mod others;
mod scopes;
mod several;

/// How a future is tried.
enum Tried {
    /// By itself.
    By(fn() -> Visited),
    /// Not public: it is a part of the one with this name.
    In(&'static str),
}
use Tried::{By, In};

/// Names are those of the file below `src` and of the type, or of the `async fn`.
const LIST: &[(&str, Tried)] = &[
    ("as_completed.rs AsCompleted", By(several::as_completed)),
    ("as_completed/completed.rs NextCompleted", In("as_completed.rs AsCompleted")),
    ("as_completed/serve.rs Serve", In("as_completed.rs AsCompleted")),
    ("background.rs finish", By(background::finish)),
    ("background.rs shutdown", By(background::shutdown)),
    ("background/handle.rs BackgroundTask", By(background::task)),
    ("background/handle.rs CancelBackgroundTask", By(background::cancel_task)),
    ("background/join.rs Join", In("background/join.rs join")),
    ("background/join.rs join", By(background::join)),
    ("background/own.rs Own", In("background/vacated.rs Vacated")),
    ("background/run.rs ReportingRun", In("background/supervised/handle.rs SupervisedTask")),
    ("background/stop.rs Stop", In("background/supervised/handle.rs SupervisedTask")),
    ("background/supervised/handle.rs SupervisedTask", By(background::supervised)),
    ("background/vacated.rs Vacated", By(background::vacated)),
    ("below.rs Below", In("tree.rs ScopedFuture")),
    ("cancelled.rs Cancelled", By(groups::cancelled)),
    ("child.rs Child", In("task.rs Task")),
    ("drain.rs drain", By(others::drain)),
    ("dressed.rs Dressed", In("group.rs permit")),
    ("enclose.rs Enclosed", By(others::enclose)),
    ("first_ok.rs FirstOk", By(several::first_ok)),
    ("first_ok/attempts.rs Attempts", In("first_ok.rs FirstOk")),
    ("first_ok/hedge.rs Hedge", By(several::hedge)),
    ("gather.rs Gather", By(several::gather)),
    ("gather/gathering.rs Gathering", In("gather.rs Gather")),
    ("gather/within.rs GatherWithin", By(several::gather_within)),
    ("group.rs permit", By(groups::permit)),
    ("group/start.rs Start", By(groups::start)),
    ("hand_off.rs HandedOff", In("settle.rs Settled")),
    ("in_task.rs InTaskScope", By(in_task::plain)),
    ("in_task.rs TryInTaskScope", By(in_task::failing)),
    ("in_task/child.rs Child", In("in_task.rs InTaskScope")),
    ("in_task/inside.rs Inside", In("in_task.rs InTaskScope")),
    ("in_task/run.rs Run", In("in_task.rs InTaskScope")),
    ("in_task/slot.rs InTaskChild", In("in_task.rs InTaskScope")),
    ("mask.rs Mask", By(others::mask)),
    ("quorum.rs Quorum", By(several::quorum)),
    ("quorum.rs Votes", In("quorum.rs Quorum")),
    ("race.rs Race", By(several::race)),
    ("race.rs Running", In("race.rs Race")),
    ("policy.rs policy_scope", By(groups::policy_scope)),
    ("inspect/wait.rs InLine", In("group.rs permit")),
    ("root.rs root_scope", By(others::root_scope)),
    ("root/options.rs scope", By(others::root_with_options)),
    ("run_blocking.rs BlockingCall", By(others::run_blocking)),
    ("scope.rs scope", By(scopes::scope)),
    ("scope.rs try_scope", By(scopes::try_scope)),
    ("scope/builder.rs policy_scope", By(groups::builder_policy_scope)),
    ("scope/builder.rs scope", By(scopes::builder_scope)),
    ("scope/builder.rs try_scope", By(scopes::builder_try_scope)),
    ("scope/running.rs Running", In("scope.rs scope")),
    ("settle.rs Settle", In("root.rs root_scope")),
    ("settle.rs SettleAmong", In("background.rs finish")),
    ("settle.rs Settled", By(others::settled)),
    ("several/numbered.rs Numbered", In("gather.rs Gather")),
    ("several/one_of.rs Either", In("race.rs Race")),
    ("several/one_of.rs OneOf", In("gather.rs Gather")),
    ("several/settling.rs Settling", In("gather.rs Gather")),
    ("shield.rs Shield", By(others::shield)),
    ("shutdown.rs ShutdownRequested", By(others::shutdown_requested)),
    ("spawner.rs CancelAndWait", By(groups::cancel_and_wait)),
    ("task.rs CancelTask", By(groups::cancel_task)),
    ("task.rs Task", By(groups::task)),
    ("timeout/future.rs Timeout", By(scopes::timeout)),
    ("timeout/move_on.rs MoveOnAfter", By(scopes::move_on)),
    #[cfg(feature = "tower")]
    ("tower.rs RequestScope", By(others::request)),
    #[cfg(not(feature = "tower"))]
    ("tower.rs RequestScope", In("tree.rs ScopedFuture")),
    ("tree.rs ScopedFuture", By(others::in_scope)),
];

#[test]
fn every_future_dropped_anywhere_leaves_nothing_and_loses_no_release() {
    for (name, tried) in LIST {
        if let By(drive) = tried {
            println!("{name}: {}", drive());
        }
    }
}

#[test]
fn every_future_of_the_sources_stands_in_the_list() {
    let listed: BTreeSet<String> = LIST.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.len(), LIST.len(), "a name stands there twice");
    for (name, tried) in LIST {
        if let In(other) = tried {
            assert!(matches!(LIST.iter().find(|(name, _)| name == other), Some((_, By(_)))), "{name} is in no other");
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    collect(&src, &src, &mut found);
    assert_eq!(found, listed, "the sources, and then the list");
}

fn collect(src: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(src, &path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(src).unwrap().display().to_string().replace('\\', "/");
        for line in text.lines().map(str::trim_start) {
            let name = if line.starts_with("impl") {
                line.split_once(" Future for ").map(|(_, name)| name)
            } else {
                // Plain functions that know their caller, too.
                let plain = line.strip_prefix("pub fn ").filter(|line| line.contains("-> impl Future<"));
                line.strip_prefix("pub async fn ").or(plain)
            };
            let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            found.extend(name.map(|name| format!("{file} {}", word(name))));
        }
    }
}
