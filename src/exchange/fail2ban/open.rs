//! Taking a copy of a file that others may write to.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, ffi};

use super::{Database, DatabaseError, VERSION};

/// How long to wait for who writes to it; twice as long as fail2ban itself waits.
pub(super) const BUSY_SECS: u64 = 10;

/// Where SQLite's header says how the file is written: 2 means with a write-ahead log.
const WRITE_FORMAT_AT: usize = 18;
const WAL: u8 = 2;

const UPGRADES: [(i64, &str); 2] =
    [(2, include_str!("upgrade_2.sql")), (3, include_str!("upgrade_3.sql"))];

impl Database {
    /// Takes a copy of the database at `path`, which stays as it is.
    ///
    /// # Errors
    ///
    /// It is not fail2ban's, of a later version, damaged, or locked all the time.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let copied = if has_wal(path)? { of_files(path) } else { of_database(path) };
        let conn = match copied {
            // Somebody was killed as he wrote: his journal leads back to a whole file, but only who may write to it may
            // take that way.
            Err(DatabaseError::Sqlite(error)) if is_unfinished(&error) => of_files(path)?,
            copied => copied?,
        };
        let sound: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(DatabaseError::Damaged(sound));
        }
        let version = conn.query_row("SELECT version FROM fail2banDb", [], |row| row.get(0))?;
        if !(1..=VERSION).contains(&version) {
            return Err(DatabaseError::Newer(version));
        }
        for (_, sql) in UPGRADES.iter().filter(|(of, _)| version <= *of) {
            conn.execute_batch(sql)?;
        }
        Ok(Self { conn, version })
    }
}

fn has_wal(path: &Path) -> Result<bool, DatabaseError> {
    let mut head = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut head)?;
    if !head.starts_with(super::MAGIC) {
        return Err(DatabaseError::NotFail2ban);
    }
    Ok(head.get(WRITE_FORMAT_AT) == Some(&WAL))
}

/// A copy by SQLite's own means, for which it locks out writers; readers stay.
fn of_database(path: &Path) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    copy(&Connection::open_with_flags(path, flags)?)
}

/// A copy of the file and of what stands beside it, opened by who may mend it.
fn of_files(path: &Path) -> Result<Connection, DatabaseError> {
    let folder = tempfile::tempdir()?;
    let copied = folder.path().join("database");
    fs::copy(path, &copied)?;
    for suffix in ["-journal", "-wal"] {
        match fs::copy(beside(path, suffix), beside(&copied, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    copy(&Connection::open_with_flags(&copied, flags)?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// All of it in one step: a copy in several begins anew whenever somebody writes in between.
fn copy(from: &Connection) -> Result<Connection, DatabaseError> {
    from.busy_timeout(Duration::from_secs(BUSY_SECS))?;
    is_fail2bans(from)?;
    // A file without a name, which SQLite deletes as it opens it.
    let mut to = Connection::open("")?;
    match Backup::new(from, &mut to)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(DatabaseError::Locked),
    }
    to.pragma_update(None, "trusted_schema", false)?;
    Ok(to)
}

fn is_fail2bans(conn: &Connection) -> Result<(), DatabaseError> {
    let has = |table: &str| {
        let found = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        conn.query_row(found, [table], |row| row.get::<_, i64>(0)).map(|found| found > 0)
    };
    if has("fail2banDb")? && has("bans")? && has("logs")? {
        return Ok(());
    }
    Err(if has("ban")? && has("match")? { DatabaseError::Own } else { DatabaseError::NotFail2ban })
}

fn is_unfinished(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY))
}
