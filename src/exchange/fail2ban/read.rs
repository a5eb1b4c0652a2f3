//! What stands in the rows.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use super::{Database, DatabaseError};
use crate::model::{BanTime, EarlierBan, Evidence, Host, HostBans, Time};

/// What is told of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The bans of a host in a jail.
    Bans(HostBans),
    /// A ban that can't be taken over.
    Skipped {
        /// In which jail.
        jail: String,
        /// Whose, as it stands there.
        host: String,
        /// Why.
        why: &'static str,
    },
}

/// How far a jail has read something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// Which jail.
    pub jail: String,
    /// The log's path, or `systemd-journal`.
    pub path: String,
    /// How far.
    pub reached: Reached,
}

/// A place that a jail has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reached {
    /// In a log.
    Offset {
        /// Behind the last line that was read, in bytes.
        offset: u64,
        /// The SHA-1 of the log's first line with its end, as 40 hexadecimal digits; empty: it had none.
        first_line: String,
    },
    /// In a journal: when the last entry that was read was written.
    Entry(Time),
}

/// As what journals stand among the logs.
pub const JOURNAL: &str = "systemd-journal";

/// A ban time that is not known; bans of versions before 3 have it.
const UNKNOWN: f64 = -2.0;
const PERMANENT: f64 = -1.0;

impl Database {
    /// Hands over all bans, those of a host in a jail at once; no more is held in memory.
    ///
    /// # Errors
    ///
    /// The copy can't be read, or `take` refuses.
    pub fn each_row<E: From<DatabaseError>>(
        &self,
        mut take: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error| E::from(DatabaseError::from(error));
        let mut select = self.conn.prepare(include_str!("select_bans.sql")).map_err(failed)?;
        let mut rows = select.query([]).map_err(failed)?;
        let mut open: Option<HostBans> = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let (jail, ip) = (text(row, 0).map_err(failed)?, text(row, 1).map_err(failed)?);
            let told = match host(&ip) {
                Ok(host) => told(row).map_err(failed)?.map(|told| (host, told)),
                Err(why) => Err(why),
            };
            let (host, (ban, count)) = match told {
                Ok(told) => told,
                Err(why) => {
                    take(Row::Skipped { jail: jail.into(), host: ip.into(), why })?;
                    continue;
                }
            };
            if open.as_ref().is_none_or(|open| open.jail != jail || open.host != host) {
                open.take().map_or(Ok(()), |done| take(Row::Bans(done)))?;
            }
            let new =
                || HostBans { jail: jail.into(), host, bans: Vec::new(), count: 0, newest: false };
            add(open.get_or_insert_with(new), ban, count);
        }
        open.map_or(Ok(()), |done| take(Row::Bans(done)))
    }

    /// How far each jail has read its logs.
    ///
    /// # Errors
    ///
    /// The copy can't be read.
    pub fn positions(&self) -> Result<Vec<ReadTo>, DatabaseError> {
        let mut select = self.conn.prepare(include_str!("select_logs.sql"))?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let [jail, path, first_line] = [0, 1, 2].map(|column| text(row, column));
            let (jail, path) = (jail?.into_owned(), path?.into_owned());
            let reached = match number(row, 3)? {
                Some(secs) if path == JOURNAL => Reached::Entry(time(secs)),
                Some(offset) => Reached::Offset {
                    offset: whole(offset).max(0).unsigned_abs(),
                    first_line: first_line?.into_owned(),
                },
                None => continue,
            };
            found.push(ReadTo { jail, path, reached });
        }
        Ok(found)
    }
}

/// Two rows of one second are one ban: so is the newest one, which stands in both tables, with the higher count.
fn add(open: &mut HostBans, ban: EarlierBan, newest: Option<u64>) {
    match open.bans.last_mut().filter(|last| last.at == ban.at) {
        Some(last) => *last = ban,
        None => open.bans.push(ban),
    }
    if let Some(count) = newest {
        open.count = count;
        open.newest = true;
    }
}

fn host(ip: &str) -> Result<Host, &'static str> {
    match Host::parse(ip) {
        _ if ip.is_empty() => Err("has no host"),
        Host::Addr(addr) if addr.is_everyone() => Err("is everyone; a ban of everyone is none"),
        host => Ok(host),
    }
}

/// A ban, and the host's number of bans if the row is of the newest.
type Told = Result<(EarlierBan, Option<u64>), &'static str>;

fn told(row: &rusqlite::Row<'_>) -> rusqlite::Result<Told> {
    let (at, length, count) = (number(row, 2)?, number(row, 3)?, number(row, 4)?);
    let (Some(at), Some(length)) = (at, length) else {
        return Ok(Err("has no time, or lasts for no number of seconds"));
    };
    let bantime = if length == PERMANENT {
        Some(BanTime::Permanent)
    } else if length == UNKNOWN {
        None
    } else {
        Some(BanTime::Micros(micros(length).max(0)))
    };
    let data = match row.get_ref(5)? {
        ValueRef::Text(data) | ValueRef::Blob(data) => data.to_vec(),
        _ => Vec::new(),
    };
    let evidence = Evidence::read(&data);
    let lines = u64::try_from(evidence.matches.len()).unwrap_or(u64::MAX);
    let failures = u32::try_from(evidence.failures.unwrap_or(lines)).unwrap_or(u32::MAX);
    let count = whole(count.unwrap_or(1.0)).max(0).unsigned_abs();
    let newest = row.get::<_, bool>(6)?.then_some(count);
    Ok(Ok((EarlierBan { at: time(at), bantime, failures, data }, newest)))
}

/// A text; bytes that are none are shown as such.
fn text<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Cow<'r, str>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text),
        ValueRef::Integer(number) => number.to_string().into(),
        ValueRef::Real(number) => number.to_string().into(),
        ValueRef::Null => "".into(),
    })
}

/// A number with or without a point; affinity keeps fractions in a column of integers.
fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<f64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        _ => None,
    })
}

fn time(secs: f64) -> Time {
    Time::from_micros(micros(secs)).min(Time::LAST)
}

fn micros(secs: f64) -> i64 {
    whole((secs * 1e6).round())
}

#[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of i64")]
fn whole(number: f64) -> i64 {
    number as i64
}
