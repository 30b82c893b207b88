//! A PostgreSQL server for one test.

use std::{
    env, fs, io,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{WORKS, engine::Folder};

/// Stopped when it is dropped.
pub(super) struct Server {
    process: Child,
    programs: PathBuf,
    port: u16,
    folder: Folder,
}

impl Server {
    /// `None`, and a line that says so, where it is not installed; in CI that is a failure.
    pub(super) fn start() -> Option<Self> {
        let Some(programs) = installed() else {
            assert!(env::var_os("CI").is_none(), "PostgreSQL is not installed: apt-get install postgresql");
            println!("skipped: PostgreSQL is not installed (apt-get install postgresql)");
            return None;
        };
        let folder = Folder::new();
        if let Some((user, group)) = drop_to() {
            chown(folder.path(), Some(user), Some(group)).expect(WORKS);
        }
        let data = folder.path().join("data");
        let made = command(&programs, "initdb")
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .expect(WORKS);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Free now. Whoever takes it before the server does makes the test fail, not wrong.
        let port = TcpListener::bind("127.0.0.1:0").expect(WORKS).local_addr().expect(WORKS).port();
        let process = command(&programs, "postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .args(["-c", "fsync=off", "-c", "max_connections=50", "-c", "shared_buffers=8MB"])
            .current_dir(folder.path())
            .stderr(fs::File::create(folder.path().join("log")).expect(WORKS))
            .spawn()
            .expect(WORKS);
        let server = Server { process, programs, port, folder };
        server.wait_until_ready();
        Some(server)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn options(&self, port: u16) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username("postgres")
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.answers().unwrap_or(false) {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("PostgreSQL does not start: {log}");
            }
            // It is another process: there is nothing else to wait on.
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it takes connections.
    fn answers(&self) -> io::Result<bool> {
        let pg_isready = command(&self.programs, "pg_isready")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .stdout(Stdio::null())
            .status()?;
        Ok(pg_isready.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = command(&self.programs, "pg_ctl")
            .args(["stop", "--mode=immediate", "--silent", "-D"])
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .status();
        if !stop.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut programs: Vec<_> = versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect();
    programs.retain(|folder| folder.join("initdb").exists());
    programs.sort();
    programs.pop()
}

fn command(programs: &std::path::Path, name: &str) -> Command {
    let mut command = Command::new(programs.join(name));
    if let Some((user, group)) = drop_to() {
        command.uid(user).gid(group);
    }
    command
}

/// The server refuses to run as root; then it runs as `postgres`.
fn drop_to() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect(WORKS);
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the package makes a user `postgres`");
    let mut ids = line.split(':').skip(2).map(|id| id.parse().expect(WORKS));
    Some((ids.next().expect(WORKS), ids.next().expect(WORKS)))
}
