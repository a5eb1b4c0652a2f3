//! Copying the write-ahead log into the file while more is written, for who writes much at a time.
//!
//! Left alone, SQLite copies it within the commit that finds it long enough: a scan stands still while 64 MiB are copied
//! and two files are synced. Here a thread with a connection of its own is woken by each large commit and copies what
//! that has added. The log begins anew only with a transaction that finds all of it copied, which one right behind
//! another never does: once the log is long, the next transaction waits for the copy of the last to be finished.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;

use super::open;

/// Records after which what was written is copied. Who writes less leaves it to SQLite, and needs no thread.
const MANY_RECORDS: usize = 50_000;

/// Transactions within which so much is to be written. Else it is left to SQLite: a server that has caught up writes little,
/// and its log is not to be as long as one under a scan.
const FEW_TRANSACTIONS: usize = 100;

/// Pages of the log (128 MiB) from which on it is to begin anew. Half of it would make a scan wait twice as often.
const LONG_PAGES: i64 = 134_217_728 / open::PAGE_BYTES;

/// Pages of the log at which SQLite copies it within the commit all the same: something has become of the thread, or
/// somebody reads what is at the log's beginning.
const VERY_LONG_PAGES: i64 = 4 * LONG_PAGES;

/// When the log of a store is copied.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    /// Written since it was last copied, and in how many transactions.
    records: usize,
    transactions: usize,
    /// While much is written.
    copier: Option<Copier>,
}

/// The thread that copies.
#[derive(Debug)]
struct Copier {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Something was added to the log since it was last looked at.
    is_asked: bool,
    is_copying: bool,
    has_ended: bool,
    /// Pages in the log, as of the last look.
    pages: i64,
}

impl Checkpoints {
    /// So many records were written by the transaction at hand.
    pub(super) fn count(&mut self, records: usize) {
        self.records += records;
    }

    /// The transaction was committed, by `conn` to the store at `path`.
    pub(super) fn committed(&mut self, conn: &Connection, path: &Path) {
        self.transactions += 1;
        let is_much = self.records >= MANY_RECORDS;
        if !is_much && self.transactions < FEW_TRANSACTIONS {
            return;
        }
        (self.records, self.transactions) = (0, 0);
        if !is_much {
            if self.copier.take().is_some() {
                // If that fails, SQLite copies it when it is very long.
                let _ = open::copy_within_commits(conn, open::LOG_PAGES);
            }
            return;
        }
        if self.copier.is_none() {
            self.copier = Copier::start(conn, path);
        }
        if let Some(copier) = &self.copier {
            copier.shared.lock().is_asked = true;
            copier.shared.changed.notify_all();
        }
    }

    /// A transaction is about to begin: waits until all is copied if the log is long.
    pub(super) fn make_way(&self) {
        let Some(Copier { shared, .. }) = &self.copier else { return };
        let state = shared.lock();
        if state.pages < LONG_PAGES {
            return;
        }
        let is_busy = |state: &mut State| state.is_asked || state.is_copying;
        let wait = shared.changed.wait_timeout_while(state, super::BUSY_TIMEOUT, is_busy);
        // If the disk is slow or somebody reads the log, it goes on all the same, and is as long as the next look says.
        wait.unwrap_or_else(PoisonError::into_inner).0.pages = 0;
    }
}

impl Copier {
    fn start(writer: &Connection, path: &Path) -> Option<Self> {
        let conn = open::aside(path).ok()?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let run = move || own.copy(&conn);
        let thread = Builder::new().name("checkpoint".to_owned()).spawn(run).ok()?;
        let copier = Self { shared, thread: Some(thread) };
        open::copy_within_commits(writer, VERY_LONG_PAGES).ok()?;
        Some(copier)
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.shared.lock().has_ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Whatever became of it: SQLite copies the log when the store is closed.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn copy(&self, conn: &Connection) {
        let is_idle = |state: &mut State| !state.is_asked && !state.has_ended;
        loop {
            let wait = self.changed.wait_while(self.lock(), is_idle);
            let mut state = wait.unwrap_or_else(PoisonError::into_inner);
            if state.has_ended {
                return;
            }
            (state.is_asked, state.is_copying) = (false, true);
            drop(state);
            // Without it the log is longer, until SQLite copies it within a commit.
            let pages = pages_after_copying(conn).unwrap_or(0);
            let mut state = self.lock();
            (state.is_copying, state.pages) = (false, pages);
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies what nobody needs to read in the log; how many pages that has.
fn pages_after_copying(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
