//! Taking over the bans of another program with all that it knows of them: what is over, what is in force, the lines that
//! led to it, and the number of bans that the next one is to count from.
//!
//! Nothing is done twice: a ban that is known, by its jail, host and begin, stays as it is, also if it was lifted since.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Done, Effect, Writer};
use crate::model::{Ban, BanTime, EndReason, Evidence, HostBans, Origin, Time};
use crate::store::{Batch, LogId, Position, StoreError};

/// How much of what another program knows was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Bans that are in force.
    pub in_force: u64,
    /// Bans that are over.
    pub past: u64,
    /// Lines that led to these.
    pub lines: u64,
    /// Bans that were known before.
    pub known: u64,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.in_force += other.in_force;
        self.past += other.past;
        self.lines += other.lines;
        self.known += other.known;
    }
}

/// What stands in the place of a journal's name where another program has read it: that doesn't tell which it was.
pub(in super::super) const JOURNAL_TAKEN_OVER: &str = "fail2ban";

impl Writer {
    /// A jail has read a log so far, as whoever read it before tells at `now`; whether it had not read as much.
    pub fn resume_log(
        &mut self,
        jail: &str,
        log: LogId,
        position: Position,
        now: Time,
    ) -> Result<bool, StoreError> {
        self.store.transact(|batch| {
            let known = batch.reader().positions(jail)?;
            if known.iter().any(|known| known.log == log && known.position >= position) {
                return Ok(false);
            }
            batch.set_position(jail, log, position, now)?;
            Ok(true)
        })
    }

    /// A jail has read its journals up to the entry that was written at this time, as whoever read them before tells;
    /// whether it had not read as much.
    pub fn resume_journal(&mut self, jail: &str, written: Time) -> Result<bool, StoreError> {
        self.store.transact(|batch| {
            let known = batch.reader().cursor(jail, JOURNAL_TAKEN_OVER)?;
            if known.is_some_and(|(_, known)| known >= written) {
                return Ok(false);
            }
            batch.set_cursor(jail, JOURNAL_TAKEN_OVER, "", written)?;
            Ok(true)
        })
    }
}

/// Takes over what is told of hosts, as of `now`.
pub(super) fn take_over(
    batch: &mut Batch<'_>,
    hosts: Vec<HostBans>,
    now: Time,
    done: &mut Done,
) -> Result<(), StoreError> {
    batch.add_hosts(hosts.iter().map(|told| &told.host))?;
    for told in hosts {
        let last = told.bans.len().saturating_sub(1);
        let count = told.count;
        for (nth, (ban, data)) in sealed(told, now).into_iter().enumerate() {
            if add(batch, &ban, &data, now, done)? && nth == last {
                batch.count_as(&ban, count)?;
            }
        }
    }
    Ok(())
}

/// The bans with what became of them: each ended when its time was over or another took its place.
fn sealed(told: HostBans, now: Time) -> Vec<(Ban, Vec<u8>)> {
    let HostBans { jail, host, bans, newest, .. } = told;
    let begins: Vec<Time> = bans.iter().skip(1).map(|next| next.at).collect();
    let begins = begins.into_iter().map(Some).chain([None]);
    let seal = |(ban, next): (crate::model::EarlierBan, Option<Time>)| {
        let until = ban.bantime.unwrap_or(BanTime::Micros(0)).until(ban.at);
        let ended = match (until, next) {
            (until, Some(next)) if until.is_none_or(|until| until > next) => {
                Some((next, EndReason::Replaced))
            }
            (Some(until), _) if until <= now => Some((until, EndReason::Expired)),
            (_, None) if newest => None,
            // Its host was forgotten and not its past, which only someone else than fail2ban does.
            _ => Some((now.max(ban.at), EndReason::Expired)),
        };
        let (jail, host, failures) = (jail.clone(), host.clone(), ban.failures);
        (Ban { host, jail, at: ban.at, until, origin: Origin::Import, failures, ended }, ban.data)
    };
    bans.into_iter().zip(begins).map(seal).collect()
}

/// Adds a ban; whether it wasn't known.
fn add(
    batch: &mut Batch<'_>,
    ban: &Ban,
    data: &[u8],
    now: Time,
    done: &mut Done,
) -> Result<bool, StoreError> {
    let mut ban = ban.clone();
    if ban.ended.is_none() {
        let own = batch.reader().bans_of(&ban.host)?;
        let mut own = own.into_iter().filter(|own| own.jail == ban.jail);
        if own.clone().any(|own| own.at == ban.at) {
            done.taken.known += 1;
            return Ok(false);
        }
        // Whichever lasts longer stands.
        if let Some(own) = own.find(|own| own.is_active(now)) {
            if own.until.is_none_or(|end| ban.until.is_some_and(|told| told <= end)) {
                ban.ended = Some((own.at.max(ban.at), EndReason::Replaced));
            } else {
                let ended = batch.end_bans(&ban.host, Some(&ban.jail), now, EndReason::Replaced)?;
                done.effects.extend(ended.into_iter().map(Effect::Ended));
            }
        }
    }
    if batch.add_bans(std::slice::from_ref(&ban))? == 0 {
        done.taken.known += 1;
        return Ok(false);
    }
    if !data.is_empty() {
        batch.add_evidence(&ban, data)?;
        done.taken.lines += Evidence::read(data).matches.len() as u64;
    }
    if ban.ended.is_some() {
        done.taken.past += 1;
    } else {
        done.taken.in_force += 1;
        done.effects.push(Effect::Made(ban));
    }
    Ok(true)
}
