//! Going on where fail2ban has stopped reading.
//!
//! fail2ban goes on behind what it has read of a log if that still begins with the same line and isn't shorter; else it
//! begins anew, as far back as can matter. So does f2b.
//! DIFFERS: a log that was rotated meanwhile is looked for among its rotated generations, and read to its end.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ring::digest;
use serde::{Deserialize, Serialize};

use super::Writer;
use super::lines::Lines;
use super::start::line_ends;
use crate::exchange::fail2ban::{JOURNAL, Reached, ReadTo};
use crate::model::Time;
use crate::source::{Growing, LogKind, rotated};
use crate::store::{Position, Reader, StoreError};

/// What came of a place in a log that another program has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resumed {
    /// Reading goes on there.
    There,
    /// Reading has gone on from there, or further, already.
    Further,
    /// Nothing was read of it, and there is nothing to go on from.
    Unread,
    /// Reading begins as if nothing had been read: why.
    Anew(String),
}

impl Resumed {
    fn of(is_new: bool) -> Self {
        if is_new { Self::There } else { Self::Further }
    }
}

/// A first line is looked for in so much.
const FIRST_LINE_MAX_BYTES: usize = 16 << 20;

/// Has a jail go on where fail2ban has stopped, as of `now`.
///
/// # Errors
///
/// The store can't be used. That a log can't is told as [`Resumed::Anew`].
pub fn resume(read: &ReadTo, writer: &mut Writer, now: Time) -> Result<Resumed, StoreError> {
    match &read.reached {
        Reached::Entry(written) => writer.resume_journal(&read.jail, *written).map(Resumed::of),
        Reached::Offset { offset: 0, first_line } if first_line.is_empty() => Ok(Resumed::Unread),
        Reached::Offset { offset, first_line } => {
            let path = Path::new(&read.path);
            match generation(path, first_line) {
                Ok((_, growing)) => in_log(&read.jail, path, growing, *offset, writer, now),
                Err(error) => Ok(Resumed::Anew(error.to_string())),
            }
        }
    }
}

/// How far a jail has read what its logs are now, and its journals, as fail2ban tells it. A log that can't be read any
/// more, or has no line, is left out.
///
/// # Errors
///
/// The store can't be used.
pub fn reached(jail: &str, store: &Reader) -> Result<Vec<ReadTo>, StoreError> {
    let known = store.positions(jail)?;
    let paths: BTreeSet<&str> = known.iter().map(|known| known.path.as_str()).collect();
    let mut found = Vec::new();
    for path in paths {
        let Ok(growing) = Growing::open(Path::new(path)) else { continue };
        let Ok(Some(first_line)) = first_line_hash(&growing) else { continue };
        let mut lines = Lines::Growing(growing);
        let Ok(Some(head)) = lines.head() else { continue };
        let log = store.known_log(&head, &|offset, len| lines.look(offset, len))?;
        if let Some(known) = known.iter().find(|known| Some(known.log) == log) {
            let reached = Reached::Offset { offset: known.position.offset, first_line };
            found.push(ReadTo { jail: jail.to_owned(), path: path.to_owned(), reached });
        }
    }
    if let Some(written) = store.last_entry(jail)? {
        let reached = Reached::Entry(written);
        found.push(ReadTo { jail: jail.to_owned(), path: JOURNAL.to_owned(), reached });
    }
    Ok(found)
}

/// The generation of a log that begins with a line of this hash.
fn generation(path: &Path, first_line: &str) -> io::Result<(PathBuf, Growing)> {
    let current = Growing::open(path)?;
    if has_first_line(&current, first_line)? {
        return Ok((path.to_owned(), current));
    }
    for log in rotated(path).into_iter().filter(|log| log.kind == LogKind::Plain) {
        if let Ok(growing) = Growing::open(&log.path)
            && has_first_line(&growing, first_line)?
        {
            return Ok((log.path, growing));
        }
    }
    Err(io::Error::other("it begins with another line than what was read"))
}

fn has_first_line(growing: &Growing, hash: &str) -> io::Result<bool> {
    Ok(first_line_hash(growing)?.is_some_and(|found| found == hash))
}

/// The SHA-1 of a log's first line with its end, in hexadecimal digits, as fail2ban knows logs; `None` without a line.
fn first_line_hash(growing: &Growing) -> io::Result<Option<String>> {
    let mut bytes = growing.bytes(0, 1 << 12)?;
    if memchr::memchr(b'\n', &bytes).is_none() {
        bytes = growing.bytes(0, FIRST_LINE_MAX_BYTES)?;
    }
    let Some(end) = memchr::memchr(b'\n', &bytes) else { return Ok(None) };
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes[..=end]);
    let digits: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(digits.concat()))
}

fn in_log(
    jail: &str,
    path: &Path,
    growing: Growing,
    offset: u64,
    writer: &mut Writer,
    now: Time,
) -> Result<Resumed, StoreError> {
    let anew = |error: io::Error| Ok(Resumed::Anew(error.to_string()));
    let size = match growing.size_bytes() {
        Ok(size) => size,
        Err(error) => return anew(error),
    };
    if size < offset {
        let why = format!("it has {size} bytes, of which {offset} were read");
        return Ok(Resumed::Anew(why));
    }
    let place = growing
        .line_start(0, offset)
        .and_then(|offset| Ok(Position { offset, lines: line_ends(&growing, offset)? }));
    let mut lines = Lines::Growing(growing);
    match (place, lines.head()) {
        (Err(error), _) | (_, Err(error)) => anew(error),
        (_, Ok(None)) => Ok(Resumed::Unread),
        (Ok(place), Ok(Some(head))) => {
            let log = lines.identify(&head, path, writer, now)?;
            writer.resume_log(jail, log, place, now).map(Resumed::of)
        }
    }
}
