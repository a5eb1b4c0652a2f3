//! Making, opening and refusing files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use super::{Fixture, failure};
use crate::model::Host;
use crate::store::{Reader, Store, StoreError};

/// What opening a file that holds `bytes` says, with the path left out; the file stays as it is.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f2b.sqlite");
    fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), bytes, "the file was changed");
    without_path(&error, &path)
}

fn without_path(error: &StoreError, path: &Path) -> String {
    error.to_string().replace(path.to_str().unwrap(), "F")
}

#[test]
fn a_store_is_made_with_its_folder_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/lib/f2b.sqlite");
    let _store = Store::open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("sqlite-wal")), 0o600);
}

#[test]
fn a_store_can_be_opened_again_and_by_two_at_once() {
    let f = Fixture::new();
    let other = Store::open(&f.path()).unwrap();
    assert_eq!(other.reader().totals().unwrap(), f.store.reader().totals().unwrap());
    assert_eq!(f.number("PRAGMA user_version"), 9);
    assert_eq!(f.number("PRAGMA auto_vacuum"), 2);
}

#[test]
fn four_that_make_the_same_store_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f2b.sqlite");
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::open(&path).map(drop))).collect();
        for thread in opened {
            thread.join().unwrap().unwrap();
        }
    });
    assert_eq!(Reader::open(&path).unwrap().totals().unwrap().logs, 0);
}

#[test]
fn err_a_file_that_is_no_database() {
    assert_eq!(
        refusal(&b"not a database at all\n".repeat(100)),
        "F: not a database; move it away or choose another path, f2b won't overwrite it"
    );
}

#[test]
fn err_a_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fail2ban.sqlite3");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE bans (ip TEXT)").unwrap();
    drop(conn);
    assert_eq!(
        refusal(&fs::read(path).unwrap()),
        "F: not a store of f2b but another program's database; choose another path"
    );
}

#[test]
fn a_store_of_version_1_is_counted_when_it_is_opened() {
    let fixture = Fixture::new();
    let fixture = Fixture { folder: tempfile::tempdir().unwrap(), ..fixture };
    let path = fixture.path();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../migrations/0001_initial.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         PRAGMA application_id = 0x66326231;
         INSERT INTO log (id, head, path, seen_us) VALUES (1, x'61', '/var/log/a', 9), (2, x'62', '/b', 9);
         INSERT INTO filter (id, name, definition) VALUES (1, 'sshd', 'x');
         INSERT INTO jail (id, name) VALUES (1, 'sshd');
         INSERT INTO host (id, key, text) VALUES
         (1, x'04c000020120', '192.0.2.1'), (2, x'04c000020220', '192.0.2.2');
         INSERT INTO line (place, number, text)
         SELECT (1 << 40) + 500000 * value, value + 1, 'line ' || value FROM json_each('[0, 1, 2, 3, 4]');
         INSERT INTO match
         SELECT place, 1, 3, number * 1000000, iif(number = 5, NULL, 1), number = 4, number < 4, NULL FROM line;
         INSERT INTO failure SELECT 1, place, 1, number % 2, number * 1000000, 1 FROM line WHERE number < 4;
         INSERT INTO failure SELECT 2, place, 1, 0, number * 1000000, 0 FROM line WHERE number = 2;",
    )
    .unwrap();
    drop(old);
    set_mode(&path, 0o444);
    set_mode(fixture.folder.path(), 0o555);
    as_someone_else("child_of_a_store_of_version_1", fixture.folder.path());
    set_mode(fixture.folder.path(), 0o755);
    set_mode(&path, 0o644);
    // Whoever only asks finds it up to date, too.
    assert_eq!(Reader::open(&path).unwrap().totals().unwrap().failures, 4);
    let fixture = Fixture { store: Store::open(&path).unwrap(), ..fixture };
    fixture.assert_whole();
    let totals = fixture.store.reader().totals().unwrap();
    assert_eq!((totals.logs, totals.lines, totals.matches, totals.failures), (2, 5, 6, 4));
    let history = fixture.store.reader().history(&Host::parse("192.0.2.1"), 9).unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(fixture.number("SELECT count(*) FROM failures WHERE jail = 'sshd'"), 2);
}

#[test]
fn err_a_store_of_a_newer_f2b() {
    let f = Fixture::new();
    f.sqlite().pragma_update(None, "user_version", 10).unwrap();
    let expected = "F: its schema is version 10, this f2b knows up to 9; install a newer f2b";
    assert_eq!(without_path(&Store::open(&f.path()).unwrap_err(), &f.path()), expected);
    assert_eq!(without_path(&Reader::open(&f.path()).unwrap_err(), &f.path()), expected);
}

#[test]
fn err_a_damaged_store() {
    let Fixture { folder, store } = Fixture::new();
    drop(store);
    let path = folder.path().join("f2b.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4000].fill(0xee);
    assert_eq!(
        {
            fs::write(&path, &bytes).unwrap();
            let error = Store::open(&path).and_then(|mut store| store.jail("sshd")).unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), bytes, "the file was changed");
            without_path(&error, &path)
        },
        "F: damaged (database disk image is malformed); save a copy, then try: sqlite3 FILE .recover"
    );
}

#[test]
fn err_reading_where_nothing_is() {
    let error = Reader::open(Path::new("/nowhere/f2b.sqlite")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no store at /nowhere/f2b.sqlite; run f2b scan, batch or daemon first, or name it with --db"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    fs::write(&path, "").unwrap();
    assert!(matches!(Reader::open(&path), Err(StoreError::Missing { .. })));
}

#[test]
fn err_a_store_that_another_process_keeps_locked() {
    let mut f = Fixture::new();
    f.store.reader().conn.busy_timeout(std::time::Duration::from_millis(1)).unwrap();
    let other = f.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = f.store.jail("sshd").unwrap_err();
    assert_eq!(
        without_path(&error, &f.path()),
        "F: another process has been writing to it for 5 s; try again when it is done"
    );
    other.execute_batch("ROLLBACK").unwrap();
    f.store.jail("sshd").unwrap();
}

#[test]
fn readers_see_what_is_committed_while_a_writer_writes() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store.write(source, &[failure(0, 1, "192.0.2.1", "a")]).unwrap();
    let reader = Reader::open(&f.path()).unwrap();
    let mut batch = f.store.begin().unwrap();
    batch.write(source, &[failure(100, 1, "192.0.2.1", "a")]).unwrap();
    assert_eq!(reader.totals().unwrap().failures, 1);
    batch.commit().unwrap();
    assert_eq!(reader.totals().unwrap().failures, 2);
}

#[test]
fn a_reader_can_not_write() {
    let f = Fixture::new();
    let reader = Reader::open(&f.path()).unwrap();
    assert!(reader.conn.execute_batch("DELETE FROM jail").is_err());
}

/// Runs the ignored test `name` as a user who may not do everything, in `folder`.
fn as_someone_else(name: &str, folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("store::tests::opening::{name}"), "--ignored"]);
    child.env("F2B_TEST_FOLDER", folder);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        child.uid(65_534).gid(65_534);
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

/// The folder that [`as_someone_else`] names.
fn given_path() -> std::path::PathBuf {
    Path::new(&std::env::var_os("F2B_TEST_FOLDER").unwrap()).join("f2b.sqlite")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn err_files_and_folders_that_can_not_be_written_to() {
    let mut fixture = Fixture::new();
    fixture.scanned("head");
    let Fixture { folder, store } = fixture;
    drop(store);
    set_mode(folder.path(), 0o777);
    set_mode(&folder.path().join("f2b.sqlite"), 0o444);
    as_someone_else("child_of_a_read_only_file", folder.path());
    set_mode(&folder.path().join("f2b.sqlite"), 0o666);
    set_mode(folder.path(), 0o555);
    as_someone_else("child_of_a_read_only_folder", folder.path());
    fs::remove_file(folder.path().join("f2b.sqlite")).unwrap();
    as_someone_else("child_of_a_folder_without_a_store", folder.path());
    set_mode(folder.path(), 0o755);
}

#[test]
#[ignore = "run by a_store_of_version_1_is_counted_when_it_is_opened"]
fn child_of_a_store_of_version_1() {
    let path = given_path();
    let error = Reader::open(&path).unwrap_err();
    assert_eq!(
        without_path(&error, &path),
        "F: its schema is version 1, which this f2b brings to 9 when its owner next runs f2b status"
    );
}

#[test]
#[ignore = "run by err_files_and_folders_that_can_not_be_written_to"]
fn child_of_a_read_only_file() {
    let path = given_path();
    let error = Store::open(&path).and_then(|mut store| store.jail("sshd")).unwrap_err();
    assert_eq!(
        without_path(&error, &path),
        "F: read-only; change its permissions or run as the user who owns it"
    );
    Reader::open(&path).unwrap().totals().unwrap();
}

#[test]
#[ignore = "run by err_files_and_folders_that_can_not_be_written_to"]
fn child_of_a_read_only_folder() {
    let path = given_path();
    let error = Store::open(&path).and_then(|mut store| store.jail("sshd")).unwrap_err();
    assert_eq!(
        without_path(&error, path.parent().unwrap()),
        "F: the folder can't be written to, but SQLite needs its -wal file there; run as the user who owns it"
    );
    assert_eq!(Reader::open(&path).unwrap().totals().unwrap().logs, 1);
}

#[test]
fn a_store_that_someone_else_writes_to_is_read_as_it_is() {
    let mut fixture = Fixture::new();
    fixture.scanned("head");
    for file in ["f2b.sqlite", "f2b.sqlite-wal", "f2b.sqlite-shm"] {
        set_mode(&fixture.folder.path().join(file), 0o644);
    }
    set_mode(fixture.folder.path(), 0o555);
    as_someone_else("child_of_a_store_in_use", fixture.folder.path());
    set_mode(fixture.folder.path(), 0o755);
}

#[test]
#[ignore = "run by a_store_that_someone_else_writes_to_is_read_as_it_is"]
fn child_of_a_store_in_use() {
    // Of the log, which is not in the file itself yet.
    assert_eq!(Reader::open(&given_path()).unwrap().totals().unwrap().logs, 1);
}

#[test]
fn err_a_write_ahead_log_without_its_index_beside_which_nothing_can_be_written() {
    let mut fixture = Fixture::new();
    fixture.scanned("head");
    let copy = tempfile::tempdir().unwrap();
    // A path whose bytes mean something in a URI.
    let folder = copy.path().join("a?b=%41#");
    fs::create_dir(&folder).unwrap();
    for file in ["f2b.sqlite", "f2b.sqlite-wal"] {
        fs::copy(fixture.folder.path().join(file), folder.join(file)).unwrap();
        set_mode(&folder.join(file), 0o444);
    }
    set_mode(copy.path(), 0o755);
    set_mode(&folder, 0o555);
    as_someone_else("child_of_a_log_without_an_index", &folder);
    set_mode(&folder, 0o755);
    fs::remove_file(folder.join("f2b.sqlite-wal")).unwrap();
    drop(fixture.store);
    fs::remove_file(folder.join("f2b.sqlite")).unwrap();
    fs::copy(fixture.folder.path().join("f2b.sqlite"), folder.join("f2b.sqlite")).unwrap();
    set_mode(&folder.join("f2b.sqlite"), 0o444);
    set_mode(&folder, 0o555);
    as_someone_else("child_of_a_store_in_use", &folder);
    set_mode(&folder, 0o755);
}

#[test]
#[ignore = "run by err_a_write_ahead_log_without_its_index_beside_which_nothing_can_be_written"]
fn child_of_a_log_without_an_index() {
    let path = given_path();
    assert_eq!(
        without_path(&Reader::open(&path).unwrap_err(), &path),
        "F: its -wal file holds what is not in it yet, and nothing can be written beside them to \
         read that; copy both to a folder of yours and give --db"
    );
}

#[test]
#[ignore = "run by err_files_and_folders_that_can_not_be_written_to"]
fn child_of_a_folder_without_a_store() {
    let path = given_path();
    assert_eq!(
        without_path(&Store::open(&path).unwrap_err(), &path),
        "F: can't create the store: Permission denied (os error 13); choose a folder that you may write to"
    );
}
