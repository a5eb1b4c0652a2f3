//! All that is known of one host.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};

use super::block::BlockId;
use super::read::{count, origin_at, time_at};
use super::{Reader, StoreError, sql};
use crate::model::{Ban, Host, Origin, Time};

/// Something that is known of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A line that a filter matched.
    Match(MatchedLine),
    /// A ban.
    Ban(Ban),
}

/// A line that a filter matched and, if it counted, where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(with = "text_or_bytes")]
    pub text: Vec<u8>,
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

impl Reader {
    /// Hands over what is known of `host`: its bans, and its last `limit` matches, in time order; what has
    /// no date comes first, a ban after the lines of the same instant, which led to it.
    ///
    /// Only the bans are kept in memory.
    pub fn each_event<E: From<StoreError>>(
        &self,
        host: &Host,
        limit: usize,
        mut take: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(id) = self.id(host)? else { return Ok(()) };
        let mut bans = self.bans_of(host)?.into_iter().peekable();
        for found in self.last_matches(id, limit)? {
            let Found { place, filter: Reverse(filter), jail: Reverse(jail), .. } = found;
            let line = self.one(sql::MATCH_SELECT, (place, filter, jail, id), matched_line)?;
            while let Some(ban) = bans.next_if(|ban| Some(ban.at) < line.time) {
                take(Event::Ban(ban))?;
            }
            take(Event::Match(line))?;
        }
        bans.try_for_each(|ban| take(Event::Ban(ban)))
    }

    /// The same as [`each_event`](Self::each_event), all at once.
    pub fn history(&self, host: &Host, limit: usize) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        self.each_event(host, limit, |event| {
            events.push(event);
            Ok::<_, StoreError>(())
        })?;
        Ok(events)
    }
}

impl Reader {
    /// The last `limit` matches of a host, in time order. Blocks are read from the latest on, until none can hold a
    /// later match than those at hand.
    fn last_matches(&self, host: i64, limit: usize) -> Result<Vec<Found>, StoreError> {
        let mut last: BinaryHeap<Reverse<Found>> = BinaryHeap::new();
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let blocks: Vec<(i64, i64, i64, Option<i64>)> =
            self.all(sql::TALLY_SELECT_BY_HOST, [host], row)?;
        for (block, filter, jail, latest) in blocks {
            let is_full = last.len() >= limit;
            if is_full && last.peek().is_none_or(|Reverse(earliest)| latest < earliest.time) {
                break;
            }
            let (first, next) = BlockId(block).places();
            let found = |row: &Row<'_>| {
                let (filter, jail) = (Reverse(filter), Reverse(jail));
                Ok(Found { time: row.get(0)?, place: row.get(1)?, filter, jail })
            };
            let params = (first, next, host, filter, jail);
            for found in self.all(sql::MATCH_SELECT_BY_HOST, params, found)? {
                last.push(Reverse(found));
                if last.len() > limit {
                    last.pop();
                }
            }
        }
        let mut last: Vec<Found> = last.into_iter().map(|Reverse(found)| found).collect();
        last.sort_unstable();
        Ok(last)
    }
}

/// A match of a host, in the order in which they are told: without a date first; where a line has several, the
/// filter and jail that came first are told last.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    time: Option<i64>,
    place: i64,
    filter: Reverse<i64>,
    jail: Reverse<i64>,
}

fn matched_line(row: &Row<'_>) -> rusqlite::Result<MatchedLine> {
    let failed_in: Option<String> = if row.get(5)? { row.get(1)? } else { None };
    Ok(MatchedLine {
        time: time_at(row, 0)?,
        failure: failed_in.zip(origin_at(row, 6)?),
        filter: row.get(2)?,
        regex: row.get(3)?,
        nofail: row.get(4)?,
        log: row.get(7)?,
        line: count(row, 8)?,
        text: row.get::<_, Bytes>(9)?.0,
    })
}

/// A line as others are told it: a text if it is UTF-8, else a list of bytes.
mod text_or_bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Line {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(line: &[u8], to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(line) {
            Ok(text) => to.serialize_str(text),
            Err(_) => line.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        Ok(match Line::deserialize(from)? {
            Line::Text(text) => text.into_bytes(),
            Line::Bytes(bytes) => bytes,
        })
    }
}

/// TEXT or BLOB, as bytes.
struct Bytes(Vec<u8>);

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_bytes().map(|bytes| Self(bytes.to_vec()))
    }
}
