//! One batch, one transaction: lines, matches and failures of a scan, and bans.

mod found;
mod hosts;

use rusqlite::{Connection, OptionalExtension, ToSql};

pub(super) use self::hosts::HostCache;
use super::record::{Record, Scanned};
use super::{FilterId, JailId, LogId, OFFSET_END, Reader, Store, StoreError, sql};
use crate::model::{Ban, Host, Origin, Time};

/// How much of a batch was new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Lines that this filter was not known to match.
    pub matches: u64,
    /// Failures that were not known.
    pub failures: u64,
    /// Lines that were left out, with what was found in them: at their places other lines are stored, of a log that
    /// begins alike (`docs/decisions/0001-place.md`).
    pub displaced: u64,
}

/// A transaction: records and bans that are stored together or not at all.
///
/// Dropped without [`commit`](Self::commit), it leaves the store as it was.
#[derive(Debug)]
pub struct Batch<'s> {
    store: &'s mut Store,
    open: bool,
}

impl Store {
    /// Starts a transaction; nobody else can write until it ends.
    pub fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        self.checkpoints.make_way();
        let turn = self.turns.take();
        let conn = &self.reader.conn;
        conn.execute_batch("BEGIN IMMEDIATE").map_err(|source| self.explain(source))?;
        drop(turn);
        let batch = Batch { store: self, open: true };
        let refreshed = batch.store.hosts.refresh(&batch.store.reader.conn);
        refreshed.map_err(|source| batch.store.explain(source))?;
        Ok(batch)
    }

    /// Does `work` in one transaction, which is as if it had never begun if that fails.
    pub fn transact<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut batch = self.begin()?;
        let done = work(&mut batch)?;
        batch.commit()?;
        Ok(done)
    }

    /// Stores what a filter found in a part of a log, in one transaction. What is known stays as it is.
    pub fn write(
        &mut self,
        source: Scanned,
        records: &[Record<'_>],
    ) -> Result<Written, StoreError> {
        self.transact(|batch| batch.write(source, records))
    }

    /// Stores a ban; `false` if this jail has one of this host that began at the same time.
    pub fn add_ban(&mut self, ban: &Ban) -> Result<bool, StoreError> {
        Ok(self.add_bans(std::slice::from_ref(ban))? == 1)
    }

    /// Stores bans in one transaction; how many of them were new.
    pub fn add_bans(&mut self, bans: &[Ban]) -> Result<u64, StoreError> {
        self.transact(|batch| batch.add_bans(bans))
    }

    /// The filter `name` as `definition` says it is; remembered for good.
    pub fn filter(&mut self, name: &str, definition: &str) -> Result<FilterId, StoreError> {
        let id = self.change(|conn, _| {
            find_or_insert(conn, sql::FILTER_SELECT, sql::FILTER_INSERT, &[&name, &definition])
        })?;
        Ok(FilterId(id))
    }

    /// The jail `name`; [`JailId::NONE`] for an empty name.
    pub fn jail(&mut self, name: &str) -> Result<JailId, StoreError> {
        Ok(JailId(self.change(|conn, _| jail_id(conn, name))?))
    }

    /// Does `work` in a transaction.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut HostCache) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.transact(|batch| batch.change(work))
    }
}

impl Batch<'_> {
    /// Questions, answered with what this transaction has changed.
    pub fn reader(&self) -> &Reader {
        &self.store.reader
    }

    /// Stores what a filter found in a part of a log. What is known stays as it is, but that a match that was
    /// none becomes a failure if it is one now.
    ///
    /// Fast when `records` are many (about 100,000), whole blocks of 1 MiB, and in the order of the log.
    pub fn write(
        &mut self,
        source: Scanned,
        records: &[Record<'_>],
    ) -> Result<Written, StoreError> {
        if let Some(record) = records.iter().find(|record| record.offset >= OFFSET_END) {
            return Err(StoreError::Offset { offset: record.offset });
        }
        if !self.change(|conn, _| has_log(conn, source.log))? {
            let path = self.store.path().to_owned();
            return Err(StoreError::UnknownLog { path, id: source.log.0 });
        }
        self.store.checkpoints.count(records.len());
        if records.is_sorted_by_key(|record| record.offset) {
            return self.change(|conn, hosts| found::write(conn, hosts, source, records));
        }
        let mut sorted = records.to_vec();
        sorted.sort_by_key(|record| record.offset);
        self.change(|conn, hosts| found::write(conn, hosts, source, &sorted))
    }

    /// Stores bans; how many of them were new.
    pub fn add_bans(&mut self, bans: &[Ban]) -> Result<u64, StoreError> {
        self.change(|conn, hosts| insert_bans(conn, hosts, bans))
    }

    /// Makes many hosts known at once, where something is then stored of each by itself.
    pub fn add_hosts<'h>(
        &mut self,
        hosts: impl Iterator<Item = &'h Host>,
    ) -> Result<(), StoreError> {
        self.change(|conn, cache| cache.learn(conn, hosts))
    }

    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut HostCache) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Store { reader, hosts, .. } = &mut *self.store;
        work(&reader.conn, hosts).map_err(|source| StoreError::explain(&reader.path, source))
    }

    /// Makes it last.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let conn = &self.store.reader.conn;
        conn.execute_batch("COMMIT").map_err(|source| self.store.explain(source))?;
        self.open = false;
        let Store { checkpoints, reader, .. } = &mut *self.store;
        checkpoints.committed(&reader.conn, &reader.path);
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.open {
            // Hosts that this transaction added are gone with it. A rollback can only fail because
            // SQLite already rolled back (disk full, for instance).
            self.store.hosts.clear();
            let _ = self.store.reader.conn.execute_batch("ROLLBACK");
        }
    }
}

fn has_log(conn: &Connection, log: LogId) -> rusqlite::Result<bool> {
    conn.prepare_cached(sql::LOG_HAS)?.exists([log.0])
}

pub(super) fn insert_bans(
    conn: &Connection,
    hosts: &mut HostCache,
    bans: &[Ban],
) -> rusqlite::Result<u64> {
    hosts.learn(conn, bans.iter().map(|ban| &ban.host))?;
    let mut insert = conn.prepare_cached(sql::BAN_INSERT)?;
    let mut new = 0;
    for ban in bans {
        new += insert.execute((
            jail_id(conn, &ban.jail)?,
            hosts.id(conn, &ban.host)?,
            ban.at.micros(),
            ban.until.map(Time::micros),
            origin_id(ban.origin),
            ban.failures,
            ban.ended.map(|(at, _)| at.micros()),
            ban.ended.map(|(_, reason)| reason.name()),
        ))?;
    }
    Ok(new as u64)
}

pub(super) fn jail_id(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    find_or_insert(conn, sql::JAIL_SELECT, sql::JAIL_INSERT, &[&name])
}

fn find_or_insert(
    conn: &Connection,
    select: &str,
    insert: &str,
    params: &[&dyn ToSql],
) -> rusqlite::Result<i64> {
    match conn.prepare_cached(select)?.query_row(params, |row| row.get(0)).optional()? {
        Some(id) => Ok(id),
        None => conn.prepare_cached(insert)?.insert(params),
    }
}

/// The number of an origin in table `origin`.
pub(super) fn origin_id(origin: Origin) -> u8 {
    match origin {
        Origin::Scan => 0,
        Origin::Daemon => 1,
        Origin::Batch => 2,
        Origin::Manual => 3,
        Origin::Import => 4,
    }
}
