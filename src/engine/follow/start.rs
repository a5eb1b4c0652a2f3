//! Where to begin with a log: behind what was read, or as far back as can matter.

use std::io;
use std::path::{Path, PathBuf};

use super::super::jail::Jail;
use super::super::set::JailSet;
use super::lines::Lines;
use super::{Ground, Reach, Writer};
use crate::date::Resolver;
use crate::model::{Head, Time};
use crate::source::{FileId, Growing, rotated};
use crate::store::{LogId, LogPosition, Position, Reader, StoreError};

/// Dates are looked for in so much at a place.
const PROBE_BYTES: usize = 16 << 10;
/// Places that are so far apart.
const PROBES_APART_BYTES: u64 = 1 << 20;

/// A log that jails are about to read.
#[derive(Clone, Copy)]
pub(super) struct Of<'o, 'g> {
    pub(super) ground: &'g Ground,
    pub(super) set: &'g JailSet,
    pub(super) path: &'o Path,
    pub(super) now: Time,
}

/// Where a log is read from.
pub(super) struct Start {
    /// Which log it is.
    pub(super) log: LogId,
    /// How it begins.
    pub(super) head: Head,
    /// For each jail of the set, where what it hasn't read begins.
    pub(super) from: Vec<u64>,
    /// The least of these.
    pub(super) position: Position,
}

/// How far each jail of a set has read logs.
pub(super) struct Known(Vec<Vec<LogPosition>>);

/// Why it can't be said.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Known {
    pub(super) fn in_store(set: &JailSet, store: &Reader) -> Result<Self, StoreError> {
        let jails = set.members().iter().map(|member| store.positions(&member.jail.name));
        jails.collect::<Result<_, _>>().map(Self)
    }

    /// How far each jail has read a log.
    fn of(&self, log: LogId) -> Vec<Option<&LogPosition>> {
        self.0.iter().map(|known| known.iter().find(|known| known.log == log)).collect()
    }

    /// Whether each jail has read something at a path before.
    fn have_followed(&self, path: &str) -> Vec<bool> {
        self.0.iter().map(|known| known.iter().any(|known| known.path == path)).collect()
    }
}

impl Start {
    /// Where the log that `growing` is begins for the jails of a set. What a jail has read nothing of before is read as
    /// far as `reach` goes; from its beginning if the jail has followed what the path stood for before.
    pub(super) fn of(
        of: Of<'_, '_>,
        lines: &mut Lines,
        head: &Head,
        reach: Option<Reach>,
        writer: &mut Writer,
    ) -> Result<Self, StartError> {
        let Of { ground, set, path, now } = of;
        let known = Known::in_store(set, writer.reader())?;
        let have_followed = known.have_followed(&path.to_string_lossy());
        let log = lines.identify(head, path, writer, now)?;
        let size = lines.size_bytes().unwrap_or(u64::MAX);
        let mut from = Vec::new();
        let mut position = Position { offset: u64::MAX, lines: 0 };
        for ((member, read), has_followed) in
            set.members().iter().zip(known.of(log)).zip(have_followed)
        {
            let read = read.map(|read| read.position);
            let begin = match (read, reach, lines.growing()) {
                // Who was cut back to less than was read of it has nothing new.
                (Some(read), ..) if read.offset <= size => read,
                (Some(_), _, Some(growing)) => at(growing.line_start(0, size)?),
                (None, Some(reach), Some(growing)) if !has_followed => {
                    at(reach.start(growing, ground, &member.jail, now)?)
                }
                _ => Position::default(),
            };
            from.push(begin.offset);
            position = if begin.offset < position.offset { begin } else { position };
        }
        if position.lines == 0
            && let Some(growing) = lines.growing()
        {
            position.lines = line_ends(growing, position.offset)?;
        }
        Ok(Self { log, head: head.clone(), from, position })
    }
}

/// A place whose line has to be counted.
fn at(offset: u64) -> Position {
    Position { offset, lines: 0 }
}

/// While files are renamed it is looked at them anew, so often at most: somebody who renames them without end keeps nobody
/// from reading.
const LOOKS_MAX: usize = 100;

/// What [`look_back`] finds while no file has another name in the end than it had in the beginning. Between two renames
/// one file would be found under two names, and read and counted twice, and another under none, and be lost.
pub(super) fn unfinished(
    set: &JailSet,
    path: &Path,
    store: &Reader,
    reach: Reach,
    is_read: impl Fn(LogId) -> bool,
) -> Result<Vec<(PathBuf, Lines, Head)>, StoreError> {
    let named = || -> Vec<_> {
        rotated(path).into_iter().map(|log| (FileId::of(&log.path).ok(), log.path)).collect()
    };
    let mut before = named();
    let mut looks = 0;
    loop {
        let found = look_back(set, path, store, reach, &is_read)?;
        let after = named();
        looks += 1;
        if before == after || looks == LOOKS_MAX {
            return Ok(found);
        }
        before = after;
    }
}

/// The generations of the log at `path` that were rotated away before they were read to their end, the oldest first:
/// the one that was being read, unless it is read now, and all that came after it. If of none of them anything was read:
/// all of them, if `reach` goes so far.
fn look_back(
    set: &JailSet,
    path: &Path,
    store: &Reader,
    reach: Reach,
    is_read: &impl Fn(LogId) -> bool,
) -> Result<Vec<(PathBuf, Lines, Head)>, StoreError> {
    let known = Known::in_store(set, store)?;
    let mut found = Vec::new();
    // So many are newer than one that is read now.
    let mut newer = 0;
    for log in rotated(path) {
        let Ok(mut lines) = Lines::open(&log) else { continue };
        let Ok(Some(head)) = lines.head() else { continue };
        let id = store.known_log(&head, &|offset, len| lines.look(offset, len))?;
        let read = id.map(|id| known.of(id)).unwrap_or_default();
        let is_known = read.iter().any(Option::is_some);
        let is_finished =
            match (read.iter().flatten().min_by_key(|read| read.position), lines.size_bytes()) {
                (None, _) => false,
                (Some(least), Some(size)) => least.position.offset >= size,
                // How long an archive is only reading it tells; nobody has written to it since it was read.
                (Some(least), None) => log.modified().is_some_and(|modified| least.at > modified),
            };
        if id.is_some_and(is_read) {
            newer = found.len();
            continue;
        }
        if !is_finished {
            found.push((log.path, lines, head));
        }
        if is_known {
            found.reverse();
            return Ok(found);
        }
    }
    // Of what is older than these nothing was read: it was there before anybody followed the log.
    if reach != Reach::All {
        found.truncate(newer);
    }
    found.reverse();
    Ok(found)
}

impl Reach {
    /// Where reading begins for a jail that has read nothing of it.
    fn start(self, growing: &Growing, ground: &Ground, jail: &Jail, now: Time) -> io::Result<u64> {
        let size = growing.size_bytes()?;
        match self {
            Self::All => Ok(0),
            Self::Tail => growing.line_start(0, size),
            Self::Findtime => {
                let since = now.plus_micros(-jail.rule.findtime_us);
                since_in(growing, ground, jail, since, now)
            }
        }
    }
}

/// Where the lines begin that were written since an instant: the first behind the last that is older. Looked for from the
/// end backwards, for the past of a log may be long and in no order; where no line has a date, that is its beginning.
fn since_in(
    growing: &Growing,
    ground: &Ground,
    jail: &Jail,
    since: Time,
    now: Time,
) -> io::Result<u64> {
    let mut detector = jail.templates.detector();
    let mut resolver = Resolver::new(ground.zone, jail.log_zone, now);
    let mut date = |line: &[u8]| {
        let found = detector.find(line)?;
        resolver.resolve(&found.stamp, None).filter(|_| !found.stamp.is_undated())
    };
    let size = growing.size_bytes()?;
    let mut probe = size.saturating_sub(PROBES_APART_BYTES);
    loop {
        let start = growing.line_start(0, probe)?;
        let bytes = growing.bytes(start, PROBE_BYTES)?;
        let first = bytes.split(|byte| *byte == b'\n').find_map(&mut date);
        if start == 0 || first.is_some_and(|first| first < since) {
            return first_since(growing, start, since, &mut date);
        }
        probe = probe.saturating_sub(PROBES_APART_BYTES).min(start.saturating_sub(1));
    }
}

/// The place of the first line from `start` on that is not older than an instant.
fn first_since(
    growing: &Growing,
    start: u64,
    since: Time,
    date: &mut impl FnMut(&[u8]) -> Option<Time>,
) -> io::Result<u64> {
    let size = growing.size_bytes()?;
    let len = usize::try_from((size - start).min(2 * PROBES_APART_BYTES)).unwrap_or(usize::MAX);
    let bytes = growing.bytes(start, len)?;
    let mut offset = start;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if date(line).is_some_and(|at| at >= since) {
            return Ok(offset);
        }
        offset += line.len() as u64;
    }
    // Older ones only, or none with a date.
    growing.line_start(start, offset)
}

/// How many lines end before an offset.
pub(super) fn line_ends(growing: &Growing, offset: u64) -> io::Result<u64> {
    let (mut at, mut lines) = (0, 0);
    while at < offset {
        let len = usize::try_from(offset - at).unwrap_or(usize::MAX).min(1 << 20);
        let bytes = growing.bytes(at, len)?;
        if bytes.is_empty() {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        at += bytes.len() as u64;
    }
    Ok(lines)
}
