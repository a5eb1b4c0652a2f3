//! What a filter found in a part of a log: lines, matches, and their counts.
//!
//! By blocks: what is new is inserted by the dozens, what is known by its digest is passed over, and only where a part
//! of a block is known, as in a log that has grown, those that it has are read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use foldhash::fast::RandomState;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use super::{HostCache, Written, origin_id};
use crate::store::block::{self, BlockId, Count, HostCount, micros, place};
use crate::store::bulk::Bulk;
use crate::store::record::{Record, Scanned};
use crate::store::{LogId, sql};

/// The id of no host.
const NOBODY: i64 = 0;

/// The records of one block.
struct Part<'r, 'a> {
    block: BlockId,
    records: &'r [Record<'a>],
    /// Where its rows are among all.
    rows: Range<usize>,
    digest: i64,
    /// Whether this filter has found nothing there yet, in whatever jail.
    is_fresh: bool,
}

/// A record on its way into the store.
struct Row<'r, 'a> {
    record: &'r Record<'a>,
    place: i64,
    host: i64,
    /// What it adds to what is known.
    count: Count,
    /// Whether its line is new to this filter.
    is_line_new: bool,
}

impl Row<'_, '_> {
    /// Whether it is a match that is not stored.
    fn is_new(&self) -> bool {
        self.count.matches > 0
    }
}

/// Stores records, which come in the order of their log.
pub(super) fn write(
    conn: &Connection,
    hosts: &mut HostCache,
    source: Scanned,
    records: &[Record<'_>],
) -> rusqlite::Result<Written> {
    let mut parts = unknown(conn, source, records)?;
    hosts
        .learn(conn, parts.iter().flat_map(|part| part.records).filter_map(|r| r.host.as_ref()))?;
    let mut rows: Vec<Row<'_, '_>> = Vec::with_capacity(records.len());
    for part in &mut parts {
        part.rows.start = rows.len();
        gather(conn, hosts, source.log, part.records, &mut rows)?;
        part.rows.end = rows.len();
        if !part.is_fresh {
            take_off_known(conn, source, part.block, &mut rows[part.rows.clone()])?;
        }
    }
    let mut written = Written::default();
    let are_lines_known = write_lines(conn, source.log, &rows)? < lines_of(&rows);
    for part in parts.iter_mut().filter(|part| are_lines_known || !part.is_fresh) {
        let displaced = take_off_displaced(conn, part.block, &mut rows[part.rows.clone()])?;
        if displaced > 0 {
            part.digest = block::UNKNOWN;
            written.displaced += displaced;
        }
    }
    let mut counts = Vec::new();
    for part in parts {
        let sum = count(&rows[part.rows], part.block, &mut counts, &mut written);
        block::add(conn, source, part.block, sum, part.digest)?;
    }
    block::add_to_hosts(conn, source, counts)?;
    rows.retain(|row| !row.count.is_nothing());
    let known: Vec<_> = rows.extract_if(.., |row| !row.is_new()).collect();
    insert(conn, source, &rows)?;
    become_failures(conn, source, &known)?;
    Ok(written)
}

/// The blocks whose records are not all known.
fn unknown<'r, 'a>(
    conn: &Connection,
    source: Scanned,
    records: &'r [Record<'a>],
) -> rusqlite::Result<Vec<Part<'r, 'a>>> {
    let mut parts: Vec<Part<'r, 'a>> = Vec::new();
    let block_of = |record: &Record<'_>| BlockId::of(place(source.log, record.offset));
    for records in records.chunk_by(|a, b| block_of(a) == block_of(b)) {
        let (block, digest) = (block_of(&records[0]), block::digest(records));
        let known = block::known(conn, block, source)?;
        if known.digest != Some(digest) {
            let is_fresh = !known.to_filter;
            parts.push(Part { block, records, rows: 0..0, digest, is_fresh });
        }
    }
    Ok(parts)
}

/// Finds out whose records these are; each host once a line.
fn gather<'r, 'a>(
    conn: &Connection,
    hosts: &mut HostCache,
    log: LogId,
    records: &'r [Record<'a>],
    rows: &mut Vec<Row<'r, 'a>>,
) -> rusqlite::Result<()> {
    for record in records {
        let place = place(log, record.offset);
        let host = record.host.as_ref().map_or(Ok(NOBODY), |host| hosts.id(conn, host))?;
        let of_line = rows.iter().rev().take_while(|row| row.place == place);
        if of_line.into_iter().all(|row| row.host != host) {
            let count = Count::of(micros(record.time), record.is_failure());
            rows.push(Row { record, place, host, count, is_line_new: true });
        }
    }
    Ok(())
}

/// A line's text: TEXT if it is UTF-8, so that people can read it in SQL, else the bytes as they are.
struct LineText<'a>(&'a [u8]);

impl ToSql for LineText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match std::str::from_utf8(self.0) {
            Ok(_) => ValueRef::Text(self.0),
            Err(_) => ValueRef::Blob(self.0),
        }))
    }
}

/// Stores the lines of new matches that are not stored; how many those were.
fn write_lines(conn: &Connection, log: LogId, rows: &[Row<'_, '_>]) -> rusqlite::Result<u64> {
    let bulk = Bulk { conn, shared: &[], one: sql::LINE_INSERT, many: sql::LINE_INSERT_MANY };
    let rows: Vec<&Row<'_, '_>> = rows.iter().filter(|row| row.is_new()).collect();
    let new = bulk.insert(&rows, |values, row| {
        values.bind(row.place)?;
        values.bind(number(row.record.line))?;
        values.bind(LineText(row.record.text))
    })?;
    block::add_lines(conn, log.0, number(new))?;
    Ok(new)
}

/// How many lines the new matches are of.
fn lines_of(rows: &[Row<'_, '_>]) -> u64 {
    let mut last = None;
    rows.iter().filter(|row| row.is_new() && last.replace(row.place) != Some(row.place)).count()
        as u64
}

/// Takes off the rows of a block in whose place another line is stored; how many lines those were. What is stored
/// stays, and nobody is shown a line that is not his.
fn take_off_displaced(
    conn: &Connection,
    block: BlockId,
    rows: &mut [Row<'_, '_>],
) -> rusqlite::Result<u64> {
    let (first, next) = block.places();
    let mut select = conn.prepare_cached(sql::LINE_SELECT_BETWEEN)?;
    let mut stored = select.query((first, next))?;
    let mut rows = rows.iter_mut().peekable();
    let mut displaced = 0;
    while let Some(line) = stored.next()? {
        let place: i64 = line.get(0)?;
        while rows.next_if(|row| row.place < place).is_some() {}
        let mut is_displaced = false;
        while let Some(row) = rows.next_if(|row| row.place == place) {
            if line.get_ref(1)?.as_bytes()? != row.record.text {
                is_displaced = true;
                row.count = Count::default();
            }
        }
        displaced += u64::from(is_displaced);
    }
    Ok(displaced)
}

fn insert(conn: &Connection, source: Scanned, rows: &[Row<'_, '_>]) -> rusqlite::Result<()> {
    let shared = &[source.filter.0, source.jail.0, origin_id(source.origin).into()];
    let bulk = Bulk { conn, shared, one: sql::MATCH_INSERT, many: sql::MATCH_INSERT_MANY };
    bulk.insert(rows, |values, Row { record, place, host, .. }| {
        values.bind(place)?;
        values.bind(host)?;
        values.bind(record.regex)?;
        values.bind(micros(record.time))?;
        values.bind(record.nofail)?;
        values.bind(record.is_failure())?;
        values.bind(fields_json(record))
    })?;
    Ok(())
}

/// Looks for rows of a block among those that it has, and notes what they then add to them.
fn take_off_known(
    conn: &Connection,
    source: Scanned,
    block: BlockId,
    rows: &mut [Row<'_, '_>],
) -> rusqlite::Result<()> {
    let (first, next) = block.places();
    let mut lines: HashSet<i64, RandomState> = HashSet::default();
    let mut known: HashMap<(i64, i64), bool, RandomState> = HashMap::default();
    let mut select = conn.prepare_cached(sql::MATCH_SELECT_KNOWN)?;
    let mut found = select.query((first, next, source.filter.0))?;
    while let Some(found) = found.next()? {
        let place = found.get(0)?;
        lines.insert(place);
        if found.get::<_, i64>(1)? == source.jail.0 {
            known.insert((place, found.get(2)?), found.get(3)?);
        }
    }
    for row in rows {
        row.is_line_new = !lines.contains(&row.place);
        match known.get(&(row.place, row.host)) {
            None => {}
            // An address that the jail ignored then and doesn't now.
            Some(false) => row.count.matches = 0,
            Some(true) => row.count = Count::default(),
        }
    }
    Ok(())
}

/// Matches that were none become failures.
fn become_failures(
    conn: &Connection,
    source: Scanned,
    rows: &[Row<'_, '_>],
) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached(sql::MATCH_UPDATE_FAILURE)?;
    for Row { place, host, .. } in rows {
        update.execute((place, source.filter.0, source.jail.0, host, origin_id(source.origin)))?;
    }
    Ok(())
}

/// Adds up what the rows of a block add to what is known of it, of hosts, and altogether.
fn count(
    rows: &[Row<'_, '_>],
    block: BlockId,
    hosts: &mut Vec<HostCount>,
    written: &mut Written,
) -> Count {
    // Where each host's count is.
    let mut places: HashMap<i64, usize, RandomState> = HashMap::default();
    let mut sum = Count::default();
    let mut line = None;
    for Row { place, host, count, is_line_new, .. } in rows {
        if count.is_nothing() {
            continue;
        }
        sum.add(*count);
        written.failures += count.failures.unsigned_abs();
        if *is_line_new && line.replace(place) != Some(place) {
            written.matches += 1;
        }
        if *host != NOBODY {
            let place = *places.entry(*host).or_insert(hosts.len());
            match hosts.get_mut(place) {
                Some(of) => of.count.add(*count),
                None => hosts.push(HostCount { host: *host, block, count: *count }),
            }
        }
    }
    sum
}

/// Captures beyond those that say who is meant, which has a column of its own; and as `matches`, fail2ban's name, all
/// lines of a match of several: a place's text is that of its line, whatever a filter makes of it.
fn fields_json(record: &Record<'_>) -> Option<String> {
    let identifies = |name: &str| matches!(name, "ip4" | "ip6" | "dns" | "cidr" | "fid" | "mlfid");
    let own = record.fields.iter().filter(|(name, _)| !identifies(name));
    let own = own.map(|(name, value)| (name.to_owned(), value.into()));
    let whole = record.whole.map(String::from_utf8_lossy);
    let whole = whole.map(|whole| ("matches".to_owned(), whole.into()));
    let object: serde_json::Map<_, _> = own.chain(whole).collect();
    (!object.is_empty()).then(|| serde_json::Value::Object(object).to_string())
}

/// A line's number as SQLite counts; saturates, which no log reaches.
fn number(line: u64) -> i64 {
    i64::try_from(line).unwrap_or(i64::MAX)
}
