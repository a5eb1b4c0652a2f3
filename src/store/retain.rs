//! Ending bans, and the list of exported files.

use rusqlite::{Connection, OptionalExtension};

use super::write::insert_bans;
use super::{Batch, Reader, StoreError, bans, sql};
use crate::model::{Ban, EndReason, Host, Time};

impl Batch<'_> {
    /// Ends the bans of `host` that are in force at `at` or begin later, in one jail or in all; gives them
    /// as ended.
    pub fn end_bans(
        &mut self,
        host: &Host,
        jail: Option<&str>,
        at: Time,
        reason: EndReason,
    ) -> Result<Vec<Ban>, StoreError> {
        self.change(|conn, _| end_bans(conn, host, jail, at, reason))
    }

    /// Stores a ban in place of the bans that its host has in its jail; gives it as it is stored.
    ///
    /// Where one began at the very same time the new one begins a microsecond later.
    pub fn replace_ban(&mut self, mut ban: Ban) -> Result<Ban, StoreError> {
        self.change(|conn, hosts| {
            end_bans(conn, &ban.host, Some(&ban.jail), ban.at, EndReason::Replaced)?;
            while insert_bans(conn, hosts, std::slice::from_ref(&ban))? == 0 {
                ban.at = ban.at.plus_micros(1);
            }
            Ok(ban)
        })
    }

    /// Seals the bans whose time is over at `now`: they ended when they were to. How many there were.
    pub fn expire(&mut self, now: Time) -> Result<u64, StoreError> {
        self.change(|conn, _| execute(conn, sql::BAN_EXPIRE, [now.micros()]))
    }

    /// The same, and gives them as ended.
    pub fn end_expired(&mut self, now: Time) -> Result<Vec<Ban>, StoreError> {
        self.change(|conn, _| {
            let ids: Vec<i64> = conn
                .prepare_cached(sql::BAN_END_EXPIRED)?
                .query_map([now.micros()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            by_id(conn, ids)
        })
    }

    /// Remembers that the file at `path` repeats the bans in force, and was written at `at`.
    pub fn set_export(&mut self, path: &str, format: &str, at: Time) -> Result<(), StoreError> {
        self.change(|conn, _| execute(conn, sql::EXPORT_UPSERT, (path, format, at.micros())))?;
        Ok(())
    }

    /// Forgets such a file; whether it was known.
    pub fn forget_export(&mut self, path: &str) -> Result<bool, StoreError> {
        Ok(self.change(|conn, _| execute(conn, sql::EXPORT_DELETE, [path]))? > 0)
    }
}

pub(super) fn execute(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<u64> {
    Ok(conn.prepare_cached(sql)?.execute(params)? as u64)
}

fn end_bans(
    conn: &Connection,
    host: &Host,
    jail: Option<&str>,
    at: Time,
    reason: EndReason,
) -> rusqlite::Result<Vec<Ban>> {
    let Some(host) = Reader::host_id(conn, host)? else { return Ok(Vec::new()) };
    let jail: Option<i64> = match jail {
        None => None,
        Some(name) => {
            let id = conn.prepare_cached(sql::JAIL_SELECT)?.query_row([name], |row| row.get(0));
            match id.optional()? {
                Some(id) => Some(id),
                None => return Ok(Vec::new()),
            }
        }
    };
    let ids: Vec<i64> = conn
        .prepare_cached(sql::BAN_END)?
        .query_map((host, at.micros(), reason.name(), jail), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    by_id(conn, ids)
}

fn by_id(conn: &Connection, ids: Vec<i64>) -> rusqlite::Result<Vec<Ban>> {
    let mut select = conn.prepare_cached(sql::BAN_SELECT_BY_ID)?;
    ids.into_iter().map(|id| select.query_row([id], bans::ban)).collect()
}
