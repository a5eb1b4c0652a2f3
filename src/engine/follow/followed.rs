//! A log by its name: the file that it stands for, and those that it stood for.
//!
//! Whoever rotates a log gives its name to another file. The one that had it is set aside and read to its end, for its
//! writer may still be writing to it; only the last one is, for as long as nobody has taken its place.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::super::set::JailSet;
use super::Reach;
use super::generation::Generation;
use super::lines::Lines;
use super::step::{Event, News, Standing};
use crate::model::Head;
use crate::source::{FileId, Growing};

/// No file system's times are less exact.
const TICK_MAX: Duration = Duration::from_secs(2);

/// The log that a name stands for, and those that it stood for.
pub(super) struct Followed<'g> {
    pub(super) path: PathBuf,
    pub(super) set: &'g JailSet,
    pub(super) reach: Reach,
    pub(super) current: Option<Generation<'g>>,
    /// To be read to their end, the oldest first; the last may still be written to.
    pub(super) retired: Vec<Generation<'g>>,
    /// When something in its folder was last renamed, as far as that was seen.
    folder_changed: Option<SystemTime>,
    /// Why it couldn't be read when that was last tried.
    pub(super) trouble: Option<String>,
}

/// What a name stands for.
pub(super) enum Next {
    /// The file at hand.
    Same,
    /// Nothing.
    Gone,
    /// Another file, or the same that has become another log.
    File(Growing),
}

impl<'g> Followed<'g> {
    /// No file is open yet.
    pub(super) fn new(path: &Path, set: &'g JailSet, reach: Reach) -> Self {
        Self {
            path: path.to_owned(),
            set,
            reach,
            current: None,
            retired: Vec::new(),
            folder_changed: None,
            trouble: None,
        }
    }

    pub(super) fn generations(&self) -> impl Iterator<Item = &Generation<'g>> {
        self.retired.iter().chain(&self.current)
    }

    /// How it stands. A log that was deleted and not made anew is no trouble for who reads it, but its jail sees nothing.
    pub(super) fn standing(&self) -> Standing<'_> {
        let is_gone = || match FileId::of(&self.path) {
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let gone = || is_gone().then_some("there is no file of that name");
        Standing {
            path: self.path.to_string_lossy(),
            unread_bytes: self.generations().map(Generation::lag_bytes).sum(),
            trouble: self.trouble.as_deref().or_else(gone),
        }
    }

    /// Whether names in its folder have changed since this was last asked. Where a log has no text, or no name, it is not
    /// looked through each time what may have been rotated away.
    pub(super) fn has_folder_changed(&mut self) -> bool {
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
    pub(super) fn next_file(&mut self, news: &mut Vec<News>) -> io::Result<Next> {
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
    pub(super) fn is_named(&self, lines: &Lines, head: &Head) -> bool {
        let id = lines.growing().map(Growing::id);
        FileId::of(&self.path).is_ok_and(|now| Some(now) == id)
            && lines.growing().is_some_and(|file| file.begins_with(head).unwrap_or(false))
    }

    /// Sets the file aside that its name stood for: it is read to its end.
    pub(super) fn retire(&mut self) {
        self.retired.extend(self.current.take().filter(|current| !current.is_emptied()));
    }

    /// Forgets files set aside that have become another log; whether there was one.
    pub(super) fn drop_emptied(&mut self) -> bool {
        let before = self.retired.len();
        self.retired.retain(|retired| !retired.is_emptied());
        self.retired.len() < before
    }

    /// Forgets those that nobody writes to any more: all but the last.
    pub(super) fn drop_retired(&mut self) {
        let last = self.retired.len().saturating_sub(1);
        let mut at = 0;
        self.retired.retain(|generation| {
            at += 1;
            at > last && generation.file().is_some() || !generation.is_through()
        });
    }

    /// Tells once why it can't be read.
    pub(super) fn trouble(&mut self, why: String, news: &mut Vec<News>) {
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
