//! Who copies the write-ahead log, and when.

use std::fs;
use std::time::{Duration, Instant};

use super::{Fixture, failure};

/// Records of a transaction; some 5 MB of the log, which SQLite copies by itself when it is 64 MiB long.
const MANY: u64 = 50_000;

#[test]
fn much_is_copied_while_the_store_is_open() {
    let mut fixture = Fixture::new();
    let source = fixture.scanned("a log");
    for batch in 0..3 {
        let records: Vec<_> = (batch * MANY..(batch + 1) * MANY)
            .map(|n| failure(n * 100, 1, "192.0.2.1", "what is written much is copied aside"))
            .collect();
        let new = fixture.store.write(source, &records).unwrap();
        assert_eq!((new.matches, new.failures), (MANY, MANY));
    }
    let size = || fs::metadata(fixture.path()).unwrap().len();
    let begun = Instant::now();
    // All of it is some 15 MB.
    while size() < 10 << 20 {
        assert!(begun.elapsed() < Duration::from_mins(1), "only {} bytes", size());
        std::thread::yield_now();
    }
    fixture.assert_whole();
}

#[test]
fn little_is_left_to_sqlite() {
    let mut fixture = Fixture::new();
    let source = fixture.scanned("a log");
    let before = fs::metadata(fixture.path()).unwrap().len();
    let records: Vec<_> = (0..1000).map(|n| failure(n * 100, 1, "192.0.2.1", "little")).collect();
    fixture.store.write(source, &records).unwrap();
    assert_eq!(fs::metadata(fixture.path()).unwrap().len(), before);
    let path = fixture.path();
    drop(fixture.store);
    assert!(fs::metadata(path).unwrap().len() > before);
}

#[test]
fn who_wrote_much_once_leaves_it_to_sqlite_again() {
    let mut fixture = Fixture::new();
    let source = fixture.scanned("a log");
    let longest = |fixture: &Fixture| -> i64 {
        let conn = &fixture.store.reader().conn;
        conn.pragma_query_value(None, "wal_autocheckpoint", |row| row.get(0)).unwrap()
    };
    let before = longest(&fixture);
    let records: Vec<_> = (0..MANY).map(|n| failure(n * 100, 1, "192.0.2.1", "much")).collect();
    fixture.store.write(source, &records).unwrap();
    assert!(longest(&fixture) > before);
    for n in MANY..MANY + 100 {
        fixture.store.write(source, &[failure(n * 100, 1, "192.0.2.1", "little")]).unwrap();
    }
    assert_eq!(longest(&fixture), before);
    fixture.assert_whole();
}
