//! Questions to the store, with typed answers; those about bans are in `bans`, those about one host in
//! `history`.
//!
//! Each method reads its answer to the end, so that no snapshot stays open and the write-ahead log can be
//! reset. Answers that can be long are handed over row by row: they are of one snapshot, and who takes
//! them should not dawdle, for the log grows meanwhile.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::{Deserialize, Serialize};

use super::block::{self, BlockId};
use super::{LogId, LogPosition, StoreError, open, sql};
use crate::model::{Host, Origin, Time};

/// A connection that reads; never blocks the writer nor waits for it.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
}

/// A jail in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailSummary {
    /// Its name; empty for failures found by a scan with a filter alone.
    pub name: String,
    /// All failures.
    pub failures: u64,
    /// When the last failure was.
    pub last_failure: Option<Time>,
    /// Bans in force.
    pub bans_active: u64,
    /// All bans.
    pub bans: u64,
}

impl JailSummary {
    /// The nameless jail is one only if something was found or banned without one.
    fn is_told(&self) -> bool {
        !self.name.is_empty() || self.failures + self.bans > 0
    }
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Logs.
    pub logs: u64,
    /// Lines.
    pub lines: u64,
    /// Matches.
    pub matches: u64,
    /// Failures.
    pub failures: u64,
    /// Hosts.
    pub hosts: u64,
    /// Bans.
    pub bans: u64,
}

/// A file that repeats the bans in force, or did when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Where.
    pub path: String,
    /// In which format.
    pub format: String,
    /// Its time of modification when it was last written.
    pub written: Time,
}

impl Reader {
    /// Opens the store at `path` for reading.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if there is none yet; else as [`Store::open`](super::Store::open).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(open::reader(path)?, path))
    }

    pub(super) fn of(conn: Connection, path: &Path) -> Self {
        Self { conn, path: path.to_owned() }
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every jail in numbers, by name; bans in force as of `now`.
    pub fn jails(&self, now: Time) -> Result<Vec<JailSummary>, StoreError> {
        type Counted = (i64, u64, Option<i64>);
        let failures: Vec<Counted> = self.all(sql::BLOCK_COUNT_BY_JAIL, [], |row| {
            Ok((row.get(0)?, count(row, 1)?, row.get(2)?))
        })?;
        let bans: Vec<(i64, u64, u64)> =
            self.all(sql::BAN_COUNT_BY_JAIL, [now.micros()], |row| {
                Ok((row.get(0)?, count(row, 1)?, count(row, 2)?))
            })?;
        let jails = self.all(sql::JAIL_SELECT_ALL, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(jails
            .into_iter()
            .map(|(id, name): (i64, String)| {
                let (_, failures, last) =
                    failures.iter().find(|(jail, ..)| *jail == id).copied().unwrap_or_default();
                let (_, bans, bans_active) =
                    bans.iter().find(|(jail, ..)| *jail == id).copied().unwrap_or_default();
                let last_failure = last.map(Time::from_micros);
                JailSummary { name, failures, last_failure, bans_active, bans }
            })
            .filter(JailSummary::is_told)
            .collect())
    }

    /// One jail in numbers, as it is among all of them; `None` if the store doesn't know it.
    pub fn jail(&self, name: &str, now: Time) -> Result<Option<JailSummary>, StoreError> {
        let counted = self.all(sql::JAIL_COUNT, (name, now.micros()), |row| {
            let (failures, last_failure) = (count(row, 0)?, time_at(row, 1)?);
            let (bans, bans_active) = (count(row, 2)?, count(row, 3)?);
            Ok(JailSummary { name: name.to_owned(), failures, last_failure, bans_active, bans })
        })?;
        Ok(counted.into_iter().find(JailSummary::is_told))
    }

    /// How many hosts have failures in `jail`, from `from` to just before `to`, that have led to nothing yet: neither to a
    /// ban, nor, `maxretry` at a time, to one that was there already. Of failures of the instant of a ban those that are
    /// too many for it are later.
    pub fn count_failing(
        &self,
        jail: &str,
        from: Time,
        to: Time,
        maxretry: u32,
    ) -> Result<u64, StoreError> {
        let mut failures: HashMap<i64, Vec<i64>, foldhash::fast::RandomState> = HashMap::default();
        for (block, filter) in self.blocks_between(jail, from, to)? {
            let (first, next) = block.places();
            let params = (first, next, filter, jail, from.micros(), to.micros());
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(2)?));
            self.each::<_, StoreError>(sql::MATCH_SELECT_FAILURES, params, row, |(time, host)| {
                failures.entry(host).or_default().push(time);
                Ok(())
            })?;
        }
        let mut failing = 0;
        for (host, times) in failures {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let (last, led): (Option<i64>, i64) =
                self.one(sql::BAN_SUM_OF_HOST, (jail, host, from.micros()), row)?;
            let later = times.iter().filter(|time| last.is_none_or(|last| **time > last)).count();
            let open = (times.len() as u64).saturating_sub(led.unsigned_abs()).max(later as u64);
            failing += u64::from(open % u64::from(maxretry.max(1)) > 0);
        }
        Ok(failing)
    }

    /// Whether the store knows a jail of this name.
    pub fn has_jail(&self, name: &str) -> Result<bool, StoreError> {
        let found = |sql| self.conn.prepare_cached(sql)?.exists([name]);
        found(sql::JAIL_SELECT).map_err(|source| StoreError::explain(&self.path, source))
    }

    /// The jails that have failures or bans of `host`, by name.
    pub fn jails_of(&self, host: &Host) -> Result<Vec<String>, StoreError> {
        self.all(sql::JAIL_SELECT_BY_HOST, [host.key()], |row| row.get(0))
    }

    /// The failures of `jail` from `from` to just before `to`, in time order, to warm up its decisions; without those
    /// of the logs `but`.
    pub fn failures_between(
        &self,
        jail: &str,
        from: Time,
        to: Time,
        but: &[LogId],
    ) -> Result<Vec<(Time, Host)>, StoreError> {
        self.failures(jail, from, to, |log, _| !but.contains(&log))
    }

    /// The failures of `jail` from `from` on, in time order, to warm up its decisions; without those that stand in one of
    /// `logs` at its position or behind it, for they are going to be read.
    pub fn failures_since(
        &self,
        jail: &str,
        from: Time,
        logs: &[LogPosition],
    ) -> Result<Vec<(Time, Host)>, StoreError> {
        self.failures(jail, from, Time::from_micros(i64::MAX), |log, offset| {
            logs.iter().all(|read| read.log != log || offset < read.position.offset)
        })
    }

    fn failures(
        &self,
        jail: &str,
        from: Time,
        to: Time,
        is_wanted: impl Fn(LogId, u64) -> bool,
    ) -> Result<Vec<(Time, Host)>, StoreError> {
        let mut found: Vec<(i64, i64, i64)> = Vec::new();
        for (block, filter) in self.blocks_between(jail, from, to)? {
            let (first, next) = block.places();
            // Offsets grow with places: a block is wanted if its first line is.
            if !is_wanted(LogId(block.log()), block::offset(first)) {
                continue;
            }
            let params = (first, next, filter, jail, from.micros(), to.micros());
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let rows: Vec<(i64, i64, i64)> = self.all(sql::MATCH_SELECT_FAILURES, params, row)?;
            let log = LogId(block.log());
            found.extend(
                rows.into_iter().filter(|(_, place, _)| is_wanted(log, block::offset(*place))),
            );
        }
        found.sort_unstable();
        let mut hosts: HashMap<i64, Host, foldhash::fast::RandomState> = HashMap::default();
        let host = |(time, _, id): (i64, i64, i64)| {
            let host = match hosts.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    free.insert(self.one(sql::HOST_SELECT_KEY, [id], |row| host_at(row, 0))?)
                }
            };
            Ok((Time::from_micros(time), host.clone()))
        };
        found.into_iter().map(host).collect()
    }

    /// The blocks in which `jail` has matches of a span of time, with their filters.
    fn blocks_between(
        &self,
        jail: &str,
        from: Time,
        to: Time,
    ) -> Result<Vec<(BlockId, i64)>, StoreError> {
        self.all(sql::BLOCK_SELECT_BETWEEN, (jail, from.micros(), to.micros()), |row| {
            Ok((BlockId(row.get(0)?), row.get(1)?))
        })
    }

    /// How much is stored.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.one(sql::LOG_TOTALS, [], |row| {
            Ok(Totals {
                logs: count(row, 0)?,
                lines: count(row, 1)?,
                matches: count(row, 2)?,
                failures: count(row, 3)?,
                hosts: count(row, 4)?,
                bans: count(row, 5)?,
            })
        })
    }

    /// The files that repeat the bans, by path.
    pub fn exports(&self) -> Result<Vec<Export>, StoreError> {
        self.all(sql::EXPORT_SELECT_ALL, [], |row| {
            let written = Time::from_micros(row.get(2)?);
            Ok(Export { path: row.get(0)?, format: row.get(1)?, written })
        })
    }

    /// The id of `host`, if it is known.
    pub(super) fn host_id(conn: &Connection, host: &Host) -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached(sql::HOST_SELECT)?.query_row([host.key()], |row| row.get(0)).optional()
    }

    pub(super) fn id(&self, host: &Host) -> Result<Option<i64>, StoreError> {
        Self::host_id(&self.conn, host).map_err(|source| StoreError::explain(&self.path, source))
    }

    /// Hands over the rows of a statement one by one; the snapshot stays open until it is through.
    pub(super) fn each<T, E: From<StoreError>>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let explain = |source| StoreError::explain(&self.path, source);
        let mut statement = self.conn.prepare_cached(sql).map_err(explain)?;
        let mut rows = statement.query(params).map_err(explain)?;
        while let Some(row) = rows.next().map_err(explain)? {
            take(map(row).map_err(explain)?)?;
        }
        Ok(())
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = || -> rusqlite::Result<Vec<T>> {
            self.conn.prepare_cached(sql)?.query_map(params, map)?.collect()
        };
        rows().map_err(|source| StoreError::explain(&self.path, source))
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let row = || self.conn.prepare_cached(sql)?.query_row(params, map);
        row().map_err(|source| StoreError::explain(&self.path, source))
    }
}

pub(super) fn time_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Time::from_micros))
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(count.max(0).unsigned_abs())
}

pub(super) fn host_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Host> {
    let key = row.get_ref(column)?.as_bytes().map_err(|_| strange(column, Type::Blob))?;
    Host::from_key(key).ok_or_else(|| strange(column, Type::Blob))
}

pub(super) fn origin_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Origin>> {
    let Some(id) = row.get::<_, Option<u8>>(column)? else { return Ok(None) };
    let origin = Origin::ALL.get(usize::from(id)).copied();
    origin.map(Some).ok_or_else(|| strange(column, Type::Integer))
}

/// A value that this program does not write.
pub(super) fn strange(column: usize, kind: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(FromSqlError::InvalidType))
}
