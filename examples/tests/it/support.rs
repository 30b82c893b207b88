//! A server in the test, harvest as a process of its own, and an independent look into the database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use harvest::{
    checkpoint::Checkpoint,
    server::{Api, Faults, Options, serve},
};
use reqwest::{Client, Response};
use rusqlite::Connection;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStderr, Command},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

pub(crate) fn options(faults: Faults) -> Options {
    Options { records: 1_000, latency_ms: 0..=0, faults, ..Options::default() }
}

/// The usual faults, but nobody has five seconds for the slow page.
pub(crate) fn quick_faults() -> Faults {
    Faults { slow_for: Duration::from_millis(1), ..Faults::default() }
}

pub(crate) struct Server {
    pub(crate) api: Api,
    pub(crate) base: String,
    pub(crate) client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(options: Options) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let api = Api::new(options);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, api.clone(), async {
            stopped.await.ok();
        }));
        Server { api, base, client: Client::new(), stop, served }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        body(self.get(path).await).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

pub(crate) async fn body(response: Response) -> Result<Value, reqwest::Error> {
    Ok(serde_json::from_slice(&response.bytes().await?).unwrap())
}

/// Far above what any run here takes, and below anybody's patience.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program. It is built for the tests as a binary, because Cargo tells them where binaries are.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_harvest-under-test");

/// A directory for one test, empty at its start.
pub(crate) fn scratch(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::remove_dir_all(&path).ok();
    fs::create_dir_all(&path).unwrap();
    path
}

/// Harvest while it runs.
pub(crate) struct Running {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    seen: String,
}

/// Harvest after it has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Running {
        let mut command = Command::new(PROGRAM);
        Self::of(command.args(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Running {
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, stderr, seen: String::new() }
    }

    /// Reads on until a line has `text` in it; false if the program ends first.
    pub(crate) async fn says(&mut self, text: &str) -> bool {
        while let Some(line) = timeout(PATIENCE, self.stderr.next_line()).await.expect("it hangs").unwrap() {
            self.seen += &format!("{line}\n");
            if line.contains(text) {
                return true;
            }
        }
        false
    }

    #[cfg(unix)]
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// SIGKILL, on Unix.
    pub(crate) async fn kill(mut self) -> Ended {
        self.child.start_kill().ok();
        self.end().await
    }

    pub(crate) async fn end(mut self) -> Ended {
        while self.says("\n").await {}
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap();
        Ended { code: status.code(), stderr: self.seen }
    }
}

pub(crate) async fn harvest(arguments: &[&str]) -> Ended {
    Running::start(arguments).end().await
}

/// The figure in the summary behind `label`: the last one, if there were several runs.
pub(crate) fn figure(stderr: &str, label: &str) -> u64 {
    let label = format!("  {label}  ");
    let line = stderr.lines().rfind(|line| line.starts_with(&label)).expect("it is in the summary");
    line[label.len()..].split_whitespace().next().unwrap().parse().unwrap()
}

/// What is in the table: documents by key.
pub(crate) fn documents(file: &Path, table: &str) -> BTreeMap<String, Value> {
    rows(file, &format!("SELECT key, doc FROM {table}"), |row| {
        let (key, doc): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((key, serde_json::from_str(&doc).unwrap()))
    })
    .into_iter()
    .collect()
}

pub(crate) fn rows<T>(file: &Path, query: &str, read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

/// What a perfect copy holds.
pub(crate) fn expected(api: &Api) -> BTreeMap<String, Value> {
    api.records().into_iter().map(|record| (record["id"].to_string(), record)).collect()
}

/// The keys of the pages that the checkpoint lists: exactly those must be in the table, since both were committed together.
fn keys_by_checkpoint(file: &Path, records: u64, page_size: u64) -> BTreeSet<String> {
    let query = "SELECT done, next, beyond FROM harvest_checkpoints";
    let checkpoints = rows(file, query, |row| {
        let (next, beyond): (_, String) = (row.get(1)?, row.get(2)?);
        Ok(Checkpoint::restore(row.get(0)?, next, &beyond).unwrap())
    });
    let is_stored = |id: u64| checkpoints.iter().any(|checkpoint| checkpoint.contains((id - 1) / page_size));
    (1..=records).filter(|id| is_stored(*id)).map(|id| id.to_string()).collect()
}

/// Rows and checkpoint, whatever happened before, unless nothing was ever written.
pub(crate) fn rows_and_checkpoint_agree(file: &Path, records: u64, page_size: u64) -> usize {
    let keys: BTreeSet<String> = documents(file, "records").into_keys().collect();
    assert_eq!(keys, keys_by_checkpoint(file, records, page_size));
    keys.len()
}
