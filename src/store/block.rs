//! Blocks: a mebibyte of a log, with what was found in it in numbers.
//!
//! An index on the time or the host of every match would cost more to write than the match. Logs are written in the
//! order of time, and who guesses passwords does so many times in a row; so a row for the matches of a block, with
//! their first and last time, finds those of a span of time (as PostgreSQL's BRIN does), and a row for those of a host in
//! a block finds a host's. Both are counters too, written with the matches in one transaction, and so `f2b status`
//! need not count.
//!
//! A block also says what was last found in it, in one number, the [`digest`]. A log that is read again is known by
//! that, block by block, and its matches are not looked for one by one.

use rusqlite::Connection;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::bulk::Bulk;
use super::record::{Record, Scanned};
use super::{FilterId, JailId, LogId, OFFSET_BITS, sql};
use crate::model::Time;

/// A block has this many bits of an offset: 1 MiB. With less, a busy host has more rows, with more, its matches are
/// further apart. The readers cut logs in multiples of it, so that a block is written whole.
pub(super) const BLOCK_BITS: u32 = 20;

/// Where a line stands, for good: the log's id above the 40 bits of the offset.
pub(super) fn place(log: LogId, offset: u64) -> i64 {
    let offset = i64::try_from(offset).expect("offsets of 2^40 and more were refused above");
    log.0 << OFFSET_BITS | offset
}

/// Where in its log a place is.
pub(super) fn offset(place: i64) -> u64 {
    (place & ((1 << OFFSET_BITS) - 1)).cast_unsigned()
}

/// The number of a block: its log above the upper bits of its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockId(pub(super) i64);

impl BlockId {
    /// The block of a line.
    pub(super) fn of(place: i64) -> Self {
        Self(place >> BLOCK_BITS)
    }

    /// Its first place, and the first of the next block.
    pub(super) fn places(self) -> (i64, i64) {
        (self.0 << BLOCK_BITS, (self.0 + 1) << BLOCK_BITS)
    }

    /// Its log.
    pub(super) fn log(self) -> i64 {
        self.0 >> (OFFSET_BITS - BLOCK_BITS)
    }
}

/// The digest of what is not known (any more).
pub(super) const UNKNOWN: i64 = 0;

/// What the records of a block are, whatever their order: equal if they are, and the other way round but once in
/// 2^64 times. The time is not part of it: another idea about the year makes no other match.
#[expect(clippy::cast_possible_wrap, reason = "SQLite has no unsigned numbers")]
pub(super) fn digest(records: &[Record<'_>]) -> i64 {
    let mut key = Vec::new();
    let one = |record: &Record<'_>| {
        let host = record.host.as_ref().map_or(0, |host| {
            host.write_key(&mut key);
            xxh3_64(&key)
        });
        let seed = (record.offset << 1 | u64::from(record.is_failure())) ^ host;
        xxh3_64_with_seed(record.text, seed)
    };
    let digest = records.iter().map(one).fold(0, u64::wrapping_add) as i64;
    if digest == UNKNOWN { 1 } else { digest }
}

/// New matches, as they are counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) matches: i64,
    pub(super) failures: i64,
    first: Option<i64>,
    last: Option<i64>,
    last_failure: Option<i64>,
}

impl Count {
    pub(super) fn of(time: Option<i64>, failure: bool) -> Self {
        Self {
            matches: 1,
            failures: i64::from(failure),
            first: time,
            last: time,
            last_failure: time.filter(|_| failure),
        }
    }

    /// Whether nothing is new.
    pub(super) fn is_nothing(&self) -> bool {
        self.matches == 0 && self.failures == 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.matches += other.matches;
        self.failures += other.failures;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.max(other.last);
        self.last_failure = self.last_failure.max(other.last_failure);
    }
}

/// New matches of a host in a block.
pub(super) struct HostCount {
    pub(super) host: i64,
    pub(super) block: BlockId,
    pub(super) count: Count,
}

/// What is known of a block.
pub(super) struct Known {
    /// Whether the filter has found something in it, in whatever jail.
    pub(super) to_filter: bool,
    /// The digest of what it last found in the jail, 0 if that is not known any more.
    pub(super) digest: Option<i64>,
}

/// What is known of a block.
pub(super) fn known(conn: &Connection, block: BlockId, source: Scanned) -> rusqlite::Result<Known> {
    let mut select = conn.prepare_cached(sql::BLOCK_SELECT_DIGESTS)?;
    let mut rows = select.query((block.0, source.filter.0))?;
    let mut known = Known { to_filter: false, digest: None };
    while let Some(row) = rows.next()? {
        known.to_filter = true;
        if row.get::<_, i64>(0)? == source.jail.0 {
            known.digest = Some(row.get(1)?);
        }
    }
    Ok(known)
}

/// Adds the new matches of a block to its counts.
pub(super) fn add(
    conn: &Connection,
    source: Scanned,
    block: BlockId,
    count: Count,
    digest: i64,
) -> rusqlite::Result<()> {
    let Count { matches, failures, first, last, last_failure } = count;
    let Scanned { filter: FilterId(filter), jail: JailId(jail), .. } = source;
    conn.prepare_cached(sql::BLOCK_UPSERT)?.execute((
        block.0,
        filter,
        jail,
        matches,
        failures,
        first,
        last,
        last_failure,
        digest,
    ))?;
    Ok(())
}

/// Adds the new matches of hosts to their counts; each host once a block.
pub(super) fn add_to_hosts(
    conn: &Connection,
    source: Scanned,
    mut hosts: Vec<HostCount>,
) -> rusqlite::Result<()> {
    // In the order of the table's key, which is also the order in which pages are touched.
    hosts.sort_unstable_by_key(|count| (count.host, count.block));
    let shared = &[source.filter.0, source.jail.0];
    let bulk = Bulk { conn, shared, one: sql::TALLY_UPSERT, many: sql::TALLY_UPSERT_MANY };
    bulk.insert(&hosts, |values, HostCount { host, block, count }| {
        values.bind(host)?;
        values.bind(block.0)?;
        values.bind(count.matches)?;
        values.bind(count.failures)?;
        values.bind(count.first)?;
        values.bind(count.last)
    })?;
    Ok(())
}

/// Counts a block anew after `delete` has deleted some of its matches; lines without a match go too. How many
/// lines and failures those were.
pub(super) fn change(
    conn: &Connection,
    block: BlockId,
    delete: impl FnOnce() -> rusqlite::Result<()>,
) -> rusqlite::Result<(u64, u64)> {
    let (first, next) = block.places();
    let mut failures = conn.prepare_cached(sql::BLOCK_COUNT_FAILURES)?;
    let mut failures = || failures.query_row([block.0], |row| row.get::<_, i64>(0));
    let before = failures()?;
    conn.prepare_cached(sql::TALLY_DELETE)?.execute((block.0, first, next))?;
    conn.prepare_cached(sql::BLOCK_DELETE)?.execute([block.0])?;
    delete()?;
    let lines = conn.prepare_cached(sql::LINE_DELETE_UNMATCHED)?.execute((first, next))?;
    conn.prepare_cached(sql::BLOCK_RECOUNT)?.execute((block.0, first, next))?;
    conn.prepare_cached(sql::TALLY_RECOUNT)?.execute((block.0, first, next))?;
    add_lines(conn, block.log(), -i64::try_from(lines).unwrap_or(i64::MAX))?;
    Ok((lines as u64, before.abs_diff(failures()?)))
}

/// So many more lines of a log are stored.
pub(super) fn add_lines(conn: &Connection, log: i64, lines: i64) -> rusqlite::Result<()> {
    conn.prepare_cached(sql::LOG_ADD_LINES)?.execute((log, lines))?;
    Ok(())
}

/// A time as it is stored.
pub(super) fn micros(time: Option<Time>) -> Option<i64> {
    time.map(Time::micros)
}
