//! The store against real SQLite files.

mod bans;
mod checkpoint;
mod identity;
mod numbers;
mod opening;
mod position;
mod prolong;
mod statements;
mod sums;
mod taken;
mod turn;
mod writing;

use std::path::PathBuf;

use tempfile::TempDir;

use super::{JailId, LogId, Record, Scanned, Store, Written};
use crate::model::{Fields, Head, Host, Origin, Time};

/// A store in a folder of its own, which goes with it.
struct Fixture {
    folder: TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("f2b.sqlite")).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("f2b.sqlite")
    }

    /// What a scan of `log` without a jail hands over.
    fn scanned(&mut self, head: &str) -> Scanned {
        let log =
            self.store.log(&Head::from_bytes(head.as_bytes()), "/var/log/auth.log", at(0)).unwrap();
        self.scanned_of(log)
    }

    fn scanned_of(&mut self, log: LogId) -> Scanned {
        let filter = self.store.filter("sshd", "^x").unwrap();
        Scanned { log, filter, jail: JailId::NONE, origin: Origin::Scan }
    }

    /// One number from the file, as another program would read it.
    fn number(&self, sql: &str) -> i64 {
        self.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store.path()).unwrap()
    }

    /// No row refers to one that is not there.
    fn assert_whole(&self) {
        let conn = self.sqlite();
        let mut check = conn.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(check.query([]).unwrap().next().unwrap().is_none(), "a dangling reference");
        let check: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(check, "ok");
        for (kept, counted) in COUNTS {
            let differ = |a, b| self.number(&format!("SELECT count(*) FROM ({a} EXCEPT {b})"));
            assert_eq!((differ(kept, counted), differ(counted, kept)), (0, 0), "{kept}");
        }
    }
}

/// What is counted once and for all, and the same counted now.
const COUNTS: &[(&str, &str)] = &[
    (
        "SELECT block, filter_id, jail_id, matches, failures, first_us, last_us, last_failure_us FROM block",
        "SELECT place >> 20, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us),
         max(iif(failure, time_us, NULL)) FROM match GROUP BY 1, 2, 3",
    ),
    (
        "SELECT host_id, block, filter_id, jail_id, matches, failures, first_us, last_us FROM tally",
        "SELECT host_id, place >> 20, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us)
         FROM match WHERE host_id <> 0 GROUP BY 1, 2, 3, 4",
    ),
    (
        "SELECT id, lines FROM log WHERE lines > 0",
        "SELECT place >> 40, count(*) FROM line GROUP BY 1",
    ),
];

/// So many seconds into a day in November 2026.
fn at(secs: i64) -> Time {
    Time::from_secs(1_793_491_200 + secs)
}

/// So much was new.
fn written(matches: u64, failures: u64) -> Written {
    Written { matches, failures, displaced: 0 }
}

/// A failure of `host`.
fn failure<'a>(offset: u64, secs: i64, host: &str, text: &'a str) -> Record<'a> {
    Record {
        offset,
        line: offset / 100 + 1,
        text: text.as_bytes(),
        time: Some(at(secs)),
        regex: 1,
        nofail: false,
        host: Some(Host::parse(host)),
        fields: Fields::NONE,
        whole: None,
        failure: true,
    }
}
