//! What is read of logs as they are written: into the store with how far that is, and into decisions.
//!
//! Everything that was read at a time is one transaction: lines, matches and failures, the bans that they lead to, and
//! the positions behind what was read. So whoever is killed has read all of it or nothing, and each line counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::deciding::{Verdicts, failures};
use super::super::ignore::IgnoredBy;
use super::super::jail::Jail;
use super::super::watching::{Verdict, Watching};
use super::found::{introduce, write};
use super::uncarried::Pending;
use crate::model::{Ban, Host, Matches, Origin, Prolongation, Time};
use crate::store::{
    Batch, FilterId, JailId, LogId, LogPosition, Position, Reader, Scanned, Store, StoreError,
};

/// A line that was just written has the time of writing, give or take this much; fail2ban's limit.
const PUNCTUAL_US: i64 = 60_000_000;
/// DIFFERS: fail2ban takes a line of any age for one of now if it was just written. A log that is restored from a backup,
/// or copied, bans no one here.
const LATE_MAX_US: i64 = 86_400_000_000;

/// What a host did before a findtime goes into the rate at which it fails: where a process begins, so many findtimes are
/// counted anew, or who fails slowly would begin anew with every batch.
const WARM_FINDTIMES: i64 = 4;

/// The jails that follow logs, and what they know.
pub struct Pursuit {
    jails: Vec<Pursuing>,
    origin: Origin,
}

/// A jail that follows logs.
struct Pursuing {
    jail: Arc<Jail>,
    /// Its filter and itself in the store.
    ids: Option<(FilterId, JailId)>,
    watching: Watching,
    /// Failures that the store knows count from here on; `None` before the first.
    is_warm: bool,
}

/// How far was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// To a place in the log.
    Place(Position),
    /// To an entry of a journal.
    Entry {
        /// Which journal.
        journal: String,
        /// As systemd names the entry.
        cursor: String,
        /// When it was received.
        received: Time,
    },
}

/// What was read of a log.
#[derive(Debug)]
pub struct Stretch {
    /// Of which.
    pub log: LogId,
    /// What jails, by their place, matched in it.
    pub found: Vec<(usize, Matches)>,
    /// How far it goes.
    pub end: Reached,
    /// The jails that have read it, by their place.
    pub readers: Vec<usize>,
    /// Whether it was just written: then its lines are of now, whatever they say.
    pub is_live: bool,
}

/// What came of what was read.
#[derive(Debug, Default)]
pub struct Pursued {
    /// Failures, in the order in which they count: the jail's place, the host, when by the log.
    pub failures: Vec<(usize, Host, Time)>,
    /// Who is ignored and has failed, in which jail by its place, and by which of its rules.
    pub ignored: Vec<(usize, Host, IgnoredBy)>,
    /// Bans that were made.
    pub made: Vec<Ban>,
    /// Bans whose time was over.
    pub ended: Vec<Ban>,
    /// Who would have been banned, in which jail by its place, if he weren't, and for how long he has been, in
    /// microseconds.
    pub already: Vec<(usize, Host, i64)>,
    /// What made bans longer.
    pub longer: Vec<Prolongation>,
    /// Jails, by their place, whose lines are of another time than they were written at, and how far off in
    /// microseconds: negative if they are late.
    pub odd: Vec<(usize, i64)>,
}

impl Pursuit {
    /// Of `jails`.
    pub fn new(jails: &[Arc<Jail>], origin: Origin) -> Self {
        let pursuing = |jail: &Arc<Jail>| Pursuing {
            jail: Arc::clone(jail),
            ids: None,
            watching: Watching::new(jail),
            is_warm: false,
        };
        Self { jails: jails.iter().map(pursuing).collect(), origin }
    }

    /// Counts what the store knows of a jail's failures that can still matter at `now`, but for those that are going to
    /// be read in one of `logs`.
    pub fn warm(
        &mut self,
        jail: usize,
        store: &Reader,
        logs: &[LogPosition],
        now: Time,
    ) -> Result<(), StoreError> {
        let Pursuing { jail, watching, is_warm, .. } = &mut self.jails[jail];
        if std::mem::replace(is_warm, true) {
            return Ok(());
        }
        let findtime_us = jail.rule.findtime_us;
        let since = now.plus_micros(-findtime_us.saturating_mul(WARM_FINDTIMES));
        let mut failures = store.failures_since(&jail.name, since, logs)?;
        for (at, _) in &mut failures {
            *at = now.min(*at);
        }
        let undecided_since = now.plus_micros(-findtime_us);
        watching.warm(jail, store, failures, undecided_since, self.origin)
    }

    /// Whether a decision waits for an answer: it is taken the next time something is stored.
    pub fn is_open(&self) -> bool {
        self.jails.iter().any(|jail| jail.watching.is_open())
    }

    /// Stores what was read, as of `now`, and decides; which changes of jails were pending before and after that.
    pub(super) fn take(
        &mut self,
        store: &mut Store,
        stretches: &[Stretch],
        now: Time,
    ) -> Result<(Pursued, [Pending; 2]), StoreError> {
        for pursuing in &mut self.jails {
            if pursuing.ids.is_none() {
                pursuing.ids = Some(introduce(&pursuing.jail, store)?);
            }
        }
        store.transact(|batch| {
            let before = batch.reader().pending()?;
            let mut pursued = Pursued { ended: batch.end_expired(now)?, ..Pursued::default() };
            for stretch in stretches {
                self.store(batch, stretch, now, &mut pursued)?;
            }
            self.decide(batch, now, &mut pursued)?;
            // Bans that are over by now ended when they were to.
            let ended = batch.end_expired(now)?;
            pursued.end(ended);
            Ok((pursued, [before, batch.reader().pending()?]))
        })
    }

    fn store(
        &mut self,
        batch: &mut Batch<'_>,
        stretch: &Stretch,
        now: Time,
        pursued: &mut Pursued,
    ) -> Result<(), StoreError> {
        let origin = self.origin;
        for (place, matches) in &stretch.found {
            let Some((filter, jail)) = self.jails[*place].ids else { continue };
            let source = Scanned { log: stretch.log, filter, jail, origin };
            write(batch, source, std::iter::once(matches))?;
            for (at, host) in matches.lines.iter().flat_map(failures) {
                let off_us = at.micros().saturating_sub(now.micros());
                let is_odd = stretch.is_live && off_us.abs() > PUNCTUAL_US;
                if is_odd && !pursued.odd.iter().any(|(known, _)| known == place) {
                    pursued.odd.push((*place, off_us));
                }
                if let Some(at) = counted_at(at, now, stretch.is_live) {
                    pursued.failures.push((*place, host.clone(), at));
                }
            }
            for line in &matches.lines {
                let counts = |at| counted_at(at, now, stretch.is_live).is_some();
                if line.time.is_some_and(counts) && !line.is_unfinished {
                    pursued.spare(*place, &self.jails[*place].jail, &line.ignored);
                }
            }
        }
        for place in &stretch.readers {
            let jail = &self.jails[*place].jail.name;
            match &stretch.end {
                Reached::Place(position) => {
                    batch.set_position(jail, stretch.log, *position, now)?;
                }
                Reached::Entry { journal, cursor, received } => {
                    batch.set_cursor(jail, journal, cursor, *received)?;
                }
            }
        }
        Ok(())
    }

    fn decide(
        &mut self,
        batch: &mut Batch<'_>,
        now: Time,
        pursued: &mut Pursued,
    ) -> Result<(), StoreError> {
        // Of several logs, what happened first counts first.
        pursued.failures.sort_by_key(|(.., at)| *at);
        let failures = std::mem::take(&mut pursued.failures);
        for (place, host, at) in &failures {
            let Pursuing { jail, watching, .. } = &mut self.jails[*place];
            let (reader, host) = (batch.reader(), host.clone());
            match watching.failure(jail, reader, host.clone(), *at, self.origin)? {
                Verdict::Counted => {}
                Verdict::AlreadyBanned { since, is_longer } => {
                    pursued.already.push((*place, host, at.micros() - since.micros()));
                    if is_longer {
                        pursued.take(*place, jail, watching.answered(jail, now), batch)?;
                    }
                }
                // At once: whether he is banned is asked of the store at his next failure.
                Verdict::Decided => {
                    pursued.take(*place, jail, watching.answered(jail, now), batch)?;
                }
            }
        }
        pursued.failures = failures;
        for (place, Pursuing { jail, watching, .. }) in self.jails.iter_mut().enumerate() {
            if watching.is_open() {
                pursued.take(place, jail, watching.answered(jail, now), batch)?;
            }
        }
        Ok(())
    }
}

impl Pursued {
    /// Stores what was decided in a jail.
    fn take(
        &mut self,
        place: usize,
        jail: &Jail,
        mut verdicts: Verdicts,
        batch: &mut Batch<'_>,
    ) -> Result<(), StoreError> {
        verdicts.store(batch)?;
        self.spare(place, jail, &verdicts.ignored);
        self.made.extend(verdicts.bans);
        self.longer.extend(verdicts.longer);
        Ok(())
    }

    /// Tells whom a jail ignores.
    fn spare(&mut self, place: usize, jail: &Jail, hosts: &[Host]) {
        let by = |host: &Host| Some((place, host.clone(), jail.ignore.ignored_by(host)?));
        self.ignored.extend(hosts.iter().filter_map(by));
    }

    /// Whether no ban was made, is over, or lasts longer.
    pub fn is_of_no_ban(&self) -> bool {
        self.made.is_empty() && self.ended.is_empty() && self.longer.is_empty()
    }

    /// The bans that are over in the end. One that was over when this began, and lasts longer by what was read, may be
    /// in force again; and one that is over long since may have lasted longer than was known: of neither it is told that
    /// it has ended just now.
    fn end(&mut self, ended: Vec<Ban>) {
        if self.longer.is_empty() {
            self.ended.extend(ended);
            return;
        }
        let key = |ban: &Ban| (ban.jail.clone(), ban.host.clone(), ban.at);
        let keys = |bans: &[Ban]| bans.iter().map(key).collect::<BTreeSet<_>>();
        let ends = self.longer.iter();
        let ends = ends.map(|of| ((of.jail.clone(), of.host.clone(), of.ban_at), of.until));
        let ends: BTreeMap<_, _> = ends.collect();
        let (just_now, made) = (keys(&self.ended), keys(&self.made));
        self.ended.retain(|ban| !ends.contains_key(&key(ban)));
        let is_new = |ban: &Ban| {
            let key = key(ban);
            !ends.contains_key(&key) || just_now.contains(&key) || made.contains(&key)
        };
        self.ended.extend(ended.into_iter().filter(is_new));
        for ban in &mut self.made {
            ban.until = ends.get(&key(ban)).copied().unwrap_or(ban.until);
        }
    }
}

/// When a failure counts that a log says to be of `at`; `None` for never.
///
/// As in fail2ban: nothing is of the future, and what was just written is of now even if its log is in another zone.
/// DIFFERS: what was written while nobody looked is of its own time, however long ago; fail2ban leaves out what is older
/// than findtime. So a host that guessed passwords meanwhile is banned as it would have been.
fn counted_at(at: Time, now: Time, is_live: bool) -> Option<Time> {
    let late_us = now.micros().saturating_sub(at.micros());
    match late_us {
        ..=0 => Some(now),
        _ if !is_live || late_us <= PUNCTUAL_US => Some(at),
        _ if late_us <= LATE_MAX_US => Some(now),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_at_its_time_or_now_or_never() {
        let (now, at) = (Time::from_secs(1_000_000), |late: i64| Time::from_secs(1_000_000 - late));
        let counted = |late, is_live| counted_at(at(late), now, is_live);
        for is_live in [true, false] {
            assert_eq!(counted(-3600, is_live), Some(now));
            assert_eq!(counted(60, is_live), Some(at(60)));
        }
        assert_eq!(counted(61, true), Some(now));
        assert_eq!(counted(86_401, true), None);
        assert_eq!(counted(86_401, false), Some(at(86_401)));
    }
}
