//! The failures of one jail become bans: what it knows of the past, and the judge.
//!
//! The same for a batch that was just stored and for failures of several logs, put in order of time first. A
//! decision is not yet a ban: whoever is about to be banned is looked for once more in all that the jail
//! ignores, and that may take long ([`Decided::is_open`]).

use super::jail::Jail;
use super::past::Past;
use crate::decide::{Decision, Judge};
use crate::model::{Ban, Host, Match, Origin, Time};
use crate::store::{Reader, StoreError};

/// Decides the bans of one jail.
pub(super) struct Deciding {
    judge: Judge<Host>,
    past: Past,
}

/// A ban, if the jail doesn't ignore the host after all.
pub(super) struct Decided {
    ban: Ban,
}

impl Deciding {
    /// With no past.
    pub(super) fn new(jail: &Jail) -> Self {
        Self { judge: Judge::new(jail.rule), past: Past::default() }
    }

    /// With what the store knows that can still matter to failures from `first` on: bans that reach so far, and
    /// the failures of the `findtime` before. Bans that these alone lead to were decided when they were read.
    pub(super) fn warm(jail: &Jail, store: &Reader, first: Time) -> Result<Self, StoreError> {
        let past = Past::of(jail, store)?;
        let mut bans = Vec::new();
        store.each_reaching(&jail.name, first, |ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            bans.push((ban.host, ban.at, end));
            Ok::<_, StoreError>(())
        })?;
        let mut deciding = Self { judge: Judge::with_bans(jail.rule, bans), past };
        let window = first.plus_micros(-jail.rule.findtime_us);
        store.each_failure(&jail.name, window, first, |host, at| {
            let weight = deciding.past.weight(jail, host, at);
            let _ = deciding.judge.failure(host.clone(), at, weight);
            Ok::<_, StoreError>(())
        })?;
        Ok(deciding)
    }

    /// Counts a failure, and decides.
    pub(super) fn failure(
        &mut self,
        jail: &Jail,
        host: Host,
        at: Time,
        origin: Origin,
    ) -> Option<Decided> {
        let Self { judge, past } = self;
        let weight = past.weight(jail, &host, at);
        let length = |host: &Host, at| past.length(jail, host, at);
        let decision = judge.failure_lasting(host, at, weight, length)?;
        let Decision { host, at, until, failures, .. } = decision;
        past.add(&host, at);
        let jail = jail.name.clone();
        Some(Decided { ban: Ban { host, jail, at, until, origin, failures, ended: None } })
    }
}

impl Decided {
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
