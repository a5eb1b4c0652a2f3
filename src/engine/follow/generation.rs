//! One generation of a log: a file, how far it was read, and what its lines have taught.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::super::live::{Live, Taken};
use super::super::set::JailSet;
use super::super::writer::Reached;
use super::lines::Lines;
use super::start::{Of, Start};
use super::{Counts, Step, Stretch, Writer, is_full};
use crate::model::{HEAD_MAX_BYTES, Head, Time};
use crate::source::{FileId, Growing, Grown};
use crate::store::{LogId, LogPosition, Position, StoreError};

/// So much of what stands before the place where reading begins is looked at again: its connections go on, a message of
/// several lines may have begun there, and its dates say how the next are written. It is read already, and counts for
/// nothing. fail2ban forgets all that when it ends.
const LOOK_BACK_BYTES: u64 = 64 << 10;
/// So much waits for answers at most before reading goes on.
const WAITING_MAX: usize = 64;

/// A file that is read.
pub(super) struct Generation<'g> {
    lines: Lines,
    live: Live<'g>,
    set: &'g JailSet,
    log: LogId,
    /// As much of it as identifies the log in the store.
    head_len: usize,
    /// How it began when it was looked up in the store, until lines of it are read.
    looked_up: Option<Head>,
    /// For each jail of the set, where what it hasn't read begins.
    from: Vec<u64>,
    /// What waits for answers, and where it ends.
    waiting: VecDeque<(Taken, Position)>,
    read: Position,
    stored: Position,
    /// Whether there was no more to read when it was last read.
    is_at_end: bool,
    /// Whether what comes was just written: it was read to its end once, or from its beginning on.
    is_live: bool,
    /// Whether it has become another log.
    is_emptied: bool,
}

impl<'g> Generation<'g> {
    /// Begins to read `lines` where `start` says.
    pub(super) fn begin(of: Of<'_, 'g>, mut lines: Lines, start: Start) -> io::Result<Self> {
        let Of { ground, set, now, .. } = of;
        let Start { log, head, from, position } = start;
        let mut live = Live::new(set, &ground.names, ground.wanted(now));
        if let Some(growing) = lines.growing() {
            let begin = growing.line_start(0, position.offset.saturating_sub(LOOK_BACK_BYTES))?;
            let len = usize::try_from(position.offset - begin).unwrap_or(0);
            let before = growing.bytes(begin, len)?;
            drop(live.take(&before, begin));
        }
        live.set_lines(position.lines);
        lines.seek(position.offset)?;
        lines.share(set.members().len());
        Ok(Self {
            lines,
            live,
            set,
            log,
            head_len: head.as_bytes().len(),
            looked_up: Some(head),
            from,
            waiting: VecDeque::new(),
            read: position,
            stored: position,
            is_at_end: false,
            is_live: false,
            is_emptied: false,
        })
    }

    /// Its lines are read as they are written, from the first on.
    pub(super) fn set_live(&mut self) {
        self.is_live = true;
    }

    /// Which log it is.
    pub(super) fn log(&self) -> LogId {
        self.log
    }

    /// Which file it is.
    pub(super) fn id(&self) -> Option<FileId> {
        self.lines.growing().map(Growing::id)
    }

    /// The file, if it may grow.
    pub(super) fn file(&self) -> Option<&std::fs::File> {
        self.lines.file()
    }

    /// Whether it has become another log.
    pub(super) fn is_emptied(&self) -> bool {
        self.is_emptied
    }

    /// Whether it is still the log that it was when it was looked up and last read, as far as the file tells by now.
    pub(super) fn is_what_it_was(&self) -> bool {
        let begins_alike = |growing: &Growing| {
            self.looked_up.as_ref().is_none_or(|head| growing.begins_with(head).unwrap_or(false))
        };
        let is_same = |growing: &Growing| growing.is_same().unwrap_or(false);
        !self.is_emptied
            && self.lines.growing().is_none_or(|file| begins_alike(file) && is_same(file))
    }

    /// Whether there is nothing to come: everything was read and stored, and it was rotated away before others.
    pub(super) fn is_through(&self) -> bool {
        self.waiting.is_empty() && !self.is_emptied && (self.is_at_end || self.lines.is_over())
    }

    /// How many bytes are not read yet.
    pub(super) fn lag_bytes(&self) -> u64 {
        self.lines.size_bytes().map_or(0, |size| size.saturating_sub(self.read.offset))
    }

    /// How far the jail at a place has read it, if it reads it.
    pub(super) fn position_of(&self, jail: usize) -> Option<LogPosition> {
        let member = self.set.places().position(|place| place == jail)?;
        let offset = self.from[member];
        let position = Position { offset, lines: 0 };
        Some(LogPosition { log: self.log, path: String::new(), position, at: Time::default() })
    }

    /// Reads some `most` bytes, and hands on what waits for no answer; whether there is more to read at once.
    pub(super) fn read(
        &mut self,
        now: Time,
        most: u64,
        step: &mut Step,
        stretches: &mut Vec<Stretch>,
    ) -> io::Result<bool> {
        self.live.set_now(now);
        let end = self.read.offset.saturating_add(most);
        let mut buffer = Vec::new();
        // Of another log, what its name stands for by now is read, once it stands for something.
        let mut has_more = !self.is_emptied;
        while has_more
            && self.read.offset < end
            && self.waiting.len() < WAITING_MAX
            && !is_full(stretches)
        {
            let grown = self.lines.read(&mut buffer)?;
            if self.has_become_another(&grown) {
                self.is_emptied = true;
                break;
            }
            match grown {
                Grown::Lines(base) => {
                    let taken = self.live.take(&buffer, base);
                    let behind = self.lines.growing().map(Growing::at);
                    let offset = behind.unwrap_or(base + buffer.len() as u64);
                    self.read = Position { offset, lines: self.live.lines() };
                    self.waiting.push_back((taken, self.read));
                    self.hand_on(step, stretches);
                }
                Grown::Nothing => {
                    has_more = false;
                    break;
                }
                Grown::Emptied => {
                    self.is_emptied = true;
                    break;
                }
            }
        }
        self.hand_on(step, stretches);
        self.is_at_end = !has_more;
        self.is_live |= !has_more;
        step.is_open |= !self.waiting.is_empty();
        Ok(has_more && self.waiting.len() < WAITING_MAX)
    }

    /// Whether it was emptied and written over since it was looked up where it is to be read from, and `grown` is of another
    /// log. Asked after reading, and until lines were read: from then on the file itself tells.
    fn has_become_another(&mut self, grown: &Grown) -> bool {
        let (Some(head), Some(growing)) = (&self.looked_up, self.lines.growing()) else {
            return false;
        };
        // What can't be looked at now is looked up again: it is read from where it was, then.
        let is_another = !growing.begins_with(head).unwrap_or(false);
        if matches!(grown, Grown::Lines(_)) {
            self.looked_up = None;
        }
        is_another
    }

    /// Hands on what waits for no answer.
    fn hand_on(&mut self, step: &mut Step, stretches: &mut Vec<Stretch>) {
        while let Some((taken, _)) = self.waiting.front_mut() {
            if self.live.is_open(taken) {
                return;
            }
            let Some((taken, end)) = self.waiting.pop_front() else { return };
            let mut found = Vec::new();
            for (member, (totals, mut matches)) in self.live.settle(taken).into_iter().enumerate() {
                let place = self.set.members()[member].index;
                step.count(place, Counts::of(&totals));
                matches.lines.retain(|line| line.place.offset >= self.from[member]);
                if !matches.lines.is_empty() {
                    found.push((place, matches));
                }
            }
            if found.is_empty() {
                continue;
            }
            self.stored = end;
            stretches.push(self.stretch(found, end));
        }
    }

    /// How much was read and is not stored as read.
    pub(super) fn unstored_bytes(&self) -> u64 {
        if self.waiting.is_empty() { self.read.offset - self.stored.offset } else { 0 }
    }

    /// What was read and is not stored as read; nothing was found in it.
    pub(super) fn unstored(&mut self) -> Option<Stretch> {
        let is_all_handed_on = self.waiting.is_empty();
        let is_new = std::mem::replace(&mut self.stored, self.read) != self.read;
        (is_all_handed_on && is_new).then(|| self.stretch(Vec::new(), self.read))
    }

    fn stretch(&self, found: Vec<(usize, crate::model::Matches)>, end: Position) -> Stretch {
        let members = self.set.places().zip(&self.from);
        let readers = members.filter(|(_, from)| **from <= end.offset).map(|(place, _)| place);
        Stretch {
            log: self.log,
            found,
            end: Reached::Place(end),
            readers: readers.collect(),
            is_live: self.is_live,
        }
    }

    /// Tells the store more of how the log begins, if there is more by now; `stretches` are of it.
    pub(super) fn identify(
        &mut self,
        path: &Path,
        writer: &mut Writer,
        now: Time,
        stretches: &mut [Stretch],
    ) -> Result<(), StoreError> {
        if self.head_len >= HEAD_MAX_BYTES {
            return Ok(());
        }
        // A file that can't be read now is what it was.
        let Ok(Some(head)) = self.lines.head() else { return Ok(()) };
        if head.as_bytes().len() > self.head_len {
            self.log = self.lines.identify(&head, path, writer, now)?;
            self.head_len = head.as_bytes().len();
            for stretch in stretches {
                stretch.log = self.log;
            }
        }
        Ok(())
    }
}
