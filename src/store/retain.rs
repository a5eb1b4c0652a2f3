//! Ending bans, forgetting what is old, and the list of exported files.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::block::{self, BlockId};
use super::write::insert_bans;
use super::{Batch, Reader, Store, StoreError, bans, sql};
use crate::model::{Ban, EndReason, Host, Time};

/// What a purge deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Lines of logs.
    pub lines: u64,
    /// Matches.
    pub matches: u64,
    /// Failures among them.
    pub failures: u64,
    /// Bans that were over.
    pub bans: u64,
    /// Hosts of which nothing is left.
    pub hosts: u64,
    /// Logs of which nothing is left.
    pub logs: u64,
}

impl Batch<'_> {
    /// Ends the bans of `host` that are in force at `at` or begin later, in one jail or in all; gives them
    /// as ended.
    pub fn end_bans(
        &mut self,
        host: &Host,
        jail: Option<&str>,
        at: Time,
        reason: EndReason,
    ) -> Result<Vec<Ban>, StoreError> {
        self.change(|conn, _| end_bans(conn, host, jail, at, reason))
    }

    /// Stores a ban in place of the bans that its host has in its jail; gives it as it is stored.
    ///
    /// Where one began at the very same time the new one begins a microsecond later.
    pub fn replace_ban(&mut self, mut ban: Ban) -> Result<Ban, StoreError> {
        self.change(|conn, hosts| {
            end_bans(conn, &ban.host, Some(&ban.jail), ban.at, EndReason::Replaced)?;
            while insert_bans(conn, hosts, std::slice::from_ref(&ban))? == 0 {
                ban.at = ban.at.plus_micros(1);
            }
            Ok(ban)
        })
    }

    /// Seals the bans whose time is over at `now`: they ended when they were to. How many there were.
    pub fn expire(&mut self, now: Time) -> Result<u64, StoreError> {
        self.change(|conn, _| execute(conn, sql::BAN_EXPIRE, [now.micros()]))
    }

    /// Deletes what happened before `before`, and what then nobody refers to; [`Store::shrink`] gives the
    /// space back.
    ///
    /// A match without a date is as old as the last sight of its log. Bans in force stay, however old,
    /// and so do jails and filters.
    pub fn purge(&mut self, before: Time) -> Result<Purged, StoreError> {
        self.change(|conn, hosts| {
            hosts.clear();
            purge(conn, before.micros())
        })
    }

    /// Remembers that the file at `path` repeats the bans in force, and was written at `at`.
    pub fn set_export(&mut self, path: &str, format: &str, at: Time) -> Result<(), StoreError> {
        self.change(|conn, _| execute(conn, sql::EXPORT_UPSERT, (path, format, at.micros())))?;
        Ok(())
    }

    /// Forgets such a file; whether it was known.
    pub fn forget_export(&mut self, path: &str) -> Result<bool, StoreError> {
        Ok(self.change(|conn, _| execute(conn, sql::EXPORT_DELETE, [path]))? > 0)
    }
}

impl Store {
    /// Gives back to the file system what is free in the file.
    pub fn shrink(&mut self) -> Result<(), StoreError> {
        give_back(&self.reader.conn).map_err(|source| self.explain(source))
    }
}

fn execute(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<u64> {
    Ok(conn.prepare_cached(sql)?.execute(params)? as u64)
}

fn end_bans(
    conn: &Connection,
    host: &Host,
    jail: Option<&str>,
    at: Time,
    reason: EndReason,
) -> rusqlite::Result<Vec<Ban>> {
    let Some(host) = Reader::host_id(conn, host)? else { return Ok(Vec::new()) };
    let jail: Option<i64> = match jail {
        None => None,
        Some(name) => {
            let id = conn.prepare_cached(sql::JAIL_SELECT)?.query_row([name], |row| row.get(0));
            match id.optional()? {
                Some(id) => Some(id),
                None => return Ok(Vec::new()),
            }
        }
    };
    let ids: Vec<i64> = conn
        .prepare_cached(sql::BAN_END)?
        .query_map((host, at.micros(), reason.name(), jail), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut select = conn.prepare_cached(sql::BAN_SELECT_BY_ID)?;
    ids.into_iter().map(|id| select.query_row([id], bans::ban)).collect()
}

fn purge(conn: &Connection, before_us: i64) -> rusqlite::Result<Purged> {
    let blocks: Vec<i64> = conn
        .prepare_cached(sql::BLOCK_SELECT_BEFORE)?
        .query_map([before_us], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut purged = Purged::default();
    for block in blocks.into_iter().map(BlockId) {
        let (first, next) = block.places();
        let (lines, failures) = block::change(conn, block, || {
            purged.matches += execute(conn, sql::MATCH_DELETE_BEFORE, (first, next, before_us))?;
            Ok(())
        })?;
        purged.lines += lines;
        purged.failures += failures;
    }
    purged.bans = execute(conn, sql::BAN_DELETE_BEFORE, [before_us])?;
    purged.hosts = execute(conn, sql::HOST_DELETE_IDLE, [])?;
    purged.logs = execute(conn, sql::LOG_DELETE_IDLE, [before_us])?;
    Ok(purged)
}

/// Cuts the freed pages off the file. The pragma frees one page per row it gives, so all are asked for.
fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let mut pragma = conn.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = pragma.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
