//! What reading logs came to, for whoever tells of it.

use std::borrow::Cow;
use std::path::PathBuf;

use super::super::totals::Totals;
use super::super::writer::{FileFate, Pursued};
use crate::model::Time;

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

impl Step {
    pub(super) fn count(&mut self, jail: usize, counts: Counts) {
        match self.counted.iter_mut().find(|(known, _)| *known == jail) {
            Some((_, known)) => *known += counts,
            None => self.counted.push((jail, counts)),
        }
    }
}

impl Counts {
    pub(super) fn of(totals: &Totals) -> Self {
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
