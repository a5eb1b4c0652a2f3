//! How far jails have read what they follow.

use rusqlite::OptionalExtension;

use super::read::{count, time_at};
use super::retain::execute;
use super::write::jail_id;
use super::{Batch, LogId, Reader, StoreError, sql};
use crate::model::Time;

/// A place between two lines of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Of the line behind it, in bytes from the log's beginning.
    pub offset: u64,
    /// How many lines are before it.
    pub lines: u64,
}

/// How far a log was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// Which log.
    pub log: LogId,
    /// Where it was seen last.
    pub path: String,
    /// How far.
    pub position: Position,
    /// As of when.
    pub at: Time,
}

impl Reader {
    /// How far a jail has read its logs, of whatever generation.
    pub fn positions(&self, jail: &str) -> Result<Vec<LogPosition>, StoreError> {
        self.all(sql::POSITION_SELECT, [jail], |row| {
            let position = Position { offset: count(row, 1)?, lines: count(row, 2)? };
            let at = Time::from_micros(row.get(4)?);
            Ok(LogPosition { log: LogId(row.get(0)?), path: row.get(3)?, position, at })
        })
    }

    /// The last entry of a journal that a jail has read: its cursor, and when it was written.
    pub fn cursor(&self, jail: &str, journal: &str) -> Result<Option<(String, Time)>, StoreError> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Time::from_micros(row.get(1)?)));
        let found = || {
            let mut select = self.conn.prepare_cached(sql::CURSOR_SELECT)?;
            select.query_row((jail, journal), row).optional()
        };
        found().map_err(|source| StoreError::explain(&self.path, source))
    }

    /// When the last entry of any journal was written that a jail has read.
    pub fn last_entry(&self, jail: &str) -> Result<Option<Time>, StoreError> {
        self.one(sql::CURSOR_SELECT_LAST, [jail], |row| time_at(row, 0))
    }
}

impl Batch<'_> {
    /// A jail has read a log so far, as of `at`.
    pub fn set_position(
        &mut self,
        jail: &str,
        log: LogId,
        position: Position,
        at: Time,
    ) -> Result<(), StoreError> {
        let Position { offset, lines } = position;
        let (offset, lines) = (offset.cast_signed(), lines.cast_signed());
        self.change(|conn, _| {
            let params = (jail_id(conn, jail)?, log.0, offset, lines, at.micros());
            execute(conn, sql::POSITION_UPSERT, params).map(drop)
        })
    }

    /// A jail has read a journal up to the entry with this cursor, which was written at `at`.
    pub fn set_cursor(
        &mut self,
        jail: &str,
        journal: &str,
        cursor: &str,
        at: Time,
    ) -> Result<(), StoreError> {
        self.change(|conn, _| {
            let params = (jail_id(conn, jail)?, journal, cursor, at.micros());
            execute(conn, sql::CURSOR_UPSERT, params).map(drop)
        })
    }
}
