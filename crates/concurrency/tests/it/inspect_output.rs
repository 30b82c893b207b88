//! The tree as text, as a flowchart, as JSON.

use std::fmt::Write as _;

use bowline_concurrency::{TaskGroup, inspect, scope, tree};
use tokio::sync::oneshot;

use crate::{
    inspect::shows,
    support::{forever, on_both},
};

const NASTY: &str = "a \"quoted\"\n{name} with <b>tags</b>; and #hash | `ticks` \u{1b}[31m";

#[test]
fn hundred_thousand_equal_children_are_one_line_of_text() {
    on_both(|| async {
        inspect(true);
        let many = TaskGroup::builder().name("many equal ones");
        let _ = many
            .try_scope(async |group: &TaskGroup<String>| {
                let names: std::sync::Arc<str> = "equal".into();
                for _ in 0..100_000 {
                    drop(group.named(names.clone()).spawn(forever::<()>()));
                }
                drop(group.named("other").spawn(forever::<()>()));
                let text = tree().to_string();
                let lines: Vec<&str> = text.lines().filter(|line| line.contains("equal ×")).collect();
                assert!(text.lines().count() < 100, "{text}");
                // On a runtime with several threads some run, and some have not begun: at most three kinds.
                assert!((1..=3).contains(&lines.len()), "{text}");
                let sum: usize = lines.iter().map(|line| count_of(line)).sum();
                assert!(sum > 99_900, "{text}");
                assert!(text.contains("other #"), "{text}");
                group.cancel("enough");
                Ok(())
            })
            .await;
    });
}

fn count_of(line: &str) -> usize {
    let digits = line.split('×').nth(1).unwrap().trim_start();
    digits
        .chars()
        .take_while(|char| char.is_ascii_digit() || *char == ',')
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap()
}

#[test]
fn more_lines_than_allowed_are_counted() {
    on_both(|| async {
        inspect(true);
        let _ = TaskGroup::builder()
            .name("many different ones")
            .try_scope(async |group: &TaskGroup<String>| {
                for n in 0..50 {
                    drop(group.named(format!("different {n}")).spawn(forever::<()>()));
                }
                let seen = tree();
                let shown = |text: String| text.lines().filter(|line| line.contains("─ different ")).count();
                assert_eq!(shown(seen.to_text(10)), 9);
                assert!(seen.to_text(10).contains("… 41 more"), "{}", seen.to_text(10));
                assert_eq!(shown(format!("{seen:#}")), 50);
                assert_eq!(shown(seen.to_text(1)), 0);
                assert!(seen.to_text(0).contains("more"));
                group.cancel("enough");
                Ok(())
            })
            .await;
    });
}

#[test]
fn text_shows_a_tree_that_a_stranger_can_read() {
    on_both(|| async {
        inspect(true);
        let _ = TaskGroup::builder()
            .name("readable")
            .try_scope(async |group: &TaskGroup<String>| {
                let child = scope(async |inner| inner.named("readable leaf").spawn(forever::<()>()).await);
                drop(group.named("readable child").spawn(child));
                let text = shows(|tree| tree.to_string().contains("waits for task `readable leaf`")).await.to_string();
                let mut part = String::new();
                for line in text.lines().skip_while(|line| !line.contains("readable #")).take(4) {
                    let words: String = line.split(" · ").next().unwrap().into();
                    let _ = writeln!(part, "{}", words.trim_end_matches(|char: char| char.is_ascii_digit()));
                }
                let part: Vec<_> =
                    part.lines().map(|line| line.trim_start_matches(['│', ' ', '├', '└', '─'])).collect();
                assert_eq!(part, ["readable #", "readable child #", "a scope #", "readable leaf #"], "{text}");
                group.cancel("enough");
                Ok(())
            })
            .await;
    });
}

#[test]
fn names_with_quotes_and_line_breaks_stay_in_their_place() {
    on_both(|| async {
        inspect(true);
        scope(async |group| {
            let (open, gate) = oneshot::channel::<()>();
            drop(group.named(NASTY).spawn(gate));
            let seen = tree();
            let text = seen.to_string();
            assert!(text.lines().any(|line| line.contains("a \"quoted\"\\n{name}")), "{text}");
            assert!(!text.contains('\u{1b}'), "a terminal is not told to change colours");
            let chart = seen.to_mermaid(1000);
            let line = chart.lines().find(|line| line.contains("quoted")).unwrap();
            let label = line.split('"').nth(1).unwrap();
            assert_eq!(line.matches('"').count(), 2, "{line}");
            assert!(!label.contains(['{', '}', '<', '>', '|', '`', '(', ')']), "{line}");
            assert!(label.contains("#34;quoted#34; #123;name#125;"), "{line}");
            drop(open);
        })
        .await;
    });
}

#[test]
fn chart_has_arrows_for_waits_and_counts_what_it_leaves_out() {
    on_both(|| async {
        inspect(true);
        let _ = TaskGroup::builder()
            .name("chart")
            .try_scope(async |group: &TaskGroup<String>| {
                let child = scope(async |inner| inner.named("chart leaf").spawn(forever::<()>()).await);
                drop(group.named("chart child").spawn(child));
                for _ in 0..1_500 {
                    drop(group.named("chart extra").spawn(forever::<()>()));
                }
                let seen = shows(|tree| tree.to_string().contains("waits for task `chart leaf`")).await;
                let leaf = crate::inspect::task(&seen, "chart leaf").id;
                let child = crate::inspect::task(&seen, "chart child").id;
                let group_id = crate::inspect::node(&seen, "chart").id;
                // More than other tests of this process have.
                let chart = seen.to_mermaid(1_000);
                assert!(chart.starts_with("flowchart TD\n"));
                assert!(chart.contains(&format!("n{child} -. waits for .-> n{leaf}\n")), "{chart}");
                assert!(chart.contains(&format!("n{group_id} --> n{child}\n")), "{chart}");
                assert!(chart.contains(&format!("n{group_id} --> more{group_id}[\"501 more\"]")), "{chart}");
                group.cancel("enough");
                Ok(())
            })
            .await;
    });
}

#[cfg(feature = "serde")]
#[test]
fn json_has_everything_and_is_json() {
    on_both(|| async {
        inspect(true);
        let report = bowline_concurrency::BackgroundTasks::new().shutdown(std::time::Duration::ZERO).await;
        assert!(serde_json::to_string(&report).unwrap().contains("\"stuck\":[]"));
        scope(async |group| {
            let (open, gate) = oneshot::channel::<()>();
            drop(group.named(NASTY).spawn(gate));
            let parsed: serde_json::Value = serde_json::from_str(&tree().to_json()).unwrap();
            let tasks = parsed["tasks"].as_array().unwrap();
            let task = tasks.iter().find(|task| task["name"] == NASTY).unwrap();
            assert!(task["location"].as_str().unwrap().contains("inspect_output.rs:"));
            for part in ["hints", "nodes", "waits", "holds"] {
                assert!(parsed[part].is_array(), "{part}");
            }
            drop(open);
        })
        .await;
    });
}
