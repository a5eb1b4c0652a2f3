//! Which log is this: known by its first bytes, wherever it lies and however it is compressed.
//!
//! Whether two heads are of the same log is for [`Head`] to say. The longer one is kept: the log grew, or a
//! shorter copy was read. A head that fits none becomes a new log; hence no stored head that isn't full is ever a
//! prefix of another, and only a *short* head can fit several logs. It is then taken for the one that was
//! last seen. Logs whose full heads are equal are told apart by a line that is stored of them, where whoever
//! asks can look at that ([`Look`]).

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::block::{self, BlockId};
use super::{Batch, LOG_ID_END, LogId, OFFSET_BITS, Reader, Store, StoreError, sql};
use crate::model::{HEAD_MAX_BYTES, Head, Time};

/// How much of a head is in the index; `log.head_key` cuts there.
const KEY_MAX_BYTES: usize = 64;

/// How much of a head is stored as it is; what follows is compressed.
const PLAIN_MAX_BYTES: usize = 4096;

/// Looks at the log at hand: what stands at an offset, at most so many bytes; nothing where that can't be seen.
pub type Look<'l> = dyn Fn(u64, usize) -> Vec<u8> + 'l;

struct Known {
    id: i64,
    head: Head,
}

impl Store {
    /// The log that begins with `head`, which is seen at `path` at the instant `seen`.
    ///
    /// An empty log has no identity: ask again once it has a line.
    pub fn log(&mut self, head: &Head, path: &str, seen: Time) -> Result<LogId, StoreError> {
        self.log_at_hand(head, path, seen, &|_, _| Vec::new())
    }

    /// The same of a log that can be looked at.
    pub fn log_at_hand(
        &mut self,
        head: &Head,
        path: &str,
        seen: Time,
        look: &Look<'_>,
    ) -> Result<LogId, StoreError> {
        self.transact(|batch| batch.log_at_hand(head, path, seen, look))
    }

    /// The last line that is kept of a log: its offset and its bytes.
    pub fn last_line(&self, log: LogId) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let places = (log.0 << OFFSET_BITS, (log.0 + 1) << OFFSET_BITS);
        line(&self.reader.conn, sql::LINE_SELECT_LAST, places)
            .map_err(|source| self.explain(source))
    }

    /// Forgets a line of a log with its matches: it was the beginning of another one.
    pub fn forget_line(&mut self, log: LogId, offset: u64) -> Result<(), StoreError> {
        let place = block::place(log, offset);
        self.change(|conn, _| {
            block::change(conn, BlockId::of(place), || {
                conn.prepare_cached(sql::MATCH_DELETE)?.execute([place]).map(|_| ())
            })
            .map(|_| ())
        })
    }
}

impl Reader {
    /// The log that begins with `head` and can be looked at, if it is known.
    pub fn known_log(&self, head: &Head, look: &Look<'_>) -> Result<Option<LogId>, StoreError> {
        let found = find(&self.conn, head, look);
        let found = found.map_err(|source| StoreError::explain(&self.path, source))?;
        Ok(found.filter(|_| !head.as_bytes().is_empty()).map(|known| LogId(known.id)))
    }
}

impl Batch<'_> {
    /// As [`Store::log_at_hand`].
    pub fn log_at_hand(
        &mut self,
        head: &Head,
        path: &str,
        seen: Time,
        look: &Look<'_>,
    ) -> Result<LogId, StoreError> {
        let id = self.change(|conn, _| identify(conn, head, path, seen, look))?;
        if id < LOG_ID_END {
            return Ok(LogId(id));
        }
        Err(StoreError::TooManyLogs { path: self.reader().path().to_owned() })
    }
}

fn identify(
    conn: &Connection,
    head: &Head,
    path: &str,
    seen: Time,
    look: &Look<'_>,
) -> rusqlite::Result<i64> {
    match find(conn, head, look)? {
        // Fits every log, so it says nothing about any.
        Some(known) if head.as_bytes().is_empty() => Ok(known.id),
        Some(known) => {
            if head.as_bytes().len() > known.head.as_bytes().len() {
                let (plain, more) = columns(head)?;
                conn.prepare_cached(sql::LOG_UPDATE_HEAD)?.execute((known.id, plain, more))?;
            }
            let seen = (known.id, path, seen.micros());
            conn.prepare_cached(sql::LOG_UPDATE_SEEN)?.execute(seen)?;
            Ok(known.id)
        }
        None => {
            let (plain, more) = columns(head)?;
            let starts = i64::try_from(head.starts()).unwrap_or(i64::MAX);
            let log = (starts, plain, more, path, seen.micros());
            conn.prepare_cached(sql::LOG_INSERT)?.insert(log)
        }
    }
}

/// A line of a statement's answer: its offset and its bytes.
fn line(
    conn: &Connection,
    statement: &str,
    places: (i64, i64),
) -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
    let row = |row: &Row<'_>| {
        let place: i64 = row.get(0)?;
        let (ValueRef::Text(text) | ValueRef::Blob(text)) = row.get_ref(1)? else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        Ok((block::offset(place), text.to_vec()))
    };
    conn.prepare_cached(statement)?.query_row(places, row).optional()
}

/// The stored log that begins with `head`; an empty one begins every log.
fn find(conn: &Connection, head: &Head, look: &Look<'_>) -> rusqlite::Result<Option<Known>> {
    let bytes = head.as_bytes();
    let starts = i64::try_from(head.starts()).unwrap_or(i64::MAX);
    let key = &bytes[..bytes.len().min(KEY_MAX_BYTES)];
    let mut high = key.to_vec();
    high.resize(key.len() + KEY_MAX_BYTES, 0xff);
    let mut alike = conn.prepare_cached(sql::LOG_SELECT_ALIKE)?;
    for found in alike.query_map((key, high, starts), known)? {
        let found = found?;
        let is_same = bytes.is_empty() || found.head.is_same_log(head);
        if is_same && !is_refuted(conn, &found, look)? {
            return Ok(Some(found));
        }
    }
    // Heads that are shorter than the key, the most telling first.
    let mut shorter = conn.prepare_cached(sql::LOG_SELECT_SHORTER)?;
    for len in (0..key.len()).rev() {
        if let Some(found) = shorter.query_row((&key[..len], starts), known).optional()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let starts = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
    let mut head = row.get_ref(2)?.as_blob()?.to_vec();
    if let Some(more) = row.get_ref(3)?.as_blob_or_null()? {
        let more = zstd::bulk::decompress(more, HEAD_MAX_BYTES - PLAIN_MAX_BYTES);
        // What is damaged is as if it were not there: a shorter head.
        head.extend(more.unwrap_or_default());
    }
    Ok(Known { id: row.get(0)?, head: Head::new(starts, &head) })
}

/// The first line that is stored from behind the head, if that is full, must be where it was. Not the last one: the end
/// of a log may be lost in a crash, and written anew.
fn is_refuted(conn: &Connection, known: &Known, look: &Look<'_>) -> rusqlite::Result<bool> {
    if !known.head.is_full() {
        return Ok(false);
    }
    let behind = known.head.starts() + HEAD_MAX_BYTES as u64;
    let places = (block::place(LogId(known.id), behind), (known.id + 1) << OFFSET_BITS);
    let Some((offset, text)) = line(conn, sql::LINE_SELECT_FIRST, places)? else {
        return Ok(false);
    };
    let seen = look(offset, text.len());
    Ok(!text.starts_with(&seen))
}

/// A head as it is stored: what is plain, and what follows, compressed.
fn columns(head: &Head) -> rusqlite::Result<(&[u8], Option<Vec<u8>>)> {
    let bytes = head.as_bytes();
    let (plain, more) = bytes.split_at(bytes.len().min(PLAIN_MAX_BYTES));
    if more.is_empty() {
        return Ok((plain, None));
    }
    let packed = zstd::bulk::compress(more, zstd::DEFAULT_COMPRESSION_LEVEL);
    let packed = packed.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok((plain, Some(packed)))
}
