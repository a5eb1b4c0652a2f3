//! Which log is this: known by its first bytes, wherever it lies and however it is compressed.
//!
//! Whether two heads are of the same log is for [`Head`] to say. The longer one is kept: the log grew, or a
//! shorter copy was read. A head that fits none becomes a new log; hence no stored head is ever a prefix of
//! another, and only a *short* head can fit several logs. It is then taken for the one that was
//! last seen.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::block::{self, BlockId};
use super::{LOG_ID_END, LogId, OFFSET_BITS, Store, StoreError, sql};
use crate::model::{Head, Time};

/// How much of a head is in the index; `log.head_key` cuts there.
const KEY_MAX_BYTES: usize = 64;

struct Known {
    id: i64,
    head: Head,
}

impl Store {
    /// The log that begins with `head`, which is seen at `path` at the instant `seen`.
    ///
    /// An empty log has no identity: ask again once it has a line.
    pub fn log(&mut self, head: &Head, path: &str, seen: Time) -> Result<LogId, StoreError> {
        let id = self.identify(head, path, seen).map_err(|source| self.explain(source))?;
        match id {
            Some(id) => Ok(LogId(id)),
            None => Err(StoreError::TooManyLogs { path: self.path().to_owned() }),
        }
    }

    /// The last line that is kept of a log: its offset and its bytes.
    pub fn last_line(&self, log: LogId) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let places = (log.0 << OFFSET_BITS, (log.0 + 1) << OFFSET_BITS);
        let conn = &self.reader.conn;
        conn.prepare_cached(sql::LINE_SELECT_LAST)
            .and_then(|mut found| {
                let row = found.query_row(places, |row| {
                    let place: i64 = row.get(0)?;
                    let (ValueRef::Text(text) | ValueRef::Blob(text)) = row.get_ref(1)? else {
                        return Err(rusqlite::Error::InvalidQuery);
                    };
                    Ok((
                        u64::try_from(place & ((1 << OFFSET_BITS) - 1)).unwrap_or(0),
                        text.to_vec(),
                    ))
                });
                row.optional()
            })
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

    /// `None` if there are too many logs.
    fn identify(&mut self, head: &Head, path: &str, seen: Time) -> rusqlite::Result<Option<i64>> {
        let tx = self.reader.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = match find(&tx, head)? {
            // Fits every log, so it says nothing about any.
            Some(known) if head.as_bytes().is_empty() => known.id,
            Some(known) => {
                let (head, kept) = (head.as_bytes(), known.head.as_bytes());
                let longer = if head.len() > kept.len() { head } else { kept };
                tx.prepare_cached(sql::LOG_UPDATE_SEEN)?.execute((
                    known.id,
                    longer,
                    path,
                    seen.micros(),
                ))?;
                known.id
            }
            None => tx.prepare_cached(sql::LOG_INSERT)?.insert((
                head.as_bytes(),
                path,
                seen.micros(),
            ))?,
        };
        if id >= LOG_ID_END {
            return Ok(None);
        }
        tx.commit()?;
        Ok(Some(id))
    }
}

/// The stored log that begins with `head`; an empty one begins every log.
fn find(conn: &Connection, head: &Head) -> rusqlite::Result<Option<Known>> {
    let bytes = head.as_bytes();
    let key = &bytes[..bytes.len().min(KEY_MAX_BYTES)];
    let mut high = key.to_vec();
    high.resize(key.len() + KEY_MAX_BYTES, 0xff);
    let known = |row: &rusqlite::Row<'_>| {
        Ok(Known { id: row.get(0)?, head: Head::from_bytes(row.get_ref(1)?.as_blob()?) })
    };
    let mut alike = conn.prepare_cached(sql::LOG_SELECT_ALIKE)?;
    for found in alike.query_map((key, high), known)? {
        let found = found?;
        if bytes.is_empty() || found.head.is_same_log(head) {
            return Ok(Some(found));
        }
    }
    // Heads that are shorter than the key, the most telling first.
    let mut shorter = conn.prepare_cached(sql::LOG_SELECT_SHORTER)?;
    for len in (0..key.len()).rev() {
        if let Some(found) = shorter.query_row([&key[..len]], known).optional()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
