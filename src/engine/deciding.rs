//! The failures of one jail become bans: what it knows of the past, and the judge.
//!
//! The same for a batch that was just stored and for failures of several logs, put in order of time first. A
//! decision is not yet a ban: whoever is about to be banned is looked for once more in all that the jail
//! ignores, and that may take long ([`Decided::is_open`]).

use super::jail::Jail;
use super::past::Past;
use crate::decide::{Decision, Judge};
use crate::model::{Ban, Host, Match, Origin, Time};
use crate::store::{LogId, Reader, StoreError};

/// Decides the bans of one jail.
pub(super) struct Deciding {
    judge: Judge<Host>,
    past: Past,
    /// The failures of other logs were counted up to here.
    counted_to: Time,
}

/// A ban, if the jail doesn't ignore the host after all.
pub(super) struct Decided {
    ban: Ban,
}

impl Deciding {
    /// With no past.
    pub(super) fn new(jail: &Jail, first: Time) -> Self {
        Self { judge: Judge::new(jail.rule), past: Past::default(), counted_to: first }
    }

    /// With what the store knows that can still matter to failures from `first` on: bans that reach so far, and
    /// the failures of the `findtime` before. Bans that these alone lead to were decided when they were read.
    /// Failures without a jail are of any filter that was ever run alone: they are not this one's.
    pub(super) fn warm(jail: &Jail, store: &Reader, first: Time) -> Result<Self, StoreError> {
        let past = Past::of(jail, store)?;
        let mut bans = Vec::new();
        store.each_reaching(&jail.name, first, |ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            bans.push((ban.host, ban.at, end));
            Ok::<_, StoreError>(())
        })?;
        let judge = Judge::with_bans(jail.rule, bans);
        let mut deciding = Self { judge, past, counted_to: first };
        if jail.name.is_empty() {
            return Ok(deciding);
        }
        let window = first.plus_micros(-jail.rule.findtime_us);
        for (at, host) in store.failures_between(&jail.name, window, first, &[])? {
            let weight = deciding.past.weight(jail, &host, at);
            let _ = deciding.judge.failure(host, at, weight);
        }
        Ok(deciding)
    }

    /// The failures that the store has of other logs than `own`, from where they were counted to just before `to`:
    /// logs that were scanned in any order are decided as if they had been scanned together.
    pub(super) fn others(
        &mut self,
        jail: &Jail,
        store: &Reader,
        own: &[LogId],
        to: Time,
    ) -> Result<Vec<(Time, Host)>, StoreError> {
        if to <= self.counted_to || jail.name.is_empty() {
            return Ok(Vec::new());
        }
        let others = store.failures_between(&jail.name, self.counted_to, to, own)?;
        self.counted_to = to;
        Ok(others)
    }

    /// Up to when failures of others can matter to those that were decided.
    pub(super) fn end(&self, jail: &Jail) -> Time {
        self.counted_to.plus_micros(jail.rule.findtime_us)
    }

    /// Counts a failure, and decides.
    pub(super) fn failure(
        &mut self,
        jail: &Jail,
        host: Host,
        at: Time,
        origin: Origin,
    ) -> Option<Decided> {
        let Self { judge, past, .. } = self;
        let weight = past.weight(jail, &host, at);
        let length = |host: &Host, at| past.length(jail, host, at);
        let decision = judge.failure_lasting(host, at, weight, length)?;
        let Decision { host, at, until, failures, .. } = decision;
        past.add(&host, at);
        let jail = jail.name.clone();
        Some(Decided::new(Ban { host, jail, at, until, origin, failures, ended: None }))
    }
}

impl Decided {
    pub(super) fn new(ban: Ban) -> Self {
        Self { ban }
    }

    /// Who is going to be banned.
    pub(super) fn host(&self) -> &Host {
        &self.ban.host
    }

    /// Asks whether the jail ignores the host; never waits.
    pub(super) fn ask(&self, jail: &Jail, now: Time) {
        jail.ignore.ask_about_host(&self.ban.host, now);
    }

    /// Whether that is not known yet.
    pub(super) fn is_open(&self, jail: &Jail) -> bool {
        jail.ignore.is_host_open(&self.ban.host)
    }

    /// The ban, unless the jail ignores the host; waits for the answer if it must.
    pub(super) fn ban(self, jail: &Jail, now: Time) -> Option<Ban> {
        Some(self.ban).filter(|ban| !jail.ignore.ignores_host(&ban.host, now))
    }
}

/// The failures of a line that can be decided: one without a time can't, and half a line may name half an address;
/// it counts once it is whole.
pub(super) fn failures(line: &Match) -> impl Iterator<Item = (Time, &Host)> {
    let at = line.time.filter(|_| !line.is_unfinished);
    at.into_iter().flat_map(|at| line.failures.iter().map(move |host| (at, host)))
}
