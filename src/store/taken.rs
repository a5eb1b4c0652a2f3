//! What is taken over from fail2ban and has no other place: the lines that led to a ban, as they were told with it, and
//! how many bans were counted that nobody remembers.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::read::host_at;
use super::retain::execute;
use super::write::jail_id;
use super::{Batch, Reader, StoreError, sql};
use crate::model::{Ban, Host, Time};

/// A ban that counts as more, or less, than the bans that are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub host: Host,
    /// In which jail.
    pub jail: String,
    /// When it began.
    pub at: Time,
    /// So many more.
    pub more: i64,
}

impl Reader {
    /// The bans that count as more, or less, than are stored, of a jail or of all; in no order.
    pub fn counted_otherwise(&self, jail: Option<&str>) -> Result<Vec<Counted>, StoreError> {
        self.all(sql::BAN_SELECT_MORE, [jail], |row| {
            let at = Time::from_micros(row.get(2)?);
            Ok(Counted { host: host_at(row, 0)?, jail: row.get(1)?, at, more: row.get(3)? })
        })
    }

    /// What another program kept of the bans of a host: the jail, when the ban began, and what that is.
    pub fn evidence(&self, host: &Host) -> Result<Vec<(String, Time, Vec<u8>)>, StoreError> {
        let Some(id) = self.id(host)? else { return Ok(Vec::new()) };
        self.all(sql::EVIDENCE_SELECT_BY_HOST, [id], |row| {
            Ok((row.get(0)?, Time::from_micros(row.get(1)?), bytes(row, 2)?))
        })
    }
}

impl Batch<'_> {
    /// Keeps what another program kept of a ban that is stored.
    pub fn add_evidence(&mut self, ban: &Ban, data: &[u8]) -> Result<(), StoreError> {
        self.change(|conn, hosts| {
            let (jail, host) = (jail_id(conn, &ban.jail)?, hosts.id(conn, &ban.host)?);
            let data = match std::str::from_utf8(data) {
                Ok(text) => ValueRef::Text(text.as_bytes()),
                Err(_) => ValueRef::Blob(data),
            };
            let data = rusqlite::types::ToSqlOutput::Borrowed(data);
            execute(conn, sql::EVIDENCE_INSERT, (jail, host, ban.at.micros(), data)).map(drop)
        })
    }

    /// Has a ban that is stored be the `nth` of its host in its jail, however many there are before it.
    pub fn count_as(&mut self, ban: &Ban, nth: u64) -> Result<(), StoreError> {
        self.change(|conn, hosts| {
            let (jail, host) = (jail_id(conn, &ban.jail)?, hosts.id(conn, &ban.host)?);
            let at = ban.at.micros();
            let params = (host, at.saturating_add(1), &ban.jail);
            let mut count = conn.prepare_cached(sql::BAN_COUNT_BEFORE)?;
            let stored: i64 = count.query_row(params, |row| row.get(0))?;
            let more = i64::try_from(nth).unwrap_or(i64::MAX).saturating_sub(stored);
            if more != 0 {
                execute(conn, sql::BAN_ADD_MORE, (jail, host, at, more))?;
            }
            Ok(())
        })
    }
}

/// TEXT or BLOB, as bytes.
fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    })
}
