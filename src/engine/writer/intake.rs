//! The matches of a scan: into the store, and their failures into decisions.
//!
//! A batch is one transaction: large enough that the store is fast, small enough that little has to be read
//! again after an interruption. Lines, matches and failures of a batch are stored together or not at all, and
//! with them the bans that they lead to; storing one twice changes nothing.
//!
//! Where a jail has several logs, a host may fail in both at once, so its failures are put in order of time
//! first, and decided when all are read. A crash in between loses no ban: the next scan of these logs decides
//! the same.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use super::super::deciding::{Decided, Deciding, Verdicts, failures};
use super::super::jail::Jail;
use super::super::line::may_be_cut;
use super::super::outcome::LogInfo;
use super::found::{introduce, write};
use crate::model::{Ban, Host, Matches, Origin, Prolongation, Time};
use crate::store::{Batch, FilterId, JailId, LogId, Reader, Scanned, Store, StoreError, Written};

/// Matches from which a batch is written, and from how many if that takes long.
const BATCH_MATCHES: usize = 100_000;
const BATCH_MATCHES_LEAST: usize = 5_000;

/// Writing a batch is to take no longer: who bans somebody meanwhile waits for it, and gives up after five times that.
const BATCH_TIME: Duration = Duration::from_secs(1);

/// Bytes of their lines from which on a batch is written before it has so many.
const BATCH_BYTES: usize = 64 << 20;

/// When the bans of a jail are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decides {
    /// Nobody is banned.
    Never,
    /// With each batch, as a daemon would: the jail has one log.
    AtOnce,
    /// When all logs are read, in the order of time.
    AtTheEnd,
}

/// What became of a jail's matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How much was new in the store; nothing without one.
    pub written: Written,
    /// The bans that were decided.
    pub bans: Vec<Ban>,
    /// What made these or earlier bans longer, and was not known.
    pub longer: Vec<Prolongation>,
}

/// The way of matches into a store, or only to decisions.
pub struct Intake {
    jails: Vec<Attended>,
    origin: Origin,
    now: Time,
    log: Option<(LogInfo, LogId)>,
    /// The last line that is known of the log: it may turn out to have been half a line.
    last: Option<(u64, Vec<u8>)>,
    /// Matches by jail that are not stored yet.
    waiting: Vec<(usize, Matches)>,
    waiting_lines: usize,
    waiting_bytes: usize,
    /// Matches from which they are written.
    batch_matches: usize,
    /// Bans that were found over and sealed.
    expired: u64,
    /// Who takes apart what was stored, which is work, and this thread is the one that all wait for.
    spent: Sender<Spent>,
}

/// Matches by jail that are stored.
pub(super) type Spent = Vec<(usize, Matches)>;

/// A jail whose matches are taken.
struct Attended {
    jail: Arc<Jail>,
    decides: Decides,
    /// Its filter and itself in the store.
    ids: Option<(FilterId, JailId)>,
    deciding: Option<Deciding>,
    /// The logs of which it was given matches.
    logs: Vec<LogId>,
    /// What is decided when all logs are read.
    failures: Vec<(Time, Host)>,
    /// Decisions, as long as questions about the host are open.
    open: Vec<Decided>,
    settled: Settled,
}

impl Intake {
    /// For these jails, as of `now`.
    pub fn new(
        jails: impl IntoIterator<Item = (Arc<Jail>, Decides)>,
        origin: Origin,
        now: Time,
    ) -> Self {
        let attended = |(jail, decides)| Attended {
            jail,
            decides,
            ids: None,
            deciding: None,
            logs: Vec::new(),
            failures: Vec::new(),
            open: Vec::new(),
            settled: Settled::default(),
        };
        Self {
            jails: jails.into_iter().map(attended).collect(),
            origin,
            now,
            log: None,
            last: None,
            waiting: Vec::new(),
            waiting_lines: 0,
            waiting_bytes: 0,
            batch_matches: BATCH_MATCHES,
            expired: 0,
            // Nobody, until somebody wants it.
            spent: mpsc::channel().0,
        }
    }

    /// Has what was stored sent to `spent`.
    pub(super) fn set_spent(&mut self, spent: Sender<Spent>) {
        self.spent = spent;
    }

    /// Takes matches of a jail. Those of a log without an identity (a literal line) are decided and not kept.
    pub(super) fn take(
        &mut self,
        store: &mut Store,
        log: &LogInfo,
        jail: usize,
        matches: Matches,
    ) -> Result<(), StoreError> {
        let Some(head) = &log.head else {
            self.take_unstored(jail, &matches);
            return Ok(());
        };
        if self.log.as_ref().is_none_or(|(known, _)| known.name != log.name) {
            self.flush(store)?;
            let look =
                |offset, len| if log.is_plain { at(&log.name, offset, len) } else { Vec::new() };
            let id = store.log_at_hand(head, &log.name, self.now, &look)?;
            self.last = store.last_line(id)?;
            self.log = Some((log.clone(), id));
            self.replace_line_that_goes_on(store)?;
        }
        let matches = self.replace_half_line(store, matches)?;
        self.waiting_lines += matches.lines.len();
        self.waiting_bytes += matches.texts.len();
        self.waiting.push((jail, matches));
        let is_full = self.waiting_lines >= self.batch_matches || self.waiting_bytes >= BATCH_BYTES;
        if is_full { self.flush(store) } else { Ok(()) }
    }

    /// Takes matches that are only decided.
    pub fn take_unstored(&mut self, jail: usize, matches: &Matches) {
        self.jails[jail].gather(matches);
    }

    /// Decides what was taken without a store. What became of each jail's matches, in their order.
    pub fn finish_unstored(mut self) -> Vec<Settled> {
        // Without a store there is nothing that could fail.
        let _ = self.decide_rest(None);
        self.settle(|_| Ok(())).unwrap_or_default()
    }

    /// Stores what is waiting, decides what is left to decide, and waits for the answers to the last questions.
    /// What became of each jail's matches, in their order, and how many bans were found over and sealed.
    pub(super) fn finish(mut self, store: &mut Store) -> Result<(Vec<Settled>, u64), StoreError> {
        self.flush(store)?;
        self.decide_rest(Some(store.reader()))?;
        let (mut expired, now) = (self.expired, self.now);
        let settled = self.settle(|verdicts| {
            expired += store.transact(|batch| {
                verdicts.store(batch)?;
                batch.expire(now)
            })?;
            Ok(())
        })?;
        Ok((settled, expired))
    }

    fn decide_rest(&mut self, store: Option<&Reader>) -> Result<(), StoreError> {
        let origin = self.origin;
        self.jails.iter_mut().try_for_each(|attended| attended.decide_gathered(store, origin))
    }

    /// Waits for the answers to what is still open and hands what became of them to `keep`. All is asked before one answer is
    /// waited for, and nobody waits while the store is locked.
    fn settle(
        self,
        mut keep: impl FnMut(&mut Verdicts) -> Result<(), StoreError>,
    ) -> Result<Vec<Settled>, StoreError> {
        for Attended { jail, open, .. } in &self.jails {
            for decided in open {
                decided.ask(jail, self.now);
            }
        }
        let mut all = Vec::with_capacity(self.jails.len());
        for Attended { jail, open, mut settled, .. } in self.jails {
            let mut verdicts = Decided::verdicts(open, &jail, self.now);
            if !verdicts.is_empty() {
                keep(&mut verdicts)?;
                settled.add(verdicts);
            }
            settled.prolong();
            all.push(settled);
        }
        Ok(all)
    }

    /// Forgets the last line that was known if the file shows that it went on.
    fn replace_line_that_goes_on(&mut self, store: &mut Store) -> Result<(), StoreError> {
        let (Some((log, id)), Some((offset, text))) = (&self.log, &self.last) else {
            return Ok(());
        };
        if log.is_plain && !may_be_cut(text) && goes_on(&log.name, *offset + text.len() as u64) {
            store.forget_line(*id, *offset)?;
            self.last = None;
        }
        Ok(())
    }

    /// Forgets the last line that was known if it goes on now: its log ended in the middle of it. A line that is
    /// another one is not taken: somebody has changed the log behind what is known of it, and what is stored stays.
    fn replace_half_line(
        &mut self,
        store: &mut Store,
        mut matches: Matches,
    ) -> Result<Matches, StoreError> {
        let (Some((_, id)), Some((offset, text))) = (&self.log, &self.last) else {
            return Ok(matches);
        };
        let found = matches.lines.binary_search_by_key(offset, |line| line.place.offset);
        if let Ok(found) = found
            && matches.text(&matches.lines[found]) != text
        {
            if matches.text(&matches.lines[found]).starts_with(without_half_character(text)) {
                store.forget_line(*id, *offset)?;
                self.last = None;
            } else {
                matches.lines.remove(found);
            }
        }
        Ok(matches)
    }

    /// One transaction: what is waiting, and what it leads to.
    fn flush(&mut self, store: &mut Store) -> Result<(), StoreError> {
        let Some((_, log)) = self.log else { return Ok(()) };
        let mut waiting = std::mem::take(&mut self.waiting);
        (self.waiting_lines, self.waiting_bytes) = (0, 0);
        if waiting.is_empty() {
            return Ok(());
        }
        for attended in &mut self.jails {
            if attended.ids.is_none() {
                attended.ids = Some(introduce(&attended.jail, store)?);
            }
        }
        let begun = Instant::now();
        let Self { jails, origin, now, expired, .. } = self;
        // Many records at once are quicker than as many in the order of their coming.
        waiting.sort_by_key(|(jail, _)| *jail);
        store.transact(|batch| {
            *expired += batch.expire(*now)?;
            for of_jail in waiting.chunk_by(|(a, _), (b, _)| a == b) {
                jails[of_jail[0].0].store(batch, log, of_jail, *origin, *now)?;
            }
            // Bans that are over by now ended when they were to.
            *expired += batch.expire(*now)?;
            Ok::<_, StoreError>(())
        })?;
        self.batch_matches = after_batch(self.batch_matches, begun.elapsed());
        // If nobody wants it any more, it is taken apart here.
        let _ = self.spent.send(waiting);
        Ok(())
    }
}

impl Attended {
    fn store(
        &mut self,
        batch: &mut Batch<'_>,
        log: LogId,
        matches: &[(usize, Matches)],
        origin: Origin,
        now: Time,
    ) -> Result<(), StoreError> {
        let Some((filter, jail)) = self.ids else { return Ok(()) };
        let written = {
            let matches = matches.iter().map(|(_, matches)| matches);
            write(batch, Scanned { log, filter, jail, origin }, matches)?
        };
        if !self.logs.contains(&log) {
            self.logs.push(log);
        }
        self.settled.written.matches += written.matches;
        self.settled.written.failures += written.failures;
        self.settled.written.displaced += written.displaced;
        for (_, matches) in matches {
            self.gather(matches);
        }
        if self.decides == Decides::AtOnce {
            let failures = std::mem::take(&mut self.failures);
            self.decide(failures, Some(batch.reader()), origin)?;
            let mut verdicts = Decided::answered(&mut self.open, &self.jail, now);
            verdicts.store(batch)?;
            self.settled.add(verdicts);
        }
        Ok(())
    }

    fn gather(&mut self, matches: &Matches) {
        if self.decides != Decides::Never {
            let all = matches.lines.iter().flat_map(failures);
            self.failures.extend(all.map(|(at, host)| (at, host.clone())));
        }
    }

    /// Decides what was gathered from several logs, and what of others lies behind it.
    fn decide_gathered(
        &mut self,
        store: Option<&Reader>,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let failures = std::mem::take(&mut self.failures);
        self.decide(failures, store, origin)?;
        let (Some(deciding), Some(store)) = (&mut self.deciding, store) else { return Ok(()) };
        let end = deciding.end(&self.jail);
        for (at, host) in deciding.others(&self.jail, store, &self.logs, end)? {
            self.open.extend(deciding.failure(&self.jail, host, at, origin));
        }
        Ok(())
    }

    /// Decides failures in the order of time, which a log need not keep: those of another hour are not to count as
    /// late ones of this, and a log is to be decided alone as it is among others.
    fn decide(
        &mut self,
        mut failures: Vec<(Time, Host)>,
        store: Option<&Reader>,
        origin: Origin,
    ) -> Result<(), StoreError> {
        failures.sort_by_key(|(at, _)| *at);
        let (Some((first, _)), Some((last, _))) = (failures.first(), failures.last()) else {
            return Ok(());
        };
        let (first, last) = (*first, *last);
        let Self { jail, deciding, open, logs, .. } = self;
        if deciding.is_none() {
            *deciding = Some(match store {
                Some(store) => Deciding::warm(jail, store, first)?,
                None => Deciding::new(jail, first),
            });
        }
        let Some(deciding) = deciding else { return Ok(()) };
        if let Some(store) = store {
            failures.extend(deciding.others(jail, store, logs, last.plus_micros(1))?);
            failures.sort_by_key(|(at, _)| *at);
        }
        for (at, host) in failures {
            open.extend(deciding.failure(jail, host, at, origin));
        }
        Ok(())
    }
}

impl Settled {
    fn add(&mut self, verdicts: Verdicts) {
        self.bans.extend(verdicts.bans);
        self.longer.extend(verdicts.longer);
    }

    /// Has the bans end when they do by now.
    fn prolong(&mut self) {
        if self.longer.is_empty() {
            return;
        }
        let ends: HashMap<_, _> = self
            .longer
            .iter()
            .map(|longer| ((&longer.host, longer.ban_at), longer.until))
            .collect();
        for ban in &mut self.bans {
            if let Some(until) = ends.get(&(&ban.host, ban.at)) {
                ban.until = *until;
            }
        }
    }
}

/// From how many matches on the next batch is written, after one that was written from so many on.
fn after_batch(matches: usize, took: Duration) -> usize {
    if took > BATCH_TIME {
        (matches / 2).max(BATCH_MATCHES_LEAST)
    } else if took < BATCH_TIME / 4 {
        (matches * 2).min(BATCH_MATCHES)
    } else {
        matches
    }
}

/// A text that was decoded, without what stands for the half of a character at its end.
fn without_half_character(text: &[u8]) -> &[u8] {
    text.strip_suffix("\u{fffd}".as_bytes()).unwrap_or(text)
}

/// Up to `len` bytes of a file from `offset` on.
fn at(path: &str, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let read = File::open(path).and_then(|file| file.read_at(&mut bytes, offset)).unwrap_or(0);
    bytes.truncate(read);
    bytes
}

/// Whether the file has more of a line at `end`, where the line ended when it was stored.
fn goes_on(path: &str, end: u64) -> bool {
    !matches!(at(path, end, 2)[..], [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_as_large_as_the_disk_is_fast() {
        let after = |took: u64, batches| {
            let took = Duration::from_millis(took);
            (0..batches).fold(BATCH_MATCHES, |matches, _| after_batch(matches, took))
        };
        assert_eq!(after(100, 3), BATCH_MATCHES);
        assert_eq!(after(2000, 1), BATCH_MATCHES / 2);
        assert_eq!(after(2000, 30), BATCH_MATCHES_LEAST);
        let recovered = (0..9).fold(after(2000, 30), |m, _| after_batch(m, Duration::ZERO));
        assert_eq!(recovered, BATCH_MATCHES);
        assert_eq!(after_batch(20_000, Duration::from_millis(500)), 20_000);
    }
}
