//! A database for fail2ban, so that one can go back.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{DatabaseError, Reached, ReadTo};
use crate::model::{Ban, EndReason, Time};

/// A ban as fail2ban keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'k> {
    /// The ban.
    pub ban: &'k Ban,
    /// The how many-th it is of its host in its jail.
    pub count: u64,
    /// The lines that led to it and the like, a JSON object.
    pub data: &'k [u8],
}

/// A database that is being written, beside the place where it is to be; nothing stands there before its end.
#[derive(Debug)]
pub struct DatabaseWriter {
    conn: Connection,
    path: PathBuf,
    beside: tempfile::TempPath,
}

impl DatabaseWriter {
    /// A database that will be at `path`, with mode 0600.
    ///
    /// # Errors
    ///
    /// Nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, DatabaseError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let beside = tempfile::Builder::new()
            .prefix(".fail2ban")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?
            .into_temp_path();
        let conn = Connection::open(&beside)?;
        // It counts when it is whole, and is synced then.
        conn.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")?;
        conn.execute_batch(include_str!("create.sql"))?;
        Ok(Self { conn, path: path.to_owned(), beside })
    }

    /// Adds a ban. Those of a host in a jail come in the order in which they began.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn ban(&mut self, Kept { ban, count, data }: Kept<'_>) -> Result<(), DatabaseError> {
        self.jail(&ban.jail)?;
        let begin = ban.at.secs();
        let length = match ban.until {
            None => Value::Integer(-1),
            Some(until) => seconds(until.micros() - Time::from_secs(begin).micros()),
        };
        let (host, count) = (ban.host.to_string(), count.cast_signed());
        let row = (&ban.jail, host, begin, length, count, data);
        self.conn.prepare_cached(include_str!("insert_ban.sql"))?.execute(row.clone())?;
        // In whose place another one is may have begun later than that.
        if !matches!(ban.ended, Some((_, EndReason::Replaced))) {
            self.conn.prepare_cached(include_str!("upsert_bip.sql"))?.execute(row)?;
        }
        Ok(())
    }

    /// Adds how far something was read.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn read_to(&mut self, read: &ReadTo) -> Result<(), DatabaseError> {
        self.jail(&read.jail)?;
        let (hash, at) = match &read.reached {
            Reached::Offset { offset, first_line } => {
                (first_line.clone(), Value::Integer(offset.cast_signed()))
            }
            Reached::Entry(written) => {
                let iso = written.utc().format("%Y-%m-%dT%H:%M:%S%.6f+00:00 ");
                (iso.to_string(), Value::Real(written.as_secs_f64()))
            }
        };
        let row = (&read.jail, &read.path, hash, at);
        self.conn.prepare_cached(include_str!("upsert_log.sql"))?.execute(row)?;
        Ok(())
    }

    /// Puts it in its place; where what stood there before is now, if anything did: beside it with the time `now` in its
    /// name, as fail2ban keeps what it replaces.
    ///
    /// # Errors
    ///
    /// The file can't be written, or what stands there can't be moved.
    pub fn end(self, now: Time) -> Result<Option<PathBuf>, DatabaseError> {
        let Self { conn, path, beside } = self;
        conn.execute_batch("COMMIT")?;
        conn.close().map_err(|(_, error)| error)?;
        OpenOptions::new().read(true).mode(0o600).open(&beside)?.sync_all()?;
        let mut former = path.as_os_str().to_owned();
        former.push(now.utc().format(".%Y%m%d-%H%M%S").to_string());
        let former = PathBuf::from(former);
        let former = match fs::hard_link(&path, &former) {
            Ok(()) => Some(former),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        beside.persist(&path).map_err(|error| error.error)?;
        Ok(former)
    }

    fn jail(&self, name: &str) -> Result<(), DatabaseError> {
        self.conn.prepare_cached(include_str!("insert_jail.sql"))?.execute([name])?;
        Ok(())
    }
}

/// Whole seconds as such: fail2ban tells a fraction from them, and so do its readers.
fn seconds(micros: i64) -> Value {
    match micros % 1_000_000 {
        0 => Value::Integer(micros / 1_000_000),
        _ => Value::Real(micros as f64 / 1e6),
    }
}
