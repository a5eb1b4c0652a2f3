//! Bans that last longer, as their hosts went on failing.
//!
//! `ban.until_us` is always the end as it is known by now: whoever asks who is banned asks there. What it was before
//! is in `prolongation`, a row for each time it was moved.

use rusqlite::{Connection, OptionalExtension, Row};

use super::read::{host_at, origin_at, strange, time_at};
use super::write::origin_id;
use super::{Batch, Reader, StoreError, sql};
use crate::model::{Host, Prolongation, Time};

/// A ban of a host in a jail that is in force at some instant: of several the one whose time is over last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// When it began.
    pub at: Time,
    /// When its time is over; `None` if it is permanent.
    pub until: Option<Time>,
    /// Whether failures up to that instant may make it longer. Not those that led to a ban, and none from before
    /// somebody ended one of the host's bans in that jail: whoever was pardoned isn't banned for what he did before.
    pub may_grow: bool,
}

impl Batch<'_> {
    /// Makes bans longer; gives what was not known, with the end that the store knew before.
    ///
    /// Nothing becomes of one whose ban is not there, lasts as long already, or was ended by somebody, and of one that
    /// is known: the same ban and the same last failure. A ban that was over before its new end no longer is.
    pub fn prolong(&mut self, longer: &[Prolongation]) -> Result<Vec<Prolongation>, StoreError> {
        self.change(|conn, _| {
            let stored = longer.iter().map(|longer| prolong(conn, longer));
            stored.filter_map(Result::transpose).collect()
        })
    }
}

impl Reader {
    /// The ban of `host` itself, not of a network of it, in `jail` that is in force at `at`.
    pub fn last_to_end(
        &self,
        host: &Host,
        jail: &str,
        at: Time,
    ) -> Result<Option<InForce>, StoreError> {
        let row = |row: &Row<'_>| {
            let at = Time::from_micros(row.get(0)?);
            Ok(InForce { at, until: time_at(row, 1)?, may_grow: row.get(2)? })
        };
        let found = || {
            let mut select = self.conn.prepare_cached(sql::BAN_SELECT_LAST_TO_END)?;
            select.query_row((host.key(), jail, at.micros()), row).optional()
        };
        found().map_err(|source| StoreError::explain(&self.path, source))
    }

    /// What made the bans of `host` longer, in the order of the failures that did.
    pub fn prolongations_of(&self, host: &Host) -> Result<Vec<Prolongation>, StoreError> {
        match self.id(host)? {
            Some(id) => self.all(sql::PROLONGATION_SELECT_BY_HOST, [id], prolongation),
            None => Ok(Vec::new()),
        }
    }
}

fn prolong(conn: &Connection, longer: &Prolongation) -> rusqlite::Result<Option<Prolongation>> {
    let Prolongation { host, jail, ban_at, at, until, origin, failures, .. } = longer;
    let until_us = until.map(Time::micros);
    let params =
        (host.key(), jail, ban_at.micros(), at.micros(), until_us, origin_id(*origin), *failures);
    let mut insert = conn.prepare_cached(sql::PROLONGATION_INSERT)?;
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, Time::from_micros(row.get(1)?)));
    let Some((ban, until_before)) = insert.query_row(params, row).optional()? else {
        return Ok(None);
    };
    conn.prepare_cached(sql::BAN_PROLONG)?.execute((ban, until_us))?;
    Ok(Some(Prolongation { until_before, ..longer.clone() }))
}

fn prolongation(row: &Row<'_>) -> rusqlite::Result<Prolongation> {
    use rusqlite::types::Type;
    Ok(Prolongation {
        host: host_at(row, 0)?,
        jail: row.get(1)?,
        ban_at: Time::from_micros(row.get(2)?),
        at: Time::from_micros(row.get(3)?),
        until_before: Time::from_micros(row.get(4)?),
        until: time_at(row, 5)?,
        origin: origin_at(row, 6)?.ok_or_else(|| strange(6, Type::Integer))?,
        failures: row.get(7)?,
    })
}
