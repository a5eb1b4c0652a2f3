//! fail2ban's database (`fail2ban.sqlite3`), versions 1 to 4: bans in force, the history of bans, and how far logs were
//! read. A [`DatabaseWriter`] makes one of version 4.
//!
//! Such a file may be in use, and is never written to, nor is anything made beside it. A [`Database`] is a copy of it,
//! taken at once: whoever holds fail2ban's file for more than five seconds has it lose the bans of that time. The copy is
//! then brought to version 4 as fail2ban does it. What the rows mean was found out by running fail2ban 1.0.2 and 1.1.2.

mod open;
mod read;
#[cfg(test)]
mod tests;
mod write;

use rusqlite::Connection;

pub use self::read::{JOURNAL, Reached, ReadTo, Row};
pub use self::write::{DatabaseWriter, Kept};

/// The newest version that is known, which fail2ban 0.11 and later write.
const VERSION: i64 = 4;

/// How each database of SQLite begins.
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// A copy of fail2ban's database.
#[derive(Debug)]
pub struct Database {
    conn: Connection,
    version: i64,
}

/// Why a file can't be taken for fail2ban's database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Something else, or nothing.
    #[error("not a database of fail2ban, which has a table 'fail2banDb'")]
    NotFail2ban,
    /// Our own.
    #[error("a store of f2b; name it with --db to use it")]
    Own,
    /// Made by a later fail2ban.
    #[error(
        "version {0} of fail2ban's database is not known, only 1 to {VERSION}; a newer f2b may know it"
    )]
    Newer(i64),
    /// Somebody writes to it all the time.
    #[error(
        "locked by another process for {} seconds; stop what holds it, and try again",
        open::BUSY_SECS
    )]
    Locked,
    /// It can't be relied on.
    #[error("damaged ({0}); fail2ban-server mends it when it is started, or sqlite3 with .recover")]
    Damaged(String),
    /// The system's word.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// SQLite's word.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Locked
            }
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(rusqlite::ErrorCode::NotADatabase) => Self::NotFail2ban,
            _ => Self::Sqlite(error),
        }
    }
}

impl Database {
    /// Which version the file is of.
    pub fn version(&self) -> i64 {
        self.version
    }
}
