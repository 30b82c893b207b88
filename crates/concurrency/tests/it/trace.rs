//! Feature `tracing`: events and spans of one schema.

use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    process::Command,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use bowline_concurrency::{BackgroundTasks, TaskGroup, scope, try_scope};
use tokio::task::yield_now;
use tracing::{
    Dispatch, Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};

use tracing_core::span::Current;

use crate::support::ends;

/// What a subscriber got to see of one event.
#[derive(Debug, Default)]
struct Seen {
    target: String,
    fields: BTreeMap<String, String>,
}

impl Seen {
    fn message(&self) -> &str {
        self.fields.get("message").map_or("", String::as_str)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

type Span = (&'static Metadata<'static>, Seen);

/// Keeps all events, and the spans that are entered. For one thread.
#[derive(Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<Seen>>>,
    spans: Arc<Mutex<BTreeMap<u64, Span>>>,
    entered: Arc<Mutex<Vec<Id>>>,
    next: Arc<AtomicU64>,
}

impl Recorder {
    /// The only event with this message.
    fn one(&self, message: &str) -> Seen {
        let (mut found, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *self.events.lock().unwrap()).into_iter().partition(|seen| seen.message() == message);
        let one = found.pop().unwrap_or_else(|| panic!("{message} is not in {others:?}"));
        assert!(found.is_empty(), "{one:?}, and {found:?}");
        one
    }

    /// The span that is current, and its field `name`.
    fn current(&self) -> (String, Option<String>) {
        let entered = self.entered.lock().unwrap();
        let spans = self.spans.lock().unwrap();
        entered.last().map_or_else(Default::default, |id| {
            let (metadata, fields) = &spans[&id.into_u64()];
            (metadata.name().to_owned(), fields.fields.get("name").cloned())
        })
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut seen = Seen { target: span.metadata().target().to_owned(), ..Seen::default() };
        span.record(&mut seen);
        let id = self.next.fetch_add(1, SeqCst) + 1;
        self.spans.lock().unwrap().insert(id, (span.metadata(), seen));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut seen = Seen { target: event.metadata().target().to_owned(), ..Seen::default() };
        event.record(&mut seen);
        self.events.lock().unwrap().push(seen);
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.clone());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.entered.lock().unwrap().pop().as_ref(), Some(span));
    }

    fn current_span(&self) -> Current {
        let entered = self.entered.lock().unwrap();
        let spans = self.spans.lock().unwrap();
        entered.last().map_or_else(Current::none, |id| Current::new(id.clone(), spans[&id.into_u64()].0))
    }
}

/// Runs a case on one thread, with a subscriber of its own.
fn recorded<F: Future<Output = ()>>(case: impl FnOnce(Recorder) -> F + Send + 'static) {
    // A second one, always: with one alone, a thread without any decides for all who is interested in an event that it meets first.
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Recorder::default()));
    LazyLock::force(&ANOTHER);
    ends("a recorded case", || {
        let recorder = Recorder::default();
        let _default = tracing::subscriber::set_default(recorder.clone());
        crate::support::paused(case(recorder));
    });
}

fn assert_schema(seen: &Seen, name: &str, reason: &str) {
    assert_eq!(seen.target, "bowline::scope");
    assert_eq!(seen.fields.get("name").map(String::as_str), Some(name), "{seen:?}");
    assert!(seen.fields.get("reason").is_some_and(|text| text.contains(reason)), "{seen:?}");
    assert!(seen.fields["node"].parse::<u64>().is_ok(), "{seen:?}");
}

#[test]
fn cancellation_is_an_event_with_node_name_and_reason() {
    recorded(|recorder| async move {
        let result = TaskGroup::builder().name("crawl").try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
            group.cancel("enough");
            pending().await
        });
        assert!(result.await.is_err());
        assert_schema(&recorder.one("cancelled"), "crawl", "enough");
    });
}

#[test]
fn panic_that_is_resumed_at_its_owner_is_an_event() {
    recorded(|recorder| async move {
        let task = tokio::spawn(TaskGroup::builder().name("crawl").scope(async |group| {
            group.named("page 7").spawn(async { std::panic::resume_unwind(Box::new("boom")) }).await
        }));
        let _: tokio::task::JoinError = task.await.unwrap_err();
        let seen = recorder.one("panicked");
        assert_schema(&seen, "crawl", "boom");
        assert_eq!(seen.fields["task"], "page 7");
    });
}

#[test]
fn failure_with_an_observer_is_no_event() {
    recorded(|recorder| async move {
        let tasks = BackgroundTasks::new();
        tasks.observe_failures(|_| {});
        tasks.try_spawn("refresh", async { Err::<(), _>("no route") }).unwrap().await;
        assert!(recorder.events.lock().unwrap().iter().all(|seen| seen.message() != "failed"));
    });
}

/// In processes of their own: other tests have observers at the process root.
#[test]
fn failure_without_an_owner_is_an_event_instead_of_a_line_on_standard_error() {
    for (test, on_stderr) in [("trace::child_with_a_subscriber", false), ("trace::child_without_a_subscriber", true)] {
        let arguments = ["--exact", test, "--ignored", "--nocapture", "--test-threads=1"];
        let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert_eq!(text.contains("no route"), on_stderr, "{text}");
    }
}

async fn fail() {
    BackgroundTasks::new().try_spawn("refresh", async { Err::<(), _>("no route") }).unwrap().await;
}

#[test]
#[ignore = "the child process of the one above"]
fn child_with_a_subscriber() {
    recorded(|recorder| async move {
        fail().await;
        assert_schema(&recorder.one("failed"), "refresh", "no route");
    });
}

#[test]
#[ignore = "the child process of the one above"]
fn child_without_a_subscriber() {
    crate::support::paused(fail());
}

#[test]
fn child_runs_in_the_span_of_its_spawner_and_one_with_a_name_in_a_span_below() {
    recorded(|recorder| async move {
        scope(async |group| {
            let span = tracing::info_span!("request");
            let (plain, named) = span.in_scope(|| {
                let (one, two) = (recorder.clone(), recorder.clone());
                let plain = group.spawn(async move {
                    yield_now().await;
                    one.current()
                });
                let named = group.named("page 7").spawn(async move {
                    yield_now().await;
                    two.current()
                });
                (plain, named)
            });
            assert_eq!(plain.await, ("request".to_owned(), None));
            assert_eq!(named.await, ("task".to_owned(), Some("page 7".to_owned())));
            assert_eq!(recorder.current().0, "", "the body is outside");
        })
        .await;
        let spans = recorder.spans.lock().unwrap();
        assert!(spans.values().any(|(_, seen)| seen.target == "bowline::scope"));
    });
}

#[test]
fn child_that_is_dropped_is_in_its_span_while_its_destructors_run() {
    struct Look(Recorder, Arc<Mutex<Vec<String>>>);
    impl Drop for Look {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0.current().0);
        }
    }
    recorded(|recorder| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let result = try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
            let look = Look(recorder.clone(), seen.clone());
            drop(group.named("page 7").spawn(async move {
                let _look = look;
                pending::<()>().await;
            }));
            let look = Look(recorder.clone(), seen.clone());
            drop(group.named("page 8").spawn(async move { drop(look) }));
            yield_now().await;
            Err("boom")
        });
        assert!(result.await.is_err());
        assert_eq!(*seen.lock().unwrap(), ["task", "task"]);
    });
}
