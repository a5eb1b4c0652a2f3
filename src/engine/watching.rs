//! The failures of one jail become bans as they come, in a process that lives on.
//!
//! Who is banned and how often he was before is asked of the store each time there is something to decide: others may
//! have changed it since. What is kept here are the failures that count, and decisions about hosts of whom it is not
//! known yet whether the jail ignores them.

use super::deciding::Decided;
use super::jail::Jail;
use super::past::length;
use crate::decide::{FailureWindow, Increment, Ticket};
use crate::model::{Ban, Host, Origin, Time};
use crate::store::{Reader, StoreError};

/// Decides the bans of one jail.
pub(super) struct Watching {
    window: FailureWindow<Host>,
    open: Vec<Decided>,
    /// Who was not banned, for it was found out that the jail ignores him.
    ignored: Vec<Host>,
}

/// What a failure leads to.
pub(super) enum Verdict {
    /// Nothing yet.
    Counted,
    /// He would be banned if he weren't.
    AlreadyBanned,
    /// He is to be banned, unless the jail ignores him.
    Decided,
}

impl Watching {
    pub(super) fn new(jail: &Jail) -> Self {
        Self { window: FailureWindow::new(jail.rule), open: Vec::new(), ignored: Vec::new() }
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
            let bans = store.bans_of(&host)?;
            let is_his = |ban: &Ban| {
                ban.jail == jail.name
                    && ban.ended.map_or(ban.until, |(end, _)| Some(end)) >= Some(ticket.last)
            };
            let is_for_good = |ban: &Ban| ban.until.is_none() && ban.ended.is_none();
            if !bans.iter().any(|ban| is_his(ban) || is_for_good(ban)) {
                self.decide(jail, store, host, ticket, origin)?;
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
        let Some(ticket) = self.window.failure(host.clone(), at, weight) else {
            return Ok(Verdict::Counted);
        };
        let is_open = self.open.iter().any(|decided| *decided.host() == host);
        if is_open || store.is_banned(&host, &jail.name, ticket.last)? {
            return Ok(Verdict::AlreadyBanned);
        }
        self.decide(jail, store, host, ticket, origin)?;
        Ok(Verdict::Decided)
    }

    /// Asks about the hosts that are going to be banned, and takes those of whom all is known; never waits.
    pub(super) fn answered(&mut self, jail: &Jail, now: Time) -> Vec<Ban> {
        self.open.iter().for_each(|decided| decided.ask(jail, now));
        let (open, known): (Vec<_>, Vec<_>) =
            self.open.drain(..).partition(|decided| decided.is_open(jail));
        self.open = open;
        let mut bans = Vec::new();
        for decided in known {
            let host = decided.host().clone();
            match decided.ban(jail, now) {
                Some(ban) => bans.push(ban),
                None => self.ignored.push(host),
            }
        }
        bans
    }

    /// Who was found out to be ignored since this was last asked.
    pub(super) fn take_ignored(&mut self) -> Vec<Host> {
        std::mem::take(&mut self.ignored)
    }

    /// Whether some decision waits for an answer.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
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
        self.open.push(Decided::new(Ban { host, jail, at, until, origin, failures, ended: None }));
        Ok(())
    }
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
