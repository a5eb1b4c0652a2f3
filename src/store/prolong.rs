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
    /// Makes bans longer; gives what was not known, by time, with the end that the store knew before.
    ///
    /// Nothing becomes of one whose ban is not there, lasts as long already, or was ended by somebody, and of one that
    /// is known: the same ban and the same last failure. A ban that was over before its new end no longer is.
    pub fn prolong(&mut self, longer: &[Prolongation]) -> Result<Vec<Prolongation>, StoreError> {
        self.change(|conn, _| {
            let mut sorted: Vec<&Prolongation> = longer.iter().collect();
            // A host that fails all day makes its ban longer a thousand times, which then is changed once.
            sorted.sort_by_key(|longer| (of_ban(longer), longer.at));
            let mut new = Vec::new();
            for longer in sorted.chunk_by(|one, other| of_ban(one) == of_ban(other)) {
                prolong(conn, longer, &mut new)?;
            }
            new.sort_by_key(|longer| longer.at);
            Ok(new)
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

/// Which ban it is about.
fn of_ban(longer: &Prolongation) -> (&str, &Host, Time) {
    (&longer.jail, &longer.host, longer.ban_at)
}

/// What makes one ban longer, in the order of time.
fn prolong(
    conn: &Connection,
    longer: &[&Prolongation],
    new: &mut Vec<Prolongation>,
) -> rusqlite::Result<()> {
    let Some((jail, host, ban_at)) = longer.first().map(|longer| of_ban(longer)) else {
        return Ok(());
    };
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, Time::from_micros(row.get(1)?)));
    let mut select = conn.prepare_cached(sql::BAN_SELECT_GROWING)?;
    let found = select.query_row((host.key(), jail, ban_at.micros()), row).optional()?;
    let Some((ban, first)) = found else { return Ok(()) };
    let mut insert = conn.prepare_cached(sql::PROLONGATION_INSERT)?;
    let mut end = Some(first);
    for longer in longer.iter().filter(|longer| longer.at > ban_at) {
        let Some(before) = end.filter(|end| longer.until.is_none_or(|until| until > *end)) else {
            continue;
        };
        let Prolongation { at, until, origin, failures, .. } = longer;
        let until_us = until.map(Time::micros);
        let origin = origin_id(*origin);
        let params = (ban, at.micros(), before.micros(), until_us, origin, *failures);
        if insert.execute(params)? > 0 {
            end = *until;
            new.push(Prolongation { until_before: before, ..(*longer).clone() });
        }
    }
    if end != Some(first) {
        conn.prepare_cached(sql::BAN_PROLONG)?.execute((ban, end.map(Time::micros)))?;
    }
    Ok(())
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
