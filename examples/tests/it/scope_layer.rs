//! A real web server under a `ScopeLayer`, with clients that hang up anywhere: what its handlers took is given back before the root returns.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    num::NonZeroUsize,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{Router, extract::State, routing::post};
use bowline_concurrency::{
    Scope, ScopeLayer, TaskGroup, hand_off, live_tasks, root_scope, scope, shutdown_requested, track_live_tasks,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::oneshot,
    task::yield_now,
    time::sleep,
};

const CLIENTS: u64 = 1_000;

/// Counts leases, and handlers by how they ended.
#[derive(Clone, Default)]
struct Ledger {
    owed: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

struct Lease(Arc<AtomicUsize>, Handle);

impl Ledger {
    fn lease(&self) -> Lease {
        self.owed.fetch_add(1, SeqCst);
        Lease(self.released.clone(), Handle::current())
    }

    /// Panics unless every lease was released once and no task of a handler is left. Gives how many handlers were cut short.
    fn settled(&self) -> usize {
        assert_eq!(self.owed.load(SeqCst), self.released.load(SeqCst), "every lease is released once");
        let left: Vec<_> = live_tasks().into_iter().filter(|task| task.location.file() == file!()).collect();
        assert!(left.is_empty(), "{left:?}");
        self.begun.load(SeqCst) - self.ended.load(SeqCst)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let released = self.0.clone();
        hand_off(&self.1, "lease", async move {
            sleep(Duration::from_micros(200)).await;
            released.fetch_add(1, SeqCst);
        });
    }
}

/// Takes a lease here, and one in each of two nested scopes.
async fn handler(State(ledger): State<Ledger>, body: String) -> String {
    ledger.begun.fetch_add(1, SeqCst);
    let _lease = ledger.lease();
    let length = scope(async |group| {
        let inside = ledger.clone();
        let task = group.named("a part").spawn(async move {
            let lease = inside.lease();
            sleep(Duration::from_micros(300)).await;
            scope(async |group| {
                let lease = inside.lease();
                group.spawn(async move { drop(lease) }).await;
            })
            .await;
            lease // A value that owes a release, whether somebody takes it or not.
        });
        drop(task.await);
        body.len()
    })
    .await;
    ledger.ended.fetch_add(1, SeqCst);
    length.to_string()
}

/// A xorshift; the seed is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }
}

/// Writes a request in pieces and reads the answer, or closes the connection somewhere. `true`: it has read the answer.
async fn client(address: SocketAddr, mut random: Random) -> std::io::Result<bool> {
    let request = b"POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 12\r\n\r\nhello, world";
    let mut stream = TcpStream::connect(address).await?;
    let all = request.len() as u64;
    let mut until = if random.below(5) == 0 { random.below(all) } else { all } as usize;
    let mut rest = &request[..until];
    while !rest.is_empty() {
        let piece = if random.below(2) == 0 { rest.len() } else { 1 + random.below(rest.len() as u64) as usize };
        stream.write_all(&rest[..piece]).await?;
        rest = &rest[piece..];
        yield_now().await;
    }
    if random.below(2) == 0 {
        // Hangs up before, while or after the handler runs.
        sleep(Duration::from_micros(random.below(1_500))).await;
        until = 0;
    }
    let mut answer = String::new();
    if until == request.len() {
        stream.read_to_string(&mut answer).await?;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("12"), "{answer}");
    }
    Ok(!answer.is_empty())
}

/// A thousand clients, a few at a time; gives how many read their answer.
async fn clients(address: SocketAddr, seed: u64) -> usize {
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = answered.clone();
    let few = NonZeroUsize::new(16).unwrap();
    TaskGroup::builder()
        .limit(few)
        .scope(async move |group| {
            for n in 0..CLIENTS {
                let (answered, random) = (counted.clone(), Random((seed + n).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
                drop(group.permit().await.spawn(async move {
                    let read = client(address, random).await.unwrap();
                    answered.fetch_add(usize::from(read), SeqCst);
                }));
            }
        })
        .await;
    answered.load(SeqCst)
}

fn app(ledger: &Ledger) -> Router {
    Router::new().route("/", post(handler)).layer(ScopeLayer::new(Scope::current())).with_state(ledger.clone())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

#[test]
fn leases_of_a_thousand_requests_are_released_once_although_clients_hang_up() {
    track_live_tasks(true);
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("the seed is {seed}");
    let ledger = Ledger::default();
    block_on(async {
        let root = root_scope(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let server = axum::serve(listener, app(&ledger)).with_graceful_shutdown(async { drop(stopped.await) });
            let server = tokio::spawn(async { server.await });
            let answered = clients(address, seed).await;
            drop(stop);
            server.await.unwrap().unwrap();
            answered
        });
        let answered = root.await.unwrap();
        let cut = ledger.settled();
        let leases = ledger.owed.load(SeqCst);
        println!("{answered} answers read, {cut} handlers cut short, {leases} leases released");
        assert!(answered > 0 && cut > 0);
    });
}

#[cfg(unix)]
#[test]
fn server_that_is_asked_to_shut_down_answers_what_it_has_begun() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scope_layer::child_serves", "--ignored", "--nocapture", "--test-threads=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.ends_with("ready\n") {
        assert_ne!(output.read_line(&mut text).unwrap(), 0, "the child ended early: {text}");
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    output.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success() && text.contains("answered and settled\n"), "{text}");
}

#[test]
#[ignore = "the child process of the one above"]
fn child_serves() {
    track_live_tasks(true);
    let ledger = Ledger::default();
    let slow = async |State(ledger): State<Ledger>| {
        let _lease = ledger.lease();
        println!("ready"); // The signal comes while we are here.
        shutdown_requested().await;
        yield_now().await;
        "12"
    };
    block_on(async {
        let root = root_scope(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let slow = move |state: State<Ledger>| slow(state);
            let app = Router::new().route("/", post(slow)).layer(ScopeLayer::new(Scope::current()));
            let server = axum::serve(listener, app.with_state(ledger.clone()));
            let server = server.with_graceful_shutdown(shutdown_requested());
            let asked = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answer
            };
            let (answer, served) = tokio::join!(asked, async { server.await });
            served.unwrap();
            answer
        });
        assert!(root.await.unwrap().ends_with("12"));
        assert_eq!(ledger.owed.load(SeqCst), 1);
        ledger.settled();
        println!("answered and settled");
    });
}
