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
mod generation;
mod lines;
mod resume;
mod start;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use typed_arena::Arena;

use self::bans::Bans;
use self::entries::Entries;
use self::generation::Generation;
use self::lines::Lines;
pub use self::resume::{Resumed, reached, resume};
use self::start::{Of, Start, StartError};
use super::jail::Jail;
use super::lookup::Names;
use super::own_log::Shown;
use super::set::JailSet;
use super::wanted::{Manner, Wanted};
use super::writer::{FileFate, Pursued, Pursuit, Stretch, Writer};
use crate::filter::Mode;
use crate::model::{Clock, Head, Origin, Time, Zone};
use crate::source::journal::{End, Journal, JournalPlace, Match};
use crate::source::{FileId, Growing};
use crate::store::{LogId, LogPosition, StoreError};

/// So much of a log is read in a step, so that one that has grown far doesn't hold up the others.
const STEP_BYTES: u64 = 8 << 20;
/// So many matches are held in a step, give or take those of a block; then they are stored first. The lines of a log under
/// attack that many jails read take a hundred times as much memory as they do in the file.
const STEP_MATCHES: usize = 20_000;
/// After so many bytes without a match how far a log was read is stored all the same.
const UNSTORED_MAX_BYTES: u64 = 8 << 20;

/// No file system's times are less exact.
const TICK_MAX: Duration = Duration::from_secs(2);

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

/// What a step came to.
#[derive(Debug, Default)]
pub struct Step {
    /// As of when that was: after what was read was read.
    pub now: Time,
    /// What was stored and decided.
    pub pursued: Pursued,
    /// What became of exported files.
    pub files: Vec<FileFate>,
    /// What was counted, for each jail that read something, by its place: lines and failures.
    pub counted: Vec<(usize, Counts)>,
    /// What happened to logs.
    pub news: Vec<News>,
    /// Whether there is more to read at once.
    pub has_more: bool,
    /// Whether something waits for an answer, and is to be looked at again soon.
    pub is_open: bool,
    /// Whether something can't be read and is to be tried again later.
    pub retry: bool,
}

/// What a jail counted in what was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were tested.
    pub lines: u64,
    /// Lines that matched.
    pub matched: u64,
    /// Lines that were ignored.
    pub ignored: u64,
}

/// How a log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'l> {
    /// Its name.
    pub path: Cow<'l, str>,
    /// How much of it is not read yet, in bytes.
    pub unread_bytes: u64,
    /// Why it can't be read, if it can't.
    pub trouble: Option<&'l str>,
}

/// Something that happened to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The log.
    pub path: PathBuf,
    /// What.
    pub what: Event,
}

/// What can happen to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is read from a place on.
    Begun(u64),
    /// Its name stands for another file.
    Rotated,
    /// It was emptied or written over.
    Emptied,
    /// An earlier generation of it, at this path, is read to its end first.
    Finished(PathBuf),
    /// It can't be read, and why.
    Unreadable(String),
}

/// The log that a name stands for, and those that it stood for.
struct Followed<'g> {
    path: PathBuf,
    set: &'g JailSet,
    reach: Reach,
    current: Option<Generation<'g>>,
    /// To be read to their end, the oldest first; the last may still be written to.
    retired: Vec<Generation<'g>>,
    /// When something in its folder was last renamed, as far as that was seen.
    folder_changed: Option<SystemTime>,
    /// Why it couldn't be read when that was last tried.
    trouble: Option<String>,
}

/// What a name stands for.
enum Next {
    /// The file at hand.
    Same,
    /// Nothing.
    Gone,
    /// Another file, or the same that has become another log.
    File(Growing),
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
            self.logs.push(Followed {
                path: path.to_owned(),
                set,
                reach,
                current: None,
                retired: Vec::new(),
                folder_changed: None,
                trouble: None,
            });
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
        let logs = self.logs.iter().map(|log| Standing {
            path: log.path.to_string_lossy(),
            unread_bytes: log.lag_bytes(),
            trouble: log.trouble.as_deref(),
        });
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

impl<'g> Followed<'g> {
    fn generations(&self) -> impl Iterator<Item = &Generation<'g>> {
        self.retired.iter().chain(&self.current)
    }

    fn lag_bytes(&self) -> u64 {
        self.generations().map(Generation::lag_bytes).sum()
    }

    /// Whether names in its folder have changed since this was last asked. Where a log has no text, or no name, it is not
    /// looked through each time what may have been rotated away.
    fn has_folder_changed(&mut self) -> bool {
        let folder = self.path.parent().and_then(|folder| folder.metadata().ok());
        let changed = folder.and_then(|folder| folder.modified().ok());
        // What happens within a tick of the file system's clock leaves the time as it is, on some that are two seconds. So
        // it is remembered when it is past by the clock that it is of.
        let now = UNIX_EPOCH + Duration::from_secs(seconds_now());
        let is_past = |changed: &SystemTime| *changed + TICK_MAX < now;
        let known = std::mem::replace(&mut self.folder_changed, changed.filter(is_past));
        known != changed
    }

    /// What its name stands for now.
    fn next_file(&mut self, news: &mut Vec<News>) -> io::Result<Next> {
        let id = match FileId::of(&self.path) {
            Ok(id) => id,
            // Its writer may still be writing to the file whose name is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Next::Gone),
            Err(error) => return Err(error),
        };
        let what = match &self.current {
            Some(current) if current.is_emptied() => Event::Emptied,
            Some(current) if current.id() == Some(id) => return Ok(Next::Same),
            Some(_) => Event::Rotated,
            None => return Growing::open(&self.path).map(Next::File),
        };
        let growing = Growing::open(&self.path)?;
        news.push(News { path: self.path.clone(), what });
        Ok(Next::File(growing))
    }

    /// Whether its name still stands for the log that begins with `head`. While it was looked through what was rotated
    /// away, that may have become one of those, and others have come after it.
    fn is_named(&self, lines: &Lines, head: &Head) -> bool {
        let id = lines.growing().map(Growing::id);
        FileId::of(&self.path).is_ok_and(|now| Some(now) == id)
            && lines.growing().is_some_and(|file| file.begins_with(head).unwrap_or(false))
    }

    /// Sets the file aside that its name stood for: it is read to its end.
    fn retire(&mut self) {
        self.retired.extend(self.current.take().filter(|current| !current.is_emptied()));
    }

    /// Forgets files set aside that have become another log; whether there was one.
    fn drop_emptied(&mut self) -> bool {
        let before = self.retired.len();
        self.retired.retain(|retired| !retired.is_emptied());
        self.retired.len() < before
    }

    /// Forgets those that nobody writes to any more: all but the last.
    fn drop_retired(&mut self) {
        let last = self.retired.len().saturating_sub(1);
        let mut at = 0;
        self.retired.retain(|generation| {
            at += 1;
            at > last && generation.file().is_some() || !generation.is_through()
        });
    }

    /// Tells once why it can't be read.
    fn trouble(&mut self, why: String, news: &mut Vec<News>) {
        if self.trouble.as_ref() != Some(&why) {
            news.push(News { path: self.path.clone(), what: Event::Unreadable(why.clone()) });
            self.trouble = Some(why);
        }
    }
}

/// The time by the system's clock, which files have; not by the one that a command line may set.
fn seconds_now() -> u64 {
    clock_gettime(ClockId::Realtime).tv_sec.try_into().unwrap_or(0)
}

/// Whether what was read is to be stored before more is.
fn is_full(stretches: &[Stretch]) -> bool {
    let found = stretches.iter().flat_map(|stretch| &stretch.found);
    found.map(|(_, matches)| matches.lines.len()).sum::<usize>() >= STEP_MATCHES
}

impl Step {
    fn count(&mut self, jail: usize, counts: Counts) {
        match self.counted.iter_mut().find(|(known, _)| *known == jail) {
            Some((_, known)) => *known += counts,
            None => self.counted.push((jail, counts)),
        }
    }
}

impl Counts {
    fn of(totals: &super::Totals) -> Self {
        let lines = totals.lines;
        Self { lines: lines.tested(), matched: lines.matched, ignored: lines.ignored }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.matched += other.matched;
        self.ignored += other.ignored;
    }
}
