//! The failures of one jail become bans as they come, in a process that lives on.
//!
//! Who is banned and how often he was before is asked of the store each time there is something to decide: others may
//! have changed it since. What is kept here are the failures that count, and decisions about hosts of whom it is not
//! known yet whether the jail ignores them.

use super::deciding::{Decided, Verdicts};
use super::jail::Jail;
use super::past::length;
use crate::decide::{FailureWindow, Increment, Ticket};
use crate::model::{Ban, Host, Origin, Prolongation, Time};
use crate::store::{InForce, Reader, StoreError};

/// Decides the bans of one jail.
pub(super) struct Watching {
    window: FailureWindow<Host>,
    open: Vec<Decided>,
}

/// What a failure leads to.
pub(super) enum Verdict {
    /// Nothing yet.
    Counted,
    /// He would be banned if he weren't, since that time; `is_longer`: he is to be for longer, unless the jail ignores
    /// him.
    AlreadyBanned { since: Time, is_longer: bool },
    /// He is to be banned, unless the jail ignores him.
    Decided,
}

impl Watching {
    pub(super) fn new(jail: &Jail) -> Self {
        Self { window: FailureWindow::new(jail.rule), open: Vec::new() }
    }

    /// Counts failures that were stored before, in order of time. A ban that they led to was made with them, unless it
    /// was still being asked whether the host is ignored when the process ended: that is asked again if the last of them
    /// is of `undecided_since` or later.
    pub(super) fn warm(
        &mut self,
        jail: &Jail,
        store: &Reader,
        failures: Vec<(Time, Host)>,
        undecided_since: Time,
        origin: Origin,
    ) -> Result<(), StoreError> {
        for (at, host) in failures {
            let weight = weight(jail, store, &host, at)?;
            let Some(ticket) = self.window.failure(host.clone(), at, weight) else { continue };
            if ticket.last < undecided_since {
                continue;
            }
            // Failures may be counted together in another way than they were: that makes no ban longer.
            let is_open = self.open.iter().any(|decided| *decided.host() == host);
            if is_open || !was_banned(jail, store, &host, ticket.last)? {
                self.judge(jail, store, host, ticket, origin)?;
            }
        }
        Ok(())
    }

    /// Counts a failure, and decides.
    pub(super) fn failure(
        &mut self,
        jail: &Jail,
        store: &Reader,
        host: Host,
        at: Time,
        origin: Origin,
    ) -> Result<Verdict, StoreError> {
        let weight = weight(jail, store, &host, at)?;
        match self.window.failure(host.clone(), at, weight) {
            Some(ticket) => self.judge(jail, store, host, ticket, origin),
            None => Ok(Verdict::Counted),
        }
    }

    /// Asks about the hosts that are going to be banned, and takes those of whom all is known; never waits.
    pub(super) fn answered(&mut self, jail: &Jail, now: Time) -> Verdicts {
        Decided::answered(&mut self.open, jail, now)
    }

    /// Whether some decision waits for an answer.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Decides about a host that has failed often enough.
    fn judge(
        &mut self,
        jail: &Jail,
        store: &Reader,
        host: Host,
        ticket: Ticket,
        origin: Origin,
    ) -> Result<Verdict, StoreError> {
        let Ticket { last: at, failures, .. } = ticket;
        // What is decided last of a host that is asked about lasts longest.
        let open = self.open.iter().rev().find(|decided| *decided.host() == host);
        let open = open.map(Decided::span).filter(|(_, until)| until.is_none_or(|end| end > at));
        let in_force = match open {
            Some((since, until)) => Some(InForce { at: since, until, may_grow: since < at }),
            None => store.last_to_end(&host, &jail.name, at)?,
        };
        let Some(InForce { at: ban_at, until: until_before, may_grow }) = in_force else {
            self.decide(jail, store, host, ticket, origin)?;
            return Ok(Verdict::Decided);
        };
        let until_before =
            until_before.filter(|_| may_grow && jail.rule.outlasts(at, until_before));
        if let Some(until_before) = until_before {
            let (jail, until) = (jail.name.clone(), jail.rule.bantime.until(at));
            self.open.push(Decided::Longer(Prolongation {
                host,
                jail,
                ban_at,
                at,
                until_before,
                until,
                origin,
                failures,
            }));
        }
        Ok(Verdict::AlreadyBanned { since: ban_at, is_longer: until_before.is_some() })
    }

    fn decide(
        &mut self,
        jail: &Jail,
        store: &Reader,
        host: Host,
        ticket: Ticket,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let Ticket { last: at, failures, .. } = ticket;
        let bantime = match &jail.increment {
            None => jail.rule.bantime,
            Some(increment) => {
                let only = Some(&*jail.name).filter(|_| !increment.overalljails());
                let earlier = count(store, &host, only, at)?;
                length(jail, increment, &host, at, earlier)
            }
        };
        let (jail, until) = (jail.name.clone(), bantime.until(at));
        self.open.push(Decided::Ban(Ban { host, jail, at, until, origin, failures, ended: None }));
        Ok(())
    }
}

/// Whether a jail has a ban of the host that ended at that time or later, or hasn't.
fn was_banned(jail: &Jail, store: &Reader, host: &Host, at: Time) -> Result<bool, StoreError> {
    let reaches = |ban: &Ban| match (ban.ended, ban.until) {
        (Some((end, _)), _) | (None, Some(end)) => end >= at,
        (None, None) => true,
    };
    Ok(store.bans_of(host)?.iter().any(|ban| ban.jail == jail.name && reaches(ban)))
}

/// How often a failure counts of a host that has come back.
fn weight(jail: &Jail, store: &Reader, host: &Host, at: Time) -> Result<u32, StoreError> {
    match jail.increment {
        Some(_) => {
            let earlier = count(store, host, Some(&jail.name), at)?;
            Ok(Increment::weight(earlier, jail.rule.maxretry))
        }
        None => Ok(1),
    }
}

/// The bans of a host that began before `at`, in one jail or in all.
fn count(store: &Reader, host: &Host, jail: Option<&str>, at: Time) -> Result<u32, StoreError> {
    Ok(u32::try_from(store.earlier_bans(host, jail, at)?.count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
