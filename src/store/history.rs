//! All that is known of one host.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use foldhash::fast::RandomState;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};

use super::block::BlockId;
use super::read::{count, origin_at, time_at};
use super::{Reader, StoreError, sql};
use crate::model::{Ban, Evidence, Host, Origin, Prolongation, Time};

/// Something that is known of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A line that a filter matched.
    Match(MatchedLine),
    /// A line that led to a ban, as another program told with the ban: its place is not known.
    Told(ToldLine),
    /// A ban.
    Ban(Ban),
    /// A ban lasts longer.
    Prolongation(Prolongation),
}

/// A line that another program told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldLine {
    /// When the ban began.
    pub at: Time,
    /// The jail that banned.
    pub jail: String,
    /// The line, perhaps several.
    pub text: String,
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
    /// Which line, for good: the same for all that was found in it.
    pub place: i64,
    /// Where the log was last seen.
    pub log: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The line.
    #[serde(with = "crate::text::text_or_bytes")]
    pub text: Vec<u8>,
    /// What else the filter captured, by name in small letters.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// How much is known of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTotals {
    /// Lines that concern it, however many filters and jails found something in them.
    pub lines: u64,
    /// Bans of it and of networks that it is in.
    pub bans: u64,
}

impl Event {
    /// When it was; a ban, when it began.
    pub fn time(&self) -> Option<Time> {
        match self {
            Self::Match(line) => line.time,
            Self::Told(line) => Some(line.at),
            Self::Ban(ban) => Some(ban.at),
            Self::Prolongation(longer) => Some(longer.at),
        }
    }
}

impl Reader {
    /// How much is known of `host`. Lines are counted by the block; where several filters or jails found something,
    /// it reads what they found, for they may have found it in the same lines.
    pub fn host_totals(&self, host: &Host) -> Result<HostTotals, StoreError> {
        let bans = self.bans_over(host)?.len() as u64;
        let Some(id) = self.id(host)? else { return Ok(HostTotals { lines: 0, bans }) };
        let row = |row: &Row<'_>| Ok((BlockId(row.get(0)?), count(row, 1)?, count(row, 2)?));
        let mut lines = 0;
        for (block, matches, finders) in self.all(sql::TALLY_COUNT_BY_HOST, [id], row)? {
            let (first, next) = block.places();
            lines += match finders {
                1 => matches,
                _ => self.one(sql::MATCH_COUNT_LINES, (first, next, id), |row| count(row, 0))?,
            };
        }
        Ok(HostTotals { lines, bans })
    }

    /// Hands over what is known of `host`: its bans and those of networks that it is in, what made them longer, and
    /// what was found in its last `limit` lines, in time order; what has no date comes first, a ban after the lines
    /// of the same instant, which led to it. What was found in one line comes one after the other. Lines that another
    /// program told with a ban come before it, but for those that were told already, as they stand in a log that was read.
    ///
    /// Only the bans and what made them longer are kept in memory.
    pub fn each_event<E: From<StoreError>>(
        &self,
        host: &Host,
        limit: usize,
        mut take: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bans = self.ban_events(host)?.into_iter().peekable();
        let mut told = Told::of(self, host)?;
        let Some(id) = self.id(host)? else {
            return bans.try_for_each(take);
        };
        for Line { time, place } in self.last_lines(id, limit)? {
            let time = time.map(Time::from_micros);
            while let Some(ban) = bans.next_if(|ban| ban.time() < time) {
                told.event(ban, &mut take)?;
            }
            for found in self.all(sql::MATCH_SELECT_OF_LINE, (place, id), matched_line)? {
                told.line(&found.text);
                take(Event::Match(found))?;
            }
        }
        bans.try_for_each(|ban| told.event(ban, &mut take))
    }

    /// The bans of `host` and of networks that it is in, and what made them longer, in time order.
    fn ban_events(&self, host: &Host) -> Result<Vec<Event>, StoreError> {
        let bans = self.bans_over(host)?;
        let mut hosts: Vec<&Host> = bans.iter().map(|ban| &ban.host).collect();
        hosts.sort();
        hosts.dedup();
        let mut longer = Vec::new();
        for host in hosts {
            longer.extend(self.prolongations_of(host)?.into_iter().map(Event::Prolongation));
        }
        let mut events: Vec<Event> = bans.into_iter().map(Event::Ban).chain(longer).collect();
        events.sort_by_key(Event::time);
        Ok(events)
    }

    /// The bans of `host` and of networks that it is in, in the order in which they began.
    fn bans_over(&self, host: &Host) -> Result<Vec<Ban>, StoreError> {
        let mut bans = self.bans_of(host)?;
        bans.append(&mut self.bans_of_networks(host)?);
        bans.sort_by_key(|ban| ban.at);
        Ok(bans)
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
    /// The last `limit` lines that concern a host, in time order. Blocks are read from the latest on, until none can
    /// hold a later line than those at hand.
    fn last_lines(&self, host: i64, limit: usize) -> Result<Vec<Line>, StoreError> {
        let mut last: BTreeSet<Line> = BTreeSet::new();
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let blocks: Vec<(i64, i64, i64, Option<i64>)> =
            self.all(sql::TALLY_SELECT_BY_HOST, [host], row)?;
        for (block, filter, jail, latest) in blocks {
            let is_full = last.len() >= limit;
            if is_full && last.first().is_none_or(|earliest| latest < earliest.time) {
                break;
            }
            let (first, next) = BlockId(block).places();
            let line = |row: &Row<'_>| Ok(Line { time: row.get(0)?, place: row.get(1)? });
            let params = (first, next, host, filter, jail);
            for line in self.all(sql::MATCH_SELECT_BY_HOST, params, line)? {
                last.insert(line);
                if last.len() > limit {
                    last.pop_first();
                }
            }
        }
        // Two jails may have read a line's date in different ways: it is told once, when it was last.
        let mut told: HashSet<i64, RandomState> = HashSet::default();
        let mut last: Vec<Line> =
            last.into_iter().rev().filter(|line| told.insert(line.place)).collect();
        last.reverse();
        Ok(last)
    }
}

/// Who tells bans with the lines that another program told of them.
struct Told<'h> {
    host: &'h Host,
    /// By the begin of the ban and its jail.
    evidence: BTreeMap<(Time, String), Evidence>,
    /// The lines that were told already, if there is evidence.
    texts: HashSet<Vec<u8>, RandomState>,
}

impl<'h> Told<'h> {
    fn of(reader: &Reader, host: &'h Host) -> Result<Self, StoreError> {
        let evidence = reader.evidence(host)?.into_iter();
        let evidence = evidence.map(|(jail, at, data)| ((at, jail), Evidence::read(&data)));
        Ok(Self { host, evidence: evidence.collect(), texts: HashSet::default() })
    }

    fn line(&mut self, text: &[u8]) {
        if !self.evidence.is_empty() {
            self.texts.insert(text.to_vec());
        }
    }

    fn event<E>(
        &mut self,
        event: Event,
        take: &mut impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Event::Ban(ban) = &event {
            let of_ban = (ban.at, ban.jail.clone());
            let evidence =
                (ban.host == *self.host).then(|| self.evidence.remove(&of_ban)).flatten();
            for text in evidence.unwrap_or_default().matches {
                if !self.texts.contains(text.as_bytes()) {
                    take(Event::Told(ToldLine { at: ban.at, jail: ban.jail.clone(), text }))?;
                }
            }
        }
        take(event)
    }
}

/// A line that concerns a host, in the order in which they are told: without a date first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    time: Option<i64>,
    place: i64,
}

fn matched_line(row: &Row<'_>) -> rusqlite::Result<MatchedLine> {
    let fields: Option<String> = row.get(11)?;
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
        place: row.get(10)?,
        fields: fields.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
    })
}

/// TEXT or BLOB, as bytes.
struct Bytes(Vec<u8>);

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_bytes().map(|bytes| Self(bytes.to_vec()))
    }
}
