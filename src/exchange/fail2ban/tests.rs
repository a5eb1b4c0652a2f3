use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::{BanTime, EarlierBan, Host, HostBans, Time};

/// Tables as each version has them (specified by what fail2ban 1.0.2 makes of them), with two bans of one host in one
/// second and one of another, and a log.
const VERSIONS: [&str; 4] = [
    "CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, data JSON);
     INSERT INTO bans VALUES ('j', '198.51.100.1', 100, '{\"matches\": [\"a\"], \"failures\": 3}'),
     ('j', '198.51.100.1', 100, '{}'), ('j', 'not an ip', 200, '{}'), ('j', '198.51.100.1', 300, '{}')",
    "CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, data JSON);
     INSERT INTO bans VALUES ('j', '198.51.100.1', 100, '{\"matches\": [\"a\"], \"failures\": 3}'),
     ('j', '198.51.100.1', 100, '{}'), ('j', 'not an ip', 200, '{}'), ('j', '198.51.100.1', 300, '{}')",
    "CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL,
     bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1, data JSON);
     INSERT INTO bans VALUES ('j', '198.51.100.1', 100, 60, 1, '{}'), ('j', 'not an ip', 200, -1, 1, '{}'),
     ('j', '198.51.100.1', 300, 27.163187530578398, 2, '{}')",
    "CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL,
     bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1, data JSON);
     CREATE TABLE bips (ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL,
     bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY (ip, jail));
     INSERT INTO bans VALUES ('j', '198.51.100.1', 300, 60, 7, x'7b7d');
     INSERT INTO bips VALUES ('198.51.100.1', 'j', 300, 60, 7, x'7b7d'), ('0.0.0.0/0', 'j', 1, 1, 1, x'7b7d'),
     ('198.51.100.0/24', 'k', 400, -1, 9, x'7b7d')",
];

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn of(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any name");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        Self { _folder: folder, path }
    }

    fn version(version: i64) -> Self {
        let tables = usize::try_from(version - 1).ok().and_then(|nth| VERSIONS.get(nth));
        Self::of(&format!(
            "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES ({version});
             CREATE TABLE logs (jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER DEFAULT 0);
             INSERT INTO logs VALUES ('j', '/l', 'abc', 17), ('j', 'systemd-journal', 't', 1795659895.975356);
             {}",
            tables.unwrap_or(&VERSIONS[3])
        ))
    }

    /// All files of its folder with what is in them.
    fn folder(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(self.path.parent().unwrap())
    }

    fn refused(&self) -> String {
        let before = self.folder();
        let error = Database::open(&self.path).unwrap_err().to_string();
        assert!(before == self.folder(), "it was changed");
        error
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

fn rows(database: &Database) -> Vec<Row> {
    let mut rows = Vec::new();
    database
        .each_row(|row| {
            rows.push(row);
            Ok::<_, DatabaseError>(())
        })
        .unwrap();
    rows
}

fn ban(at: i64, bantime: Option<BanTime>, data: &str) -> EarlierBan {
    let failures = if data.contains('3') { 3 } else { 0 };
    EarlierBan { at: Time::from_secs(at), bantime, failures, data: data.into() }
}

fn bans(jail: &str, host: &str, bans: Vec<EarlierBan>, count: u64) -> Row {
    let (jail, host) = (jail.to_owned(), Host::parse(host));
    Row::Bans(HostBans { jail, host, bans, count, newest: true })
}

#[test]
fn ok_bans_of_each_version() {
    let one = "198.51.100.1";
    for version in 1..=2 {
        let file = File::version(version);
        let database = Database::open(&file.path).unwrap();
        assert_eq!(database.version(), version);
        let expected = vec![
            bans("j", one, vec![ban(100, None, "{}"), ban(300, None, "{}")], 1),
            bans("j", "not an ip", vec![ban(200, None, "{}")], 1),
        ];
        assert_eq!(rows(&database), expected, "version {version}");
    }
    let secs = |secs: i64| Some(BanTime::Micros(secs * 1_000_000));
    let short = Some(BanTime::Micros(27_163_188));
    let expected = vec![
        bans("j", one, vec![ban(100, secs(60), "{}"), ban(300, short, "{}")], 2),
        bans("j", "not an ip", vec![ban(200, Some(BanTime::Permanent), "{}")], 1),
    ];
    assert_eq!(rows(&Database::open(&File::version(3).path).unwrap()), expected);
    let expected = vec![
        Row::Skipped {
            jail: "j".into(),
            host: "0.0.0.0/0".into(),
            why: "is everyone; a ban of everyone is none",
        },
        bans("j", one, vec![ban(300, secs(60), "{}")], 7),
        bans("k", "198.51.100.0/24", vec![ban(400, Some(BanTime::Permanent), "{}")], 9),
    ];
    assert_eq!(rows(&Database::open(&File::version(4).path).unwrap()), expected);
}

#[test]
fn ok_places_in_logs_and_journals() {
    let positions = Database::open(&File::version(4).path).unwrap().positions().unwrap();
    let at = |path: &str, reached| ReadTo { jail: "j".into(), path: path.into(), reached };
    let expected = [
        at("/l", Reached::Offset { offset: 17, first_line: "abc".into() }),
        at("systemd-journal", Reached::Entry(Time::from_micros(1_795_659_895_975_356))),
    ];
    assert_eq!(positions, expected);
}

#[test]
fn err_what_is_not_fail2bans() {
    assert_eq!(
        File::version(5).refused(),
        "version 5 of fail2ban's database is not known, only 1 to 4; a newer f2b may know it"
    );
    let other = "not a database of fail2ban, which has a table 'fail2banDb'";
    assert_eq!(File::of("CREATE TABLE bans (ip)").refused(), other);
    let file = File::of("");
    for bytes in [&b""[..], b"198.51.100.1\n", MAGIC] {
        fs::write(&file.path, bytes).unwrap();
        assert_eq!(file.refused(), other);
    }
    let own = tempfile::tempdir().unwrap();
    let own = own.path().join("f2b.sqlite3");
    drop(crate::store::Store::open(&own).unwrap());
    let error = Database::open(&own).unwrap_err().to_string();
    assert_eq!(error, "a store of f2b; name it with --db to use it");
}

#[test]
fn err_a_damaged_file_is_not_relied_on() {
    let file = File::version(4);
    let mut bytes = fs::read(&file.path).unwrap();
    // The second page is the first table's.
    bytes[4096..4200].fill(0xff);
    fs::write(&file.path, bytes).unwrap();
    let said = file.refused();
    assert!(said.starts_with("damaged (") && said.ends_with("or sqlite3 with .recover"), "{said}");
}

/// A transaction that has begun to write to the file, and was never ended, seen from the outside.
fn unfinished(file: &File, mode: &str) -> File {
    let conn = Connection::open(&file.path).unwrap();
    conn.pragma_update(None, "journal_mode", mode).unwrap();
    conn.pragma_update(None, "cache_size", 1).unwrap();
    conn.execute_batch(
        "BEGIN; DELETE FROM bips; DELETE FROM bans; WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO logs SELECT 'j', '/' || i, printf('%500d', i), i FROM n",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in file.folder() {
        if !path.to_string_lossy().ends_with("-shm") {
            fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
    File { path: folder.path().join("any name"), _folder: folder }
}

#[test]
fn ok_what_was_not_written_to_its_end_counts_for_nothing_and_stays() {
    for (mode, beside) in [("delete", "any name-journal"), ("wal", "any name-wal")] {
        let whole = File::version(4);
        let expected = rows(&Database::open(&whole.path).unwrap());
        let torn = unfinished(&whole, mode);
        let before = torn.folder();
        assert!(before.iter().any(|(path, bytes)| path.ends_with(beside) && bytes.len() > 512));
        assert_eq!(rows(&Database::open(&torn.path).unwrap()), expected, "{mode}");
        assert!(before == torn.folder(), "{mode}: it was changed");
    }
}

#[test]
fn a_file_that_is_only_readable_is_read_and_a_locked_one_waited_for() {
    let file = File::version(4);
    let writer = Connection::open(&file.path).unwrap();
    // As fail2ban writes: no journal beside the file.
    writer.pragma_update(None, "journal_mode", "memory").unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE; DELETE FROM bans").unwrap();
    let before = file.folder();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| Database::open(&file.path).map(|found| rows(&found).len()));
        assert!(!reader.is_finished());
        writer.execute_batch("ROLLBACK").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 3);
    });
    assert!(before == file.folder());
}
