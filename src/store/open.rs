//! Opening a store: the file, SQLite's settings and their reasons, the schema, and the refusals.
//!
//! A file that is damaged, foreign or newer is never deleted, overwritten or "repaired".

use std::fmt::Write;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{StoreError, folder_of};

/// Marks a database as f2b's ("f2b" and 1 in ASCII), so that another program's is not written to.
const APPLICATION_ID: i64 = 0x6632_6231;

/// The migrations in order; the n-th leads to `user_version` n. Never edited once released.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_initial.sql"),
    include_str!("../../migrations/0002_blocks.sql"),
    include_str!("../../migrations/0003_longer_heads.sql"),
    include_str!("../../migrations/0004_installation.sql"),
    include_str!("../../migrations/0005_enforced.sql"),
    include_str!("../../migrations/0006_position.sql"),
    include_str!("../../migrations/0007_prolongation.sql"),
    include_str!("../../migrations/0008_taken.sql"),
    include_str!("../../migrations/0009_standing.sql"),
];

/// The version of the schema that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are a handful")]
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// How many prepared statements are kept: all there are.
const STATEMENTS: usize = 128;

/// Opens the store at `path` for writing, makes it if it isn't there, brings its schema up to date.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    create(path)?;
    let explain = |source| StoreError::explain(path, source);
    let mut conn = connect(path)?;
    match version(&conn, path)? {
        VERSION => {}
        _ => migrate(&mut conn, path)?,
    }
    tune(&conn).map_err(explain)?;
    Ok(conn)
}

/// Opens the store at `path` for reading only, for which no right to write is needed, unless an earlier f2b made
/// it: then its schema is brought up to date first.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let missing = || StoreError::Missing { path: path.to_owned() };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
        _ => {}
    }
    let versioned = |conn| version(&conn, path).map(|found| (conn, found));
    let (conn, found) = match connect(path).and_then(versioned) {
        Err(StoreError::Folder { .. } | StoreError::ReadOnly { .. }) => {
            connect_to_still(path).and_then(versioned)?
        }
        opened => opened?,
    };
    if found == 0 {
        return Err(missing());
    }
    if found < VERSION {
        drop(conn);
        return match writer(path) {
            Ok(_) => reader(path),
            Err(StoreError::Folder { .. } | StoreError::ReadOnly { .. }) => {
                Err(StoreError::Older { path: path.to_owned(), found, known: VERSION })
            }
            Err(other) => Err(other),
        };
    }
    conn.pragma_update(None, "query_only", true)
        .map_err(|source| StoreError::explain(path, source))?;
    Ok(conn)
}

/// A connection to a store that is open, for copying its write-ahead log.
pub(super) fn aside(path: &Path) -> Result<Connection, StoreError> {
    let conn = connect(path)?;
    conn.pragma_update(None, "synchronous", "NORMAL")
        .map_err(|source| StoreError::explain(path, source))?;
    Ok(conn)
}

/// Makes the folder (0700) and an empty file (0600): what is in logs is nobody else's business.
/// SQLite gives its own files beside it the same permissions.
fn create(path: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Create { path: path.to_owned(), source };
    if path.exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path)).map_err(fail)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(fail(error)),
        _ => Ok(()),
    }
}

/// A connection to an existing file. If the file can't be written to, SQLite makes it a reading one.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let explain = |source| StoreError::explain(path, source);
    // One connection is used by one thread at a time, which Rust proves; no mutexes needed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(explain)?;
    conn.busy_timeout(super::BUSY_TIMEOUT).map_err(explain)?;
    settle(conn).map_err(explain)
}

/// A connection to a file beside which nothing can be written: another user's, or on a medium that can't be
/// written to. Whoever writes to such a store has its index of the write-ahead log there, through which it is
/// read as any other; where there is none, nobody writes, and SQLite is told so: it then locks nothing.
///
/// Someone who begins to write right then is not noticed; the next question is answered through his index.
fn connect_to_still(path: &Path) -> Result<Connection, StoreError> {
    let explain = |source| StoreError::explain(path, source);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // The last transactions of someone who was killed, perhaps: without them the file is not whole.
    if std::fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        return Err(StoreError::Unmerged { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(still_uri(path), flags).map_err(explain)?;
    settle(conn).map_err(explain)
}

/// `file:PATH?immutable=1`, in which no byte of the path means anything else.
fn still_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            _ => {
                // A text takes whatever is written to it.
                let _ = write!(uri, "%{byte:02x}");
            }
        }
    }
    uri + "?immutable=1"
}

/// What every connection needs.
fn settle(conn: Connection) -> rusqlite::Result<Connection> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan is made once, whatever is asked for. Otherwise SQLite plans some statements, of those on ban two, by the values
    // of their parameters, and prepares them anew whenever these change: at each run.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A store may come from elsewhere: its views and triggers call nothing that could do harm.
    conn.pragma_update(None, "trusted_schema", false)?;
    Ok(conn)
}

/// The version of the schema; 0 for an empty file; refuses what isn't ours.
fn version(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let explain = |source| StoreError::explain(path, source);
    let number = |pragma| conn.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    // Zero until something is made in it. Asked first: a store that another process makes meanwhile then
    // looks empty or whole, never foreign.
    if number("schema_version").map_err(explain)? == 0 {
        return Ok(0);
    }
    if number("application_id").map_err(explain)? != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let found = number("user_version").map_err(explain)?;
    if found < 1 {
        return Err(StoreError::Corrupt {
            path: path.to_owned(),
            detail: format!("its user_version is {found}"),
        });
    }
    if found > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

/// Brings the schema from whatever version to [`VERSION`], in one transaction.
fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let explain = |source| StoreError::explain(path, source);
    lay_out(conn).map_err(explain)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    // Asked again under the lock: another process may have been faster.
    let found: i64 =
        tx.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    for (sql, to) in MIGRATIONS.iter().zip(1..).skip_while(|(_, to)| *to <= found) {
        tx.execute_batch(sql).map_err(explain)?;
        tx.pragma_update(None, "user_version", to).map_err(explain)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(explain)?;
    tx.commit().map_err(explain)
}

/// Forgets the pages that a connection keeps; up to its `cache_size` it would keep them for as long as it lives.
pub(super) fn shrink(conn: &Connection) {
    // If it fails, they stay.
    let _ = conn.execute_batch("PRAGMA shrink_memory");
}

/// What can only be chosen while the file is empty; without effect later.
fn lay_out(conn: &Connection) -> rusqlite::Result<()> {
    // Lines are long: fewer, larger pages make shallower trees, and a purge frees more at once. Writing is
    // as fast with SQLite's 4096 (benches/store.rs).
    conn.pragma_update(None, "page_size", PAGE_BYTES)?;
    // A purge gives its space back without rewriting the file; the price is a page map in between.
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // Readers never wait for the writer, nor the writer for them. Stays with the file.
    conn.pragma_update(None, "journal_mode", "WAL")
}

/// Bytes of a page of a new store.
pub(super) const PAGE_BYTES: i64 = 8192;

/// Pages of the write-ahead log (64 MiB) with which SQLite copies it into the file.
pub(super) const LOG_PAGES: i64 = 67_108_864 / PAGE_BYTES;

/// Has the write-ahead log copied into the file within the first commit that leaves it longer than so many pages.
pub(super) fn copy_within_commits(conn: &Connection, pages: i64) -> rusqlite::Result<()> {
    conn.pragma_update(None, "wal_autocheckpoint", pages)
}

/// The settings of a writing connection, which SQLite forgets when it is closed.
fn tune(conn: &Connection) -> rusqlite::Result<()> {
    // A power cut may cost the last transactions, never the consistency of the file: they are in the
    // write-ahead log, which is synced before it is copied, not at each commit. What is lost is found
    // again by the next scan, which adds what is missing and nothing twice. FULL would sync at each
    // commit. A kill of the process costs nothing in either setting.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    // 64 MiB (negative: KiB). The pages that a batch touches at random are those of failure; the
    // rest is appended. They should stay in memory while a log is scanned.
    conn.pragma_update(None, "cache_size", -65_536)?;
    // Unless so much is written that a thread does it (checkpoint.rs).
    copy_within_commits(conn, LOG_PAGES)?;
    // A long reader can make it longer meanwhile, and a scan does; when it begins anew it is cut back to this, not to
    // less: pages of a file that are there are written at half the cost.
    conn.pragma_update(None, "journal_size_limit", 134_217_728)?;
    // The writer takes every id it writes from the table itself, in the same transaction; checking that
    // again would look each of them up once more per row. The tests run foreign_key_check.
    conn.pragma_update(None, "foreign_keys", false)?;
    // Sorting of large answers happens in memory rather than in files that others might read.
    conn.pragma_update(None, "temp_store", "MEMORY")
}
