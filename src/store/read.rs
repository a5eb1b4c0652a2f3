//! Questions to the store, with typed answers.
//!
//! Each method is one statement and reads its answer to the end, so that no snapshot stays open and the
//! write-ahead log can be reset.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Type, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{StoreError, open, sql};
use crate::model::{Ban, EndReason, Host, Origin, Time};

/// A connection that reads; never blocks the writer nor waits for it.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
}

/// Something that is known of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A line that a filter matched.
    Match(MatchedLine),
    /// A ban.
    Ban(Ban),
}

/// A line that a filter matched and, if it counted, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedLine {
    /// The line's time, if it has one.
    pub time: Option<Time>,
    /// The jail against which it counts as a failure (empty: a scan with a filter alone), and who found
    /// that; `None` if it is no failure.
    pub failure: Option<(String, Origin)>,
    /// The filter.
    pub filter: String,
    /// Which failregex, from 1.
    pub regex: u16,
    /// Whether the filter says that this is no failure by itself.
    pub nofail: bool,
    /// Where the log was last seen.
    pub log: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The line.
    pub text: Vec<u8>,
}

/// A jail in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// A host in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSummary {
    /// Who.
    pub host: Host,
    /// How many failures.
    pub failures: u64,
    /// When the first was.
    pub first: Option<Time>,
    /// When the last was.
    pub last: Option<Time>,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// A file that repeats the bans in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Where.
    pub path: String,
    /// In which format.
    pub format: String,
    /// When it was last written.
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

    /// The bans in force at `now`, in one jail or in all, ordered by jail and host. `now` may be past.
    pub fn bans_active(&self, now: Time, jail: Option<&str>) -> Result<Vec<Ban>, StoreError> {
        self.all(sql::BAN_SELECT_ACTIVE, (now.micros(), jail), ban)
    }

    /// Every ban, in the order in which they began.
    pub fn bans_all(&self) -> Result<Vec<Ban>, StoreError> {
        self.all(sql::BAN_SELECT_ALL, [], ban)
    }

    /// Every ban of a jail, in the order in which they began.
    pub fn bans_in(&self, jail: &str) -> Result<Vec<Ban>, StoreError> {
        let mut bans = self.bans_all()?;
        bans.retain(|ban| ban.jail == jail);
        Ok(bans)
    }

    /// The jails that have failures or bans of `host`, by name.
    pub fn jails_of(&self, host: &Host) -> Result<Vec<String>, StoreError> {
        self.all(sql::JAIL_SELECT_BY_HOST, [host.key()], |row| row.get(0))
    }

    /// The bans of `host`, in the order in which they began.
    pub fn bans_of(&self, host: &Host) -> Result<Vec<Ban>, StoreError> {
        match self.id(host)? {
            Some(id) => self.all(sql::BAN_SELECT_BY_HOST, [id], ban),
            None => Ok(Vec::new()),
        }
    }

    /// What is known of `host`: its bans, and its last `limit` matches, in time order; what has no date
    /// comes first.
    pub fn history(&self, host: &Host, limit: usize) -> Result<Vec<Event>, StoreError> {
        let Some(id) = self.id(host)? else { return Ok(Vec::new()) };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut lines = self.all(sql::FAILURE_SELECT_BY_HOST, (id, limit), matched_line)?;
        lines.reverse();
        let bans = self.all(sql::BAN_SELECT_BY_HOST, [id], ban)?;
        let mut events: Vec<Event> = lines.into_iter().map(Event::Match).collect();
        events.extend(bans.into_iter().map(Event::Ban));
        // Stable: a ban comes after the failure that led to it at the same instant.
        events.sort_by_key(Event::time);
        Ok(events)
    }

    /// Every jail in numbers, by name; bans in force as of `now`. Reads through all failures.
    pub fn jails(&self, now: Time) -> Result<Vec<JailSummary>, StoreError> {
        type Counted = (i64, u64, Option<i64>);
        let failures: Vec<Counted> = self.all(sql::FAILURE_COUNT_BY_JAIL, [], |row| {
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
            // The nameless jail only if something was found without one.
            .filter(|jail| !jail.name.is_empty() || jail.failures > 0)
            .collect())
    }

    /// How many failures `jail` had from `from` to just before `to`.
    pub fn count_failures(&self, jail: &str, from: Time, to: Time) -> Result<u64, StoreError> {
        self.one(sql::FAILURE_COUNT_BETWEEN, (jail, from.micros(), to.micros()), |row| {
            count(row, 0)
        })
    }

    /// The failures of `jail` from `from` to just before `to`, in time order, to warm up its decisions.
    pub fn failures_before(
        &self,
        jail: &str,
        from: Time,
        to: Time,
    ) -> Result<Vec<(Host, Time)>, StoreError> {
        let rows: Vec<(i64, i64)> =
            self.all(sql::FAILURE_SELECT_BETWEEN, (jail, from.micros(), to.micros()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut hosts: HashMap<i64, Host, foldhash::fast::RandomState> = HashMap::default();
        rows.into_iter()
            .map(|(id, time_us)| {
                let host = match hosts.entry(id) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(free) => {
                        let host = self.one(sql::HOST_SELECT_KEY, [id], |row| host_at(row, 0))?;
                        free.insert(host).clone()
                    }
                };
                Ok((host, Time::from_micros(time_us)))
            })
            .collect()
    }

    /// The `limit` hosts with the most failures, in one jail or in all. Reads through all failures.
    pub fn top_hosts(
        &self,
        jail: Option<&str>,
        limit: usize,
    ) -> Result<Vec<HostSummary>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(sql::FAILURE_TOP_HOSTS, (jail, limit), |row| {
            Ok(HostSummary {
                host: host_at(row, 0)?,
                failures: count(row, 1)?,
                first: time_at(row, 2)?,
                last: time_at(row, 3)?,
            })
        })
    }

    /// How much is stored. Reads through everything.
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

    fn id(&self, host: &Host) -> Result<Option<i64>, StoreError> {
        Self::host_id(&self.conn, host).map_err(|source| StoreError::explain(&self.path, source))
    }

    fn all<T>(
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

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let row = || self.conn.prepare_cached(sql)?.query_row(params, map);
        row().map_err(|source| StoreError::explain(&self.path, source))
    }
}

impl Event {
    /// When it was; a ban, when it began.
    pub fn time(&self) -> Option<Time> {
        match self {
            Self::Match(line) => line.time,
            Self::Ban(ban) => Some(ban.at),
        }
    }
}

/// A row of one of the `sql/ban/select_*` statements.
pub(super) fn ban(row: &Row<'_>) -> rusqlite::Result<Ban> {
    let ended = match (time_at(row, 6)?, row.get::<_, Option<String>>(7)?) {
        (Some(at), Some(reason)) => {
            let reason = EndReason::from_name(&reason).ok_or_else(|| strange(7, Type::Text))?;
            Some((at, reason))
        }
        _ => None,
    };
    Ok(Ban {
        host: host_at(row, 0)?,
        jail: row.get(1)?,
        at: Time::from_micros(row.get(2)?),
        until: time_at(row, 3)?,
        origin: origin_at(row, 4)?.ok_or_else(|| strange(4, Type::Integer))?,
        failures: row.get(5)?,
        ended,
    })
}

fn matched_line(row: &Row<'_>) -> rusqlite::Result<MatchedLine> {
    let jail: Option<String> = row.get(1)?;
    Ok(MatchedLine {
        time: time_at(row, 0)?,
        failure: jail.zip(origin_at(row, 5)?),
        filter: row.get(2)?,
        regex: row.get(3)?,
        nofail: row.get(4)?,
        log: row.get(6)?,
        line: count(row, 7)?,
        text: row.get::<_, Bytes>(8)?.0,
    })
}

/// TEXT or BLOB, as bytes.
struct Bytes(Vec<u8>);

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_bytes().map(|bytes| Self(bytes.to_vec()))
    }
}

fn time_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Time::from_micros))
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(count.max(0).unsigned_abs())
}

fn host_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Host> {
    let key = row.get_ref(column)?.as_bytes().map_err(|_| strange(column, Type::Blob))?;
    Host::from_key(key).ok_or_else(|| strange(column, Type::Blob))
}

fn origin_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Origin>> {
    let Some(id) = row.get::<_, Option<u8>>(column)? else { return Ok(None) };
    let origin = Origin::ALL.get(usize::from(id)).copied();
    origin.map(Some).ok_or_else(|| strange(column, Type::Integer))
}

/// A value that this program does not write.
fn strange(column: usize, kind: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(FromSqlError::InvalidType))
}
