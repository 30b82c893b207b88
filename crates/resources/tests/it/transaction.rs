//! Transactions of a simulated database, which refuses what a real one would.

mod borrowed;
mod end;
mod owned;
mod pooled;

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_resources::{ConnectionSource, RollbackLater, Step, Transactional};

use crate::support::{Act, Log, Stuck, awaits};

pub(crate) const WITHIN: Duration = Duration::from_secs(5);

/// A pool without end.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) log: Log,
    /// Connections that are out.
    out: Arc<AtomicUsize>,
    rows: Arc<Mutex<Vec<u32>>>,
    awaits: usize,
    /// What does not work.
    fault: Option<(&'static str, Act)>,
}

impl Default for Database {
    fn default() -> Self {
        let (log, out, rows) = Default::default();
        Database { log, out, rows, awaits: 0, fault: None }
    }
}

impl Database {
    fn slow(awaits: usize) -> Self {
        Database { awaits, ..Database::default() }
    }

    fn with_fault(what: &'static str, act: Act) -> Self {
        Database { fault: Some((what, act)), ..Database::default() }
    }

    async fn act(&self, what: &'static str) -> Result<(), Stuck> {
        self.log.add(format!("{what} begins"));
        awaits(self.awaits).await?;
        self.log.add(what);
        match self.fault {
            Some((fault, Act::Fails)) if fault == what => Err(Stuck(what)),
            Some((fault, Act::Panics)) if fault == what => panic!("{what} panics"),
            Some((fault, Act::Hangs)) if fault == what => pending().await,
            _ => Ok(()),
        }
    }

    /// What was done to its end.
    fn done(&self) -> Vec<String> {
        self.log.entries().into_iter().filter(|entry| !entry.ends_with("begins")).collect()
    }

    fn rows(&self) -> Vec<u32> {
        self.rows.lock().expect("no panic under the lock").clone()
    }

    fn connect(&self) -> Connection {
        Connection { database: self.clone(), saved: Vec::new(), rows: Vec::new(), is_open: false, late: Vec::new() }
    }
}

pub(crate) struct Connection {
    database: Database,
    /// What the rows were at each depth.
    saved: Vec<Vec<u32>>,
    rows: Vec<u32>,
    is_open: bool,
    /// What is to be rolled back before the next use.
    late: Vec<usize>,
}

impl Connection {
    pub(crate) fn add(&mut self, row: u32) {
        self.settle();
        assert!(self.is_open);
        self.rows.push(row);
    }

    fn settle(&mut self) {
        for depth in std::mem::take(&mut self.late) {
            self.undo(depth);
        }
    }

    fn undo(&mut self, depth: usize) {
        if self.saved.len() > depth {
            self.rows.clone_from(&self.saved[depth]);
            self.saved.truncate(depth);
        }
        self.is_open = depth > 0;
    }
}

impl Transactional for Connection {
    type Error = Stuck;

    async fn begin(&mut self, depth: usize) -> Result<(), Stuck> {
        self.settle();
        assert_eq!(self.is_open, depth > 0, "a transaction is open already, or none");
        assert_eq!(self.saved.len(), depth);
        self.database.clone().act("begin").await?;
        if depth == 0 {
            self.rows = self.database.rows();
        }
        self.is_open = true;
        self.saved.push(self.rows.clone());
        Ok(())
    }

    async fn commit(&mut self, depth: usize) -> Result<(), Stuck> {
        self.settle();
        assert_eq!(self.saved.len(), depth + 1);
        self.database.clone().act("commit").await?;
        self.saved.truncate(depth);
        if depth == 0 {
            self.database.rows.lock().expect("no panic under the lock").clone_from(&self.rows);
            self.is_open = false;
        }
        Ok(())
    }

    async fn rollback(&mut self, depth: usize) -> Result<(), Stuck> {
        self.settle();
        self.database.clone().act("rollback").await?;
        self.undo(depth);
        Ok(())
    }
}

impl RollbackLater for Connection {
    fn rollback_later(&mut self, depth: usize, during: Step) {
        self.database.log.add(format!("later {depth} {during:?}"));
        assert!(self.database.fault != Some(("later", Act::Panics)), "later panics");
        self.late.push(depth);
    }
}

impl ConnectionSource for Database {
    type Connection = Connection;
    type Guard = Box<Connection>;

    async fn acquire(&self) -> Result<Box<Connection>, Stuck> {
        self.act("acquire").await?;
        self.out.fetch_add(1, SeqCst);
        Ok(Box::new(self.connect()))
    }

    async fn give_back(&self, connection: Box<Connection>) -> Result<(), Stuck> {
        assert!(!connection.is_open && connection.late.is_empty(), "a transaction is open");
        let _out = Out(self);
        self.act("return").await
    }

    fn discard(&self, connection: Box<Connection>) {
        self.log.add("discard");
        let _out = Out(self);
        assert!(self.fault != Some(("discard", Act::Panics)), "discard panics");
        drop(connection);
    }

    fn end_within(&self) -> Duration {
        WITHIN
    }
}

struct Out<'a>(&'a Database);

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.out.fetch_sub(1, SeqCst);
    }
}
