//! Logs as they are written, read by the jails that follow them.
//!
//! A [`Ground`] is what doesn't change until the configuration does: the jails, compiled. A [`Follower`] stands on it and
//! knows the logs: which file each name stands for, how far that was read, what its connections and dates have taught.
//! [`Follower::step`] reads what there is, a bounded part of it, and has it stored with how far that is in one
//! transaction; it never waits, neither for a line nor for an answer. When to call it is for others to say: once a batch,
//! or whenever something happens to one of the files.
//!
//! Nothing that is kept here has to outlive the process. How far jails have read, and which failures count, is in the
//! store; what the lines before taught is learnt again from them ([`generation`]). What was rotated away before it was
//! read to its end is looked for, and read first ([`start`]).

mod attempt;
mod bans;
mod entries;
mod followed;
mod generation;
mod lines;
mod resume;
mod start;
mod step;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;

use typed_arena::Arena;

use self::bans::Bans;
use self::entries::Entries;
use self::followed::{Followed, Next};
use self::generation::Generation;
use self::lines::Lines;
pub use self::resume::{Resumed, reached, resume};
use self::start::{Of, Start, StartError};
pub use self::step::{Counts, Event, News, Standing, Step};
use super::jail::Jail;
use super::lookup::Names;
use super::own_log::Shown;
use super::set::JailSet;
use super::wanted::{Manner, Wanted};
use super::writer::{Pursuit, Stretch, Writer};
use crate::filter::Mode;
use crate::model::{Clock, Origin, Time, Zone};
use crate::source::journal::{End, Journal, JournalPlace, Match};
use crate::store::{LogId, LogPosition, StoreError};

/// So much of a log is read in a step, so that one that has grown far doesn't hold up the others.
const STEP_BYTES: u64 = 8 << 20;
/// So many matches are held in a step, give or take those of a block; then they are stored first. The lines of a log under
/// attack that many jails read take a hundred times as much memory as they do in the file.
const STEP_MATCHES: usize = 20_000;
/// After so many bytes without a match how far a log was read is stored all the same.
const UNSTORED_MAX_BYTES: u64 = 8 << 20;

/// DIFFERS: fail2ban follows them.
const WIDE: &str = "logs in UTF-16 are not followed; f2b scan reads them";

/// What a follower stands on.
pub struct Ground {
    jails: Vec<Arc<Jail>>,
    names: Names,
    zone: Zone,
    sets: Arena<JailSet>,
}

/// What a jail reads of a log of which it has read nothing before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What was written within its findtime.
    Findtime,
    /// All of it.
    All,
    /// What is written from now on.
    Tail,
}

/// The logs of some jails.
pub struct Follower<'g> {
    ground: &'g Ground,
    sets: Vec<&'g JailSet>,
    logs: Vec<Followed<'g>>,
    /// The one that is read first in the next step: where the last had no room for more.
    next: usize,
    journals: Vec<Entries<'g>>,
    bans: Vec<Bans<'g>>,
    pursuit: Pursuit,
    /// Whether what comes into being from now on is looked at as it is written.
    has_begun: bool,
}

impl Ground {
    /// These jails; times without a zone are of `zone`.
    pub fn new(jails: Vec<Arc<Jail>>, zone: Zone) -> Self {
        Self { jails, names: Names::default(), zone, sets: Arena::new() }
    }

    /// The jails.
    pub fn jails(&self) -> &[Arc<Jail>] {
        &self.jails
    }

    /// What is wanted of lines, as of `now`.
    fn wanted(&self, now: Time) -> Wanted {
        Wanted {
            mode: Mode::First,
            manner: Manner::F2b,
            zone: self.zone,
            now,
            limits: super::SampleLimits::default(),
            matches: true,
            hits: false,
            bans: true,
        }
    }
}

impl<'g> Follower<'g> {
    /// No logs yet.
    pub fn new(ground: &'g Ground, origin: Origin) -> Self {
        let pursuit = Pursuit::new(&ground.jails, origin);
        Self {
            ground,
            sets: Vec::new(),
            logs: Vec::new(),
            next: 0,
            journals: Vec::new(),
            bans: Vec::new(),
            pursuit,
            has_begun: false,
        }
    }

    /// Follows the log at `path` for the jails at these places; nothing of it is read yet.
    pub fn follow(&mut self, path: &Path, jails: &[usize], reach: Reach) {
        for places in JailSet::split(&self.ground.jails, jails) {
            if self
                .logs
                .iter()
                .any(|log| log.path == path && log.set.places().eq(places.iter().copied()))
            {
                continue;
            }
            let set = self.set(&places);
            self.logs.push(Followed::new(path, set, reach));
        }
    }

    /// Follows a journal for the jail at a place, which wants some of its entries; up to its `end`.
    pub fn follow_journal(
        &mut self,
        place: &JournalPlace,
        jail: usize,
        wanted: Match,
        end: End,
        now: Time,
    ) {
        let set = self.set(&[jail]);
        let known = self.journals.iter().position(|journal| journal.place() == place);
        let at = known.unwrap_or_else(|| {
            self.journals.push(Entries::new(place.clone(), end));
            self.journals.len() - 1
        });
        self.journals[at].add(self.ground, set, jail, wanted, now);
    }

    /// Follows the bans of the store for the jail at a place, which reads of others in f2b's own log.
    pub fn follow_bans(&mut self, jail: usize, shown: Shown, now: Time) {
        let set = self.set(&[jail]);
        self.bans.push(Bans::new(self.ground, set, shown, now));
    }

    /// The journals that are being read, for who waits.
    pub fn journals(&self) -> impl Iterator<Item = &Journal> {
        self.journals.iter().filter_map(Entries::journal)
    }

    fn set(&mut self, places: &[usize]) -> &'g JailSet {
        let known = self.sets.iter().find(|set| set.places().eq(places.iter().copied()));
        if let Some(set) = known {
            return set;
        }
        let set = &*self.ground.sets.alloc(JailSet::new(&self.ground.jails, places));
        self.sets.push(set);
        set
    }

    /// The logs and journals that are followed, and the bans if they are.
    pub fn logs(&self) -> impl Iterator<Item = Standing<'_>> {
        let logs = self.logs.iter().map(Followed::standing);
        let journals = self.journals.iter().map(Entries::standing);
        let bans = self.bans.first().map(|_| bans::standing());
        logs.chain(journals).chain(bans)
    }

    /// The files that are open, which may grow.
    pub fn files(&self) -> impl Iterator<Item = &std::fs::File> {
        self.logs.iter().flat_map(Followed::generations).filter_map(Generation::file)
    }

    /// Opens what is there, and takes from the store what jails know. To be called once, before the first step.
    pub fn begin(&mut self, writer: &mut Writer, now: Time) -> Result<Vec<News>, StoreError> {
        let mut news = Vec::new();
        for at in 0..self.logs.len() {
            // The first step looks again in any case.
            let _ = self.open(at, writer, now, &mut news)?;
        }
        for journal in &mut self.journals {
            journal.begin(self.ground, writer, now)?;
        }
        for bans in &mut self.bans {
            bans.begin(writer.reader(), now)?;
        }
        for jail in 0..self.ground.jails.len() {
            let logs = self.logs.iter().flat_map(Followed::generations);
            let read: Vec<LogPosition> = logs.filter_map(|log| log.position_of(jail)).collect();
            self.pursuit.warm(jail, writer.reader(), &read, now)?;
        }
        for log in self.logs.iter_mut().filter(|log| log.current.is_none()) {
            log.reach = Reach::All;
        }
        self.has_begun = true;
        Ok(news)
    }

    /// Reads, stores and decides what there is; a bounded part of it.
    pub fn step(&mut self, writer: &mut Writer, clock: &dyn Clock) -> Result<Step, StoreError> {
        self.work(writer, clock, false)
    }

    /// The same, and stores how far each log was read, even if nothing was found in it.
    pub fn settle(&mut self, writer: &mut Writer, clock: &dyn Clock) -> Result<Step, StoreError> {
        self.work(writer, clock, true)
    }

    fn work(
        &mut self,
        writer: &mut Writer,
        clock: &dyn Clock,
        all: bool,
    ) -> Result<Step, StoreError> {
        let now = clock.now();
        let mut step = Step::default();
        let mut stretches: Vec<Stretch> = Vec::new();
        let (first, logs) = (std::mem::take(&mut self.next), self.logs.len());
        for at in (first..logs).chain(0..first.min(logs)) {
            if is_full(&stretches) && !all {
                (step.has_more, self.next) = (true, at);
                break;
            }
            step.has_more |= self.open(at, writer, now, &mut step.news)?;
            let log = &mut self.logs[at];
            let mut trouble = None;
            let retired = log.retired.iter_mut().map(|retired| (retired, true));
            for (generation, is_retired) in
                retired.chain(log.current.iter_mut().map(|it| (it, false)))
            {
                let own = stretches.len();
                match generation.read(now, STEP_BYTES, &mut step, &mut stretches) {
                    Ok(has_more) => step.has_more |= has_more,
                    Err(error) => trouble = Some(error.to_string()),
                }
                if stretches.len() > own {
                    generation.identify(&log.path, writer, now, &mut stretches[own..])?;
                }
                // Of one that is about to be forgotten it has to be known that it was read to its end.
                let is_over = is_retired && generation.is_through();
                if all || is_over || generation.unstored_bytes() > UNSTORED_MAX_BYTES {
                    stretches.extend(generation.unstored());
                }
            }
            log.drop_retired();
            if let Some(why) = trouble {
                log.trouble(why, &mut step.news);
            }
        }
        for journal in &mut self.journals {
            journal.read(writer, now, all, &mut step, &mut stretches)?;
        }
        for bans in &mut self.bans {
            bans.read(writer, now, &mut step, &mut stretches)?;
        }
        // What was written since this began is not of the future.
        let now = clock.now();
        step.now = now;
        if !stretches.is_empty() || self.pursuit.is_open() {
            (step.pursued, step.files) = writer.pursue(&mut self.pursuit, &stretches, now)?;
        }
        step.is_open |= self.pursuit.is_open();
        // Who was just banned may be banned for that by a jail that counts bans.
        step.has_more |= !self.bans.is_empty() && !step.pursued.made.is_empty();
        Ok(step)
    }

    /// Looks which file a name stands for, and opens it if it is another than before; whether that has changed meanwhile,
    /// and is to be looked at again at once.
    fn open(
        &mut self,
        at: usize,
        writer: &mut Writer,
        now: Time,
        news: &mut Vec<News>,
    ) -> Result<bool, StoreError> {
        match self.try_open(at, writer, now, news) {
            Ok(has_changed) => Ok(has_changed),
            Err(StartError::Store(error)) => Err(error),
            Err(StartError::Io(error)) => {
                self.logs[at].trouble(error.to_string(), news);
                Ok(false)
            }
        }
    }

    fn try_open(
        &mut self,
        at: usize,
        writer: &mut Writer,
        now: Time,
        news: &mut Vec<News>,
    ) -> Result<bool, StartError> {
        if self.logs[at].set.is_wide() {
            // Where a line ends in what was added can't be told without all that was before.
            return Err(io::Error::other(WIDE).into());
        }
        if self.logs[at].drop_emptied() {
            self.finish(at, writer, now, news)?;
        }
        let log = &mut self.logs[at];
        let growing = match log.next_file(news)? {
            Next::Same => return Ok(false),
            Next::Gone => {
                if log.current.take_if(|current| current.is_emptied()).is_some()
                    || log.has_folder_changed()
                {
                    self.finish(at, writer, now, news)?;
                }
                return Ok(false);
            }
            Next::File(growing) => growing,
        };
        let mut lines = Lines::Growing(growing);
        let is_first = log.current.is_none() && log.retired.is_empty();
        // Something of what it was before may have been rotated away unread, more than once even.
        let head = lines.head()?;
        let has_text = head.is_some();
        if has_text || log.has_folder_changed() {
            self.finish(at, writer, now, news)?;
        }
        let log = &mut self.logs[at];
        let Some(head) = head.filter(|head| log.is_named(&lines, head)) else {
            log.retire();
            // What comes is all new.
            log.reach = Reach::All;
            return Ok(has_text);
        };
        let id = writer.reader().known_log(&head, &|offset, len| lines.look(offset, len))?;
        if id.is_some_and(|id| self.is_read_elsewhere(at, id)) {
            return Ok(false);
        }
        let Self { ground, logs, has_begun, .. } = self;
        let log = &mut logs[at];
        let reach = Some(log.reach).filter(|_| is_first);
        let of = Of { ground, set: log.set, path: &log.path, now };
        let start = Start::of(of, &mut lines, &head, reach, writer)?;
        let (id, begun) = (start.log, Event::Begun(start.position.offset));
        let mut generation = Generation::begin(of, lines, start)?;
        if *has_begun {
            generation.set_live();
        }
        news.push(News { path: log.path.clone(), what: begun });
        log.retire();
        // A copy in the place of the file goes on where that was read to.
        log.retired.retain(|retired| retired.log() != id);
        log.current = Some(generation);
        log.trouble = None;
        Ok(false)
    }

    /// Begins to read what was rotated away unread.
    fn finish(
        &mut self,
        at: usize,
        writer: &mut Writer,
        now: Time,
        news: &mut Vec<News>,
    ) -> Result<(), StartError> {
        let Self { ground, logs, has_begun, .. } = self;
        let log = &mut logs[at];
        let is_read = |id| log.generations().any(|own| own.log() == id && own.is_what_it_was());
        // How far back it goes is a question of the beginning alone.
        let reach = if *has_begun { Reach::Findtime } else { log.reach };
        let unfinished = start::unfinished(log.set, &log.path, writer.reader(), reach, is_read)?;
        // What is read now is older than all of these.
        if !unfinished.is_empty() {
            log.retire();
        }
        for (path, mut lines, head) in unfinished {
            let of = Of { ground, set: log.set, path: &log.path, now };
            let start = Start::of(of, &mut lines, &head, None, writer)?;
            log.retired.push(Generation::begin(of, lines, start)?);
            news.push(News { path: log.path.clone(), what: Event::Finished(path) });
        }
        Ok(())
    }

    /// Whether one of the same jails reads that log by another name, as where a glob stands for rotated generations too.
    fn is_read_elsewhere(&self, at: usize, id: LogId) -> bool {
        let own = &self.logs[at];
        let is_own = |place: usize| own.set.places().any(|own| own == place);
        let others =
            self.logs.iter().filter(|log| log.path != own.path && log.set.places().any(is_own));
        let mut others = others.flat_map(Followed::generations);
        others.any(|other| !other.is_emptied() && other.log() == id)
    }
}

/// Whether what was read is to be stored before more is.
fn is_full(stretches: &[Stretch]) -> bool {
    let found = stretches.iter().flat_map(|stretch| &stretch.found);
    found.map(|(_, matches)| matches.lines.len()).sum::<usize>() >= STEP_MATCHES
}
