//! The store when the machine turns on it: killed in the middle of a write, and a full disk.
//!
//! The tests start themselves again as the process that is killed. The full disk is a small tmpfs in a
//! mount of its own, which only root can make; without root the test fails and says so.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use f2b::model::{Fields, Head, Host, Origin, Time};
use f2b::store::{Record, Scanned, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

/// Records of a batch: many pages, so that a kill finds some of them written and some not.
const BATCH: u64 = 5000;

/// Names the store to a child.
const STORE: &str = "F2B_TEST_STORE";

fn source(store: &mut Store) -> Scanned {
    Scanned {
        log: store
            .log(&Head::from_bytes(b"Nov 23 head"), "/var/log/auth.log", Time::from_secs(0))
            .unwrap(),
        filter: store.filter("sshd", "^x").unwrap(),
        jail: store.jail("sshd").unwrap(),
        origin: Origin::Scan,
    }
}

/// The `n`-th batch of a log.
fn batch(n: u64) -> Vec<Record<'static>> {
    let records = n * BATCH..(n + 1) * BATCH;
    records
        .map(|line| Record {
            offset: line * 100,
            line: line + 1,
            text: b"Failed password for invalid user admin from 192.0.2.1 port 22 ssh2",
            time: Some(Time::from_secs(1_793_491_200)),
            regex: 1,
            nofail: false,
            host: Some(Host::parse(&format!("192.0.2.{}", line % 251))),
            fields: Fields::NONE,
            whole: None,
            failure: true,
        })
        .collect()
}

fn number(conn: &Connection, sql: &str) -> u64 {
    conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

/// The file is sound, no row dangles, and what is there are whole batches; how many.
fn whole_batches(path: &Path) -> u64 {
    let conn = Connection::open(path).unwrap();
    let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mut dangling = conn.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(dangling.query([]).unwrap().next().unwrap().is_none(), "a dangling reference");
    let lines = number(&conn, "SELECT count(*) FROM line");
    assert_eq!(number(&conn, "SELECT count(*) FROM match"), lines);
    // The counts are of what is there.
    assert_eq!(number(&conn, "SELECT ifnull(sum(failures), 0) FROM block"), lines);
    assert_eq!(number(&conn, "SELECT ifnull(sum(failures), 0) FROM tally"), lines);
    assert_eq!(number(&conn, "SELECT ifnull(sum(lines), 0) FROM log"), lines);
    assert_eq!(lines % BATCH, 0, "half a batch");
    lines / BATCH
}

#[test]
fn a_killed_writer_leaves_whole_batches() {
    for pause_ms in [0, 3, 10, 30, 70, 150] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f2b.sqlite");
        let announced = kill_a_writer(&path, Duration::from_millis(pause_ms));
        // What was committed is there, and perhaps the batch whose announcement was cut off.
        let kept = whole_batches(&path);
        assert!(kept >= announced, "{kept} batches kept of {announced}");
        // The next scan repeats all of it: what is there stays, what is missing comes.
        let mut store = Store::open(&path).unwrap();
        let source = source(&mut store);
        for n in 0..=kept {
            let new = if n < kept { 0 } else { BATCH };
            assert_eq!(store.write(source, &batch(n)).unwrap().failures, new);
        }
        drop(store);
        assert_eq!(whole_batches(&path), kept + 1);
    }
}

/// Starts a process that writes to `path`, kills it a moment after its first batch; how many batches it
/// said it had committed.
fn kill_a_writer(path: &Path, moment: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("committed")), "the child wrote nothing");
    #[expect(clippy::disallowed_methods, reason = "the moment of the kill is to be arbitrary")]
    thread::sleep(moment);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    1 + lines.filter(|line| line.ends_with("committed")).count() as u64
}

#[test]
#[ignore = "run by a_killed_writer_leaves_whole_batches"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn child_that_writes_until_it_is_killed() {
    let mut store = Store::open(&PathBuf::from(std::env::var_os(STORE).unwrap())).unwrap();
    let source = source(&mut store);
    for n in 0.. {
        let records = batch(n);
        let mut transaction = store.begin().unwrap();
        transaction.write(source, &records).unwrap();
        transaction.commit().unwrap();
        println!("batch {n} committed");
    }
}

/// A disk of 4 MB.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&mount.stderr);
        assert!(mount.status.success(), "a small disk needs root to mount it: {said}");
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let umount = Command::new("umount").arg(self.0.path()).status();
        assert!(umount.is_ok_and(|status| status.success()) || thread::panicking());
    }
}

#[test]
fn a_full_disk_is_said_in_a_line_and_leaves_whole_batches() {
    let disk = SmallDisk::new();
    let path = disk.0.path().join("f2b.sqlite");
    let mut store = Store::open(&path).unwrap();
    let source = source(&mut store);
    let mut written = 0;
    let error = loop {
        match store.write(source, &batch(written)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(error.to_string(), full(&path));
    assert!(written > 0, "the disk is too small for this test");
    // The same process goes on reading, and is told the same when it tries again.
    assert_eq!(store.reader().totals().unwrap().lines, written * BATCH);
    assert_eq!(store.write(source, &batch(written)).unwrap_err().to_string(), full(&path));
    drop(store);
    assert_eq!(whole_batches(&path), written);
}

#[test]
fn a_store_that_can_not_be_made_on_a_full_disk_is_made_later() {
    let disk = SmallDisk::new();
    let path = disk.0.path().join("f2b.sqlite");
    let ballast = disk.0.path().join("ballast");
    // Fails where the disk ends, having filled it.
    fs::write(&ballast, vec![0; 8 << 20]).unwrap_err();
    assert_eq!(Store::open(&path).map(drop).unwrap_err().to_string(), full(&path));
    fs::remove_file(ballast).unwrap();
    let mut store = Store::open(&path).unwrap();
    let source = source(&mut store);
    store.write(source, &batch(0)).unwrap();
    drop(store);
    assert_eq!(whole_batches(&path), 1);
}

fn full(path: &Path) -> String {
    format!(
        "{}: the disk is full, nothing of this step was stored; make room, then run it again",
        path.display()
    )
}
