//! A journal and the jails that follow it: entries in the place of lines.
//!
//! One journalctl reads for all jails that follow the same journal; each entry is shown to those that want it. An entry
//! has no offset in a log, and its place in the store is made of when it was received: a journal counts as a log a day,
//! which is known by its name and the day, and offsets are of microseconds.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::super::live::{Live, Taken};
use super::super::set::JailSet;
use super::super::writer::{JOURNAL_TAKEN_OVER, Reached};
use super::{Event, Ground, News, Standing, Step, Stretch, Writer};
use crate::model::{Head, Time};
use crate::source::journal::{
    End, Entry, Journal, JournalError, JournalPlace, Match, Position, Start,
};
use crate::store::{self, LogId, StoreError};

/// Before a journal that can't be read is tried again.
const RETRY_US: i64 = 5_000_000;
/// After so many entries without a match how far they were read is stored all the same.
const UNSTORED_MAX: u64 = 10_000;
/// Entries of one microsecond that have places of their own; of more the last is taken for the same again.
const PER_MICROSECOND: u64 = 8;
const DAY_US: i64 = 86_400_000_000;

/// A journal that is followed.
pub(super) struct Entries<'g> {
    place: JournalPlace,
    /// As it is called in the store and to people.
    name: String,
    readers: Vec<Reader<'g>>,
    journal: Option<Journal>,
    end: End,
    /// Where to begin when it is opened next.
    start: Start,
    /// Not to be tried before.
    retry: Option<Time>,
    trouble: Option<String>,
    waiting: VecDeque<Waiting>,
    /// The last entry that was read and needs no more thought, and the one that is stored.
    read: Option<Position>,
    unstored: u64,
    /// The day that was last asked for, and the log that it is.
    day: Option<(i64, LogId)>,
    /// The microsecond of the last entry and how many of it there were.
    last: (i64, u64),
}

/// A jail that follows it.
struct Reader<'g> {
    jail: usize,
    wanted: Match,
    live: Live<'g>,
    /// What it has read already, if others of the same journal have read less.
    known: Option<Known>,
}

/// What was read of a journal.
enum Known {
    /// All up to an entry.
    To(Position),
    /// By fail2ban, all up to an entry that was written at this time by the clock of who wrote it.
    Written(Time),
}

impl Known {
    /// What a jail has read of a journal. fail2ban tells for all that a jail follows at once, whatever it is called.
    fn in_store(
        store: &store::Reader,
        jail: &str,
        journal: &str,
    ) -> Result<Option<Self>, StoreError> {
        let own = store.cursor(jail, journal)?;
        let taken = store.cursor(jail, JOURNAL_TAKEN_OVER)?.map(|(_, written)| written);
        Ok(match (own, taken) {
            (Some((_, received)), Some(written)) if written > received => {
                Some(Self::Written(written))
            }
            (Some((cursor, received)), _) => Some(Self::To(Position { cursor, received })),
            (None, taken) => taken.map(Self::Written),
        })
    }

    /// From where on it is to be looked at: an entry is received when it was written or later.
    fn begin(&self) -> (Time, Start) {
        match self {
            Self::To(position) => (position.received, Start::After(position.clone())),
            Self::Written(written) => (*written, Start::Since(*written)),
        }
    }
}

/// An entry that waits for answers.
struct Waiting {
    /// Whose, by their place among the readers.
    taken: Vec<(usize, Taken)>,
    position: Position,
    offset: u64,
}

impl<'g> Entries<'g> {
    pub(super) fn new(place: JournalPlace, end: End) -> Self {
        let name = name(&place);
        Self {
            place,
            name,
            readers: Vec::new(),
            journal: None,
            end,
            start: Start::Since(Time::LAST),
            retry: None,
            trouble: None,
            waiting: VecDeque::new(),
            read: None,
            unstored: 0,
            day: None,
            last: (0, 0),
        }
    }

    pub(super) fn place(&self) -> &JournalPlace {
        &self.place
    }

    /// Adds a jail that follows it.
    pub(super) fn add(
        &mut self,
        ground: &'g Ground,
        set: &'g JailSet,
        jail: usize,
        wanted: Match,
        now: Time,
    ) {
        let live = Live::new(set, &ground.names, ground.wanted(now));
        self.readers.push(Reader { jail, wanted, live, known: None });
    }

    pub(super) fn standing(&self) -> Standing<'_> {
        let trouble = self.trouble.as_deref();
        Standing { path: self.name.as_str().into(), unread_bytes: 0, trouble }
    }

    /// What to wait for, if it is being read.
    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref().filter(|journal| !journal.is_over())
    }

    /// Looks up how far it was read. A jail that has never read it begins its findtime ago.
    pub(super) fn begin(
        &mut self,
        ground: &Ground,
        writer: &Writer,
        now: Time,
    ) -> Result<(), StoreError> {
        let mut first: Option<(Time, Start)> = None;
        for reader in &mut self.readers {
            let jail = &ground.jails[reader.jail];
            let known = Known::in_store(writer.reader(), &jail.name, &self.name)?;
            let since = now.plus_micros(-jail.rule.findtime_us);
            let begin = known.as_ref().map_or((since, Start::Since(since)), Known::begin);
            if first.as_ref().is_none_or(|(earliest, _)| begin.0 < *earliest) {
                first = Some(begin);
            }
            reader.known = known;
        }
        if let Some((_, start)) = first {
            self.start = start;
        }
        Ok(())
    }

    /// Reads the entries that there are.
    pub(super) fn read(
        &mut self,
        writer: &mut Writer,
        now: Time,
        all: bool,
        step: &mut Step,
        stretches: &mut Vec<Stretch>,
    ) -> Result<(), StoreError> {
        match self.entries(now) {
            Ok(entries) => {
                step.has_more |= !entries.is_empty();
                for entry in entries {
                    self.take(&entry, now, step);
                }
            }
            Err(error) => self.fail(&error, now, step),
        }
        if let Some(gone) = self.journal.as_mut().and_then(Journal::take_gone) {
            self.news(Event::Unreadable(gone.to_string()), step);
        }
        step.retry |= self.journal().is_none() && self.end == End::Follow;
        // With an end it is waited for, as nobody comes back later.
        step.is_open |= self.end == End::Last && self.journal().is_some();
        self.hand_on(writer, now, step, stretches)?;
        step.is_open |= !self.waiting.is_empty();
        let is_due = self.unstored > UNSTORED_MAX || (all && self.unstored > 0);
        if is_due
            && self.waiting.is_empty()
            && let Some(read) = self.read.clone()
        {
            let log = self.log(read.received, writer, now)?;
            stretches.push(self.stretch(log, Vec::new(), read));
            self.unstored = 0;
        }
        Ok(())
    }

    fn entries(&mut self, now: Time) -> Result<Vec<Entry>, JournalError> {
        if self.journal.is_none() && self.retry.is_none_or(|retry| retry <= now) {
            let wanted = Match::union(self.readers.iter().map(|reader| &reader.wanted));
            let (place, start) = (self.place.clone(), self.start.clone());
            self.journal = Some(Journal::open(place, wanted, start, self.end, now)?);
        }
        match &mut self.journal {
            Some(journal) => journal.read(),
            None => Ok(Vec::new()),
        }
    }

    fn take(&mut self, entry: &Entry, now: Time, step: &mut Step) {
        self.trouble = None;
        let line = entry.line();
        let mut taken = Vec::new();
        for (nth, reader) in self.readers.iter_mut().enumerate() {
            if reader.has_read(entry) || !reader.wanted.is_met_by(entry) {
                continue;
            }
            step.count(reader.jail, super::Counts { lines: 1, ..super::Counts::default() });
            reader.live.set_now(now);
            taken.push((nth, reader.live.take_entry(&line, entry.time)));
        }
        let received = entry.received.micros();
        let nth = if received == self.last.0 { self.last.1 + 1 } else { 0 };
        self.last = (received, nth);
        let of_day = received.rem_euclid(DAY_US).unsigned_abs();
        let offset = of_day * PER_MICROSECOND + nth.min(PER_MICROSECOND - 1);
        self.waiting.push_back(Waiting { taken, position: entry.position(), offset });
    }

    /// Hands on what waits for no answer.
    fn hand_on(
        &mut self,
        writer: &mut Writer,
        now: Time,
        step: &mut Step,
        stretches: &mut Vec<Stretch>,
    ) -> Result<(), StoreError> {
        while let Some(waiting) = self.waiting.front_mut() {
            let readers = &self.readers;
            if waiting.taken.iter_mut().any(|(nth, taken)| readers[*nth].live.is_open(taken)) {
                return Ok(());
            }
            let Some(Waiting { taken, position, offset }) = self.waiting.pop_front() else { break };
            let mut found = Vec::new();
            for (nth, taken) in taken {
                let Reader { jail, live, .. } = &self.readers[nth];
                for (totals, mut matches) in live.settle(taken) {
                    let lines = totals.lines;
                    let counts =
                        super::Counts { lines: 0, matched: lines.matched, ignored: lines.ignored };
                    step.count(*jail, counts);
                    matches.lines.iter_mut().for_each(|line| line.place.offset = offset);
                    if !matches.lines.is_empty() {
                        found.push((*jail, matches));
                    }
                }
            }
            self.read = Some(position.clone());
            self.start = Start::After(position.clone());
            self.unstored += 1;
            if !found.is_empty() {
                let log = self.log(position.received, writer, now)?;
                stretches.push(self.stretch(log, found, position));
                self.unstored = 0;
            }
        }
        Ok(())
    }

    fn stretch(
        &self,
        log: LogId,
        found: Vec<(usize, crate::model::Matches)>,
        position: Position,
    ) -> Stretch {
        let Position { cursor, received } = position;
        let readers = self.readers.iter().filter(|reader| reader.known.is_none());
        Stretch {
            log,
            found,
            end: Reached::Entry { journal: self.name.clone(), cursor, received },
            readers: readers.map(|reader| reader.jail).collect(),
            is_live: false,
        }
    }

    /// The log that stands for the day of an entry.
    fn log(&mut self, received: Time, writer: &mut Writer, now: Time) -> Result<LogId, StoreError> {
        let day = received.micros().div_euclid(DAY_US);
        if let Some((known, log)) = self.day
            && known == day
        {
            return Ok(log);
        }
        let head = format!("{} on {}\n", self.name, received.utc().format("%Y-%m-%d"));
        let head = Head::from_bytes(head.as_bytes());
        let log = writer.identify(&head, &self.name, now, &|_, _| Vec::new())?;
        self.day = Some((day, log));
        Ok(log)
    }

    fn fail(&mut self, error: &JournalError, now: Time, step: &mut Step) {
        self.journal = None;
        self.retry = Some(now.plus_micros(RETRY_US));
        let why = error.to_string();
        if self.trouble.as_ref() != Some(&why) {
            self.news(Event::Unreadable(why.clone()), step);
            self.trouble = Some(why);
        }
    }

    fn news(&self, what: Event, step: &mut Step) {
        step.news.push(News { path: PathBuf::from(&self.name), what });
    }
}

impl Reader<'_> {
    /// Whether the jail has read an entry already. Those of others may come before it.
    fn has_read(&mut self, entry: &Entry) -> bool {
        let (is_behind, is_last) = match &self.known {
            None => return false,
            Some(Known::To(known)) => {
                (entry.received > known.received, entry.cursor == known.cursor)
            }
            Some(Known::Written(written)) => (entry.time > *written, false),
        };
        if is_behind || is_last {
            self.known = None;
        }
        !is_behind
    }
}

/// What a journal is called.
fn name(place: &JournalPlace) -> String {
    let JournalPlace { path, files, flags, namespace } = place;
    let path = path.as_ref().map(|path| format!("path={}", path.display()));
    let flags = flags.map(|flags| format!("flags={flags}"));
    let namespace = namespace.as_ref().map(|namespace| format!("namespace={namespace}"));
    let files = (!files.is_empty()).then(|| format!("files={}", files.join(" ")));
    let options: Vec<String> = [path, files, flags, namespace].into_iter().flatten().collect();
    match &options[..] {
        [] => "systemd-journal".to_owned(),
        options => format!("systemd-journal[{}]", options.join(", ")),
    }
}
