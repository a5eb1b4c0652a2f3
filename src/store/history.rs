//! All that is known of one host.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};

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
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut bans = self.bans_of(host)?.into_iter().peekable();
        self.each(sql::FAILURE_SELECT_BY_HOST, (id, limit), matched_line, |line| {
            while let Some(ban) = bans.next_if(|ban| Some(ban.at) < line.time) {
                take(Event::Ban(ban))?;
            }
            take(Event::Match(line))
        })?;
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
