//! The failures of one jail become bans: what it knows of the past, and the judge.
//!
//! The same for a batch that was just stored and for failures of several logs, put in order of time first. A
//! decision is not yet a ban: whoever is about to be banned is looked for once more in all that the jail
//! ignores, and that may take long ([`Decided::is_open`]).

use std::collections::HashSet;

use super::jail::Jail;
use super::past::Past;
use crate::decide::{Decision, Judge};
use crate::model::{Ban, EndReason, Host, Match, Origin, Prolongation, Time};
use crate::store::{Batch, LogId, Reader, StoreError};

/// Decides the bans of one jail.
pub(super) struct Deciding {
    judge: Judge<Host>,
    past: Past,
    /// The failures of other logs were counted up to here.
    counted_to: Time,
}

/// What becomes of a host, if the jail doesn't ignore it after all.
pub(super) enum Decided {
    /// It is banned.
    Ban(Ban),
    /// It is banned for longer.
    Longer(Prolongation),
}

/// What was decided of hosts.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) bans: Vec<Ban>,
    /// Of these bans or earlier ones.
    pub(super) longer: Vec<Prolongation>,
    /// Who was found out to be ignored.
    pub(super) ignored: Vec<Host>,
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
        let (mut bans, mut lifted) = (Vec::new(), Vec::new());
        store.each_reaching(&jail.name, first, |ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            if let Some((at, EndReason::Unbanned | EndReason::Replaced)) = ban.ended {
                lifted.push((ban.host.clone(), at));
            }
            bans.push((ban.host, ban.at, end));
            Ok::<_, StoreError>(())
        })?;
        let mut judge = Judge::with_bans(jail.rule, bans);
        for (host, at) in lifted {
            judge.lifted(host, at);
        }
        let mut deciding = Self { judge, past, counted_to: first };
        if jail.name.is_empty() {
            return Ok(deciding);
        }
        let window = first.plus_micros(-jail.rule.findtime_us);
        for (at, host) in store.failures_between(&jail.name, window, first, &[])? {
            let weight = deciding.past.weight(jail, &host, at);
            deciding.judge.count(host, at, weight);
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
        let Decision { host, at, until, failures, prolongs, .. } = decision;
        let jail = jail.name.clone();
        let Some(ban) = prolongs else {
            past.add(&host, at);
            return Some(Decided::Ban(Ban {
                host,
                jail,
                at,
                until,
                origin,
                failures,
                ended: None,
            }));
        };
        let (ban_at, until_before) = (ban.at, ban.until);
        Some(Decided::Longer(Prolongation {
            host,
            jail,
            ban_at,
            at,
            until_before,
            until,
            origin,
            failures,
        }))
    }
}

impl Decided {
    /// Who is going to be banned.
    pub(super) fn host(&self) -> &Host {
        match self {
            Self::Ban(ban) => &ban.host,
            Self::Longer(longer) => &longer.host,
        }
    }

    /// When the ban begins, and when its time is over then.
    pub(super) fn span(&self) -> (Time, Option<Time>) {
        match self {
            Self::Ban(ban) => (ban.at, ban.until),
            Self::Longer(longer) => (longer.ban_at, longer.until),
        }
    }

    /// Asks whether the jail ignores the host; never waits.
    pub(super) fn ask(&self, jail: &Jail, now: Time) {
        jail.ignore.ask_about_host(self.host(), now);
    }

    /// Takes those of whom all is known from `open`, after asking about all of them; never waits.
    pub(super) fn answered(open: &mut Vec<Self>, jail: &Jail, now: Time) -> Verdicts {
        for decided in open.iter() {
            decided.ask(jail, now);
        }
        let (mut waiting, mut known) = (Vec::new(), Vec::new());
        let mut hosts = HashSet::new();
        for decided in open.drain(..) {
            // The answer may come right now: what makes a ban longer is not taken before the ban.
            if hosts.contains(decided.host()) || jail.ignore.is_host_open(decided.host()) {
                hosts.insert(decided.host().clone());
                waiting.push(decided);
            } else {
                known.push(decided);
            }
        }
        *open = waiting;
        Self::verdicts(known, jail, now)
    }

    /// What becomes of hosts that the jail doesn't ignore; waits for the answers if it must.
    pub(super) fn verdicts(decided: Vec<Self>, jail: &Jail, now: Time) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for decided in decided {
            if jail.ignore.ignores_host(decided.host(), now) {
                verdicts.ignored.push(decided.host().clone());
                continue;
            }
            match decided {
                Self::Ban(ban) => verdicts.bans.push(ban),
                Self::Longer(longer) => verdicts.longer.push(longer),
            }
        }
        verdicts
    }
}

impl Verdicts {
    /// Stores them; `longer` is from then on what was not known.
    pub(super) fn store(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        if !self.bans.is_empty() {
            batch.add_bans(&self.bans)?;
        }
        if !self.longer.is_empty() {
            self.longer = batch.prolong(&self.longer)?;
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bans.is_empty() && self.longer.is_empty()
    }
}

/// The failures of a line that can be decided: one without a time can't, and half a line may name half an address;
/// it counts once it is whole.
pub(super) fn failures(line: &Match) -> impl Iterator<Item = (Time, &Host)> {
    let at = line.time.filter(|_| !line.is_unfinished);
    at.into_iter().flat_map(|at| line.failures.iter().map(move |host| (at, host)))
}
