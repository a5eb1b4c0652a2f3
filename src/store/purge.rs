//! Forgetting what is old, in steps: each is a transaction, so that what one has deleted stays deleted, the
//! write-ahead log stays short, and others can write in between.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::block::{self, BlockId};
use super::retain::execute;
use super::{Batch, Reader, Store, StoreError, read, sql};
use crate::model::Time;

/// What a purge deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Lines of logs.
    pub lines: u64,
    /// Matches.
    pub matches: u64,
    /// Failures.
    pub failures: u64,
    /// Bans that were over.
    pub bans: u64,
    /// Hosts of which nothing is left.
    pub hosts: u64,
    /// Logs of which nothing is left.
    pub logs: u64,
}

impl Purged {
    /// Whether there was nothing to delete.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Purged {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.matches += other.matches;
        self.failures += other.failures;
        self.bans += other.bans;
        self.hosts += other.hosts;
        self.logs += other.logs;
    }
}

impl Batch<'_> {
    /// Deletes the oldest of what happened before `before`, some `most` matches (whole blocks of them) and at most as
    /// many bans, and what then nobody refers to; nothing is left when it deletes nothing. [`Store::give_back`] gives the space back.
    ///
    /// A match without a date is as old as the last sight of its log. Bans in force stay, however old,
    /// and so do jails and filters.
    pub fn purge(&mut self, before: Time, most: u64) -> Result<Purged, StoreError> {
        self.change(|conn, hosts| {
            hosts.clear();
            step(conn, before.micros(), most)
        })
    }
}

impl Reader {
    /// How many matches a purge has to look at, at most.
    pub fn count_before(&self, before: Time) -> Result<u64, StoreError> {
        self.one(sql::BLOCK_COUNT_BEFORE, [before.micros()], |row| read::count(row, 0))
    }
}

impl Store {
    /// Gives `pages` of those that are free in the file back to the file system, or all there are; how many are
    /// left. In a store that was made without `auto_vacuum`, as a copy by `.dump` is, that is all of them: none
    /// can be given back.
    pub fn give_back(&mut self, pages: u32) -> Result<u64, StoreError> {
        let conn = &self.reader.conn;
        let free = || conn.pragma_query_value(None, "freelist_count", |row| read::count(row, 0));
        give_back(conn, pages).and_then(|()| free()).map_err(|source| self.explain(source))
    }

    /// How many bytes are free in the file but can't be given back, as it was made without `auto_vacuum`.
    pub fn stuck_bytes(&self) -> Result<u64, StoreError> {
        let conn = &self.reader.conn;
        let number = |pragma| conn.pragma_query_value(None, pragma, |row| read::count(row, 0));
        let stuck = || match number("auto_vacuum")? {
            0 => Ok(number("freelist_count")? * number("page_size")?),
            _ => Ok(0),
        };
        stuck().map_err(|source| self.explain(source))
    }

    /// Copies the write-ahead log into the file and keeps it short from then on: on a disk that is nearly full
    /// it would not have the room that makes it fast. Others are not waited for.
    pub fn make_room(&mut self) -> Result<(), StoreError> {
        let conn = &self.reader.conn;
        let shorten = || {
            conn.pragma_update(None, "wal_autocheckpoint", SHORT_LOG_PAGES)?;
            conn.pragma_update(None, "journal_size_limit", 0)?;
            merge(conn)
        };
        shorten().map_err(|source| self.explain(source))
    }

    /// Copies the write-ahead log into the file as far as nobody reads it, which cuts what was given back off
    /// the file.
    pub fn merge(&mut self) -> Result<(), StoreError> {
        merge(&self.reader.conn).map_err(|source| self.explain(source))
    }
}

/// Pages of the write-ahead log (512 KiB) after which it is copied into the file where there is little room.
const SHORT_LOG_PAGES: i64 = 64;

fn step(conn: &Connection, before_us: i64, most: u64) -> rusqlite::Result<Purged> {
    let mut purged = Purged::default();
    let mut hosts: BTreeSet<i64> = BTreeSet::new();
    for block in blocks(conn, before_us)? {
        if purged.matches >= most {
            break;
        }
        let (first, next) = block.places();
        let (lines, failures) = block::change(conn, block, || {
            let mut delete = conn.prepare_cached(sql::MATCH_DELETE_BEFORE)?;
            let mut gone = delete.query((first, next, before_us))?;
            while let Some(row) = gone.next()? {
                hosts.insert(row.get(0)?);
                purged.matches += 1;
            }
            Ok(())
        })?;
        purged.lines += lines;
        purged.failures += failures;
    }
    let mut delete = conn.prepare_cached(sql::BAN_DELETE_BEFORE)?;
    let mut gone = delete.query((before_us, i64::try_from(most).unwrap_or(i64::MAX)))?;
    while let Some(row) = gone.next()? {
        hosts.insert(row.get(0)?);
        purged.bans += 1;
    }
    for host in hosts {
        purged.hosts += execute(conn, sql::HOST_DELETE_IDLE, [host])?;
    }
    if purged.matches < most {
        execute(conn, sql::POSITION_DELETE_BEFORE, [before_us])?;
        purged.logs = execute(conn, sql::LOG_DELETE_IDLE, [before_us])?;
    }
    Ok(purged)
}

/// The blocks in which something may be old enough, the oldest first.
fn blocks(conn: &Connection, before_us: i64) -> rusqlite::Result<Vec<BlockId>> {
    let mut select = conn.prepare_cached(sql::BLOCK_SELECT_BEFORE)?;
    select.query_map([before_us], |row| Ok(BlockId(row.get(0)?)))?.collect()
}

/// Cuts freed pages off the file. The pragma frees one page per row it gives, so all are asked for.
fn give_back(conn: &Connection, pages: u32) -> rusqlite::Result<()> {
    let mut pragma = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = pragma.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn merge(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
