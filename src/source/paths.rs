//! From what a person names to logs: files, globs, folders, `-`.
//!
//! * A file, a named pipe, or the shell's `<(…)` is itself.
//! * A pattern stands for the files it matches, by the rules of the shell and of Python's `glob`: `*`
//!   stops at `/` and matches no hidden file, `**` is `*`. What exists under the very name of a
//!   pattern is that file.
//! * A folder stands for the logs *directly* in it. Left out, and told ([`LeftOut`]), are hidden files, folders,
//!   pipes, and what is not text (the journal, wtmp, databases). It does not descend: `/var/log` has folders of
//!   other programs, whose logs nobody asked for. What is named, be it by a pattern, is never left out.
//! * `-` is standard input.
//! * Anything else with a blank in it is a line of a log; without one it is a misspelt path. (What
//!   fail2ban-regex does, taking a misspelt path for a line that doesn't match, helps nobody.)
//!
//! Generations of one log are put in order, oldest first, at the place of the one that was named
//! first; logs that have nothing to do with each other stay as they were named. A file that is
//! named twice, be it through links, is read once. `maillog.1` and `maillog.1.gz` are different
//! files: that they hold the same lines shows in the lines' places.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::form::Form;
use super::pattern::{NamePattern, is_hidden, is_pattern};
use super::rotation::{Age, generation};
use super::{Compression, Log, LogKind, SourceError};
use crate::diag::nearest;
use crate::text::{printable, shown};

/// What arguments stand for.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The logs, each once, generations of one log oldest first.
    pub logs: Vec<Log>,
    /// What is left out of folders.
    pub left_out: Vec<LeftOut>,
}

/// Files of a folder that are left out.
#[derive(Debug)]
pub struct LeftOut {
    folder: PathBuf,
    /// Their names and why, at least one.
    files: Vec<(OsString, &'static str)>,
}

/// So many files that are left out are named.
const NAMED_MAX: usize = 10;

impl LeftOut {
    /// The files: `btmp (not text), wtmp (not text) and 6 more`.
    pub(super) fn names(&self) -> String {
        let most = if self.files.len() > NAMED_MAX { NAMED_MAX - 2 } else { NAMED_MAX };
        let name =
            |(name, why): &(OsString, &str)| format!("{} ({why})", shown(&name.to_string_lossy()));
        let names: Vec<String> = self.files.iter().take(most).map(name).collect();
        match self.files.len() - names.len() {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.to_string_lossy();
        write!(
            f,
            "{}: left out are {}; name them to have them read",
            printable(&folder),
            self.names()
        )
    }
}

/// The logs that `args` stand for, each once, generations of one log oldest first.
///
/// # Errors
///
/// The first argument that stands for no log, or for one that can't be read.
pub fn expand<S: AsRef<OsStr>>(args: &[S]) -> Result<Vec<Log>, SourceError> {
    Ok(expand_all(args)?.logs)
}

/// The same, and what is left out of folders.
///
/// # Errors
///
/// As [`expand`].
pub fn expand_all<S: AsRef<OsStr>>(args: &[S]) -> Result<Expanded, SourceError> {
    let mut all = Expanded::default();
    for arg in args {
        expand_one(arg.as_ref(), &mut all)?;
    }
    Ok(Expanded { logs: in_time_order(distinct(all.logs)), ..all })
}

/// The logs that a `logpath` stands for and that can be followed. A path is one log, be it there or not; a pattern is the
/// plain files that it matches now, each once, generations of one log oldest first.
///
/// As in fail2ban (1.0.2) rotated generations are among them if the pattern matches them: what failed before the last
/// rotation still counts. `DIFFERS:` archives are not, which it reads as if they were text; they don't grow. A file that
/// can't be looked at is a log: whoever follows it will say why.
///
/// # Errors
///
/// The pattern makes no sense, or a folder can't be listed.
pub fn followed(logpath: &OsStr) -> Result<Vec<PathBuf>, SourceError> {
    let path = Path::new(logpath);
    if !is_pattern(logpath.as_bytes()) || path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let plain = |path| Log { path, kind: LogKind::Plain };
    let mut logs: Vec<Log> = matching(logpath)?.into_iter().map(plain).collect();
    logs.retain(|log| Compression::of_file(&log.path).ok().flatten().is_none());
    Ok(in_time_order(distinct(logs)).into_iter().map(|log| log.path).collect())
}

/// Whether a `logpath` of fail2ban stands for `path`, which needs not be there.
pub fn stands_for(logpath: &OsStr, path: &Path) -> bool {
    let names = || NamePattern::split(path.as_os_str());
    let mut patterns = NamePattern::split(logpath).map(NamePattern::new);
    Path::new(logpath) == path
        || (path.has_root() == logpath.as_bytes().starts_with(b"/")
            && names().all(|name| {
                patterns.next().is_some_and(|one| one.is_ok_and(|one| one.matches(name)))
            })
            && patterns.next().is_none())
}

/// The generations of the log at `path` that were rotated away, the newest first; those that can't be read are left out.
pub fn rotated(path: &Path) -> Vec<Log> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let (Some(name), Ok(entries)) = (path.file_name(), fs::read_dir(folder)) else {
        return Vec::new();
    };
    let (base, _) = generation(&name.to_string_lossy());
    let mut found: Vec<(Age, PathBuf)> = Vec::new();
    for entry in entries.flatten().filter(|entry| entry.file_name() != name) {
        let (other, age) = generation(&entry.file_name().to_string_lossy());
        if other == base && age != Age::Current {
            found.push((age, folder.join(entry.file_name())));
        }
    }
    found.sort();
    let logs = found.into_iter().rev().filter_map(|(_, path)| log_at(&path).ok());
    logs.filter(|log| log.kind.can_be_reread()).collect()
}

/// Each file once, whatever it is called.
pub fn distinct(mut logs: Vec<Log>) -> Vec<Log> {
    let mut seen = HashSet::new();
    logs.retain(|log| identity(log).is_none_or(|id| seen.insert(id)));
    logs
}

/// Whether two names stand for one file.
pub fn is_same(a: &Log, b: &Log) -> bool {
    a == b || identity(a).is_some_and(|id| identity(b) == Some(id))
}

fn expand_one(arg: &OsStr, all: &mut Expanded) -> Result<(), SourceError> {
    let path = Path::new(arg);
    let logs = &mut all.logs;
    if arg == "-" || path == Path::new("/dev/stdin") {
        logs.push(Log { path: "-".into(), kind: LogKind::Stdin });
        return Ok(());
    }
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return expand_folder(path, all),
        Ok(_) => {
            logs.push(log_at(path)?);
            return Ok(());
        }
        Err(error) if !is_absent(&error) => return Err(unreadable(path)(error)),
        Err(_) => {}
    }
    let is_line = arg.to_string_lossy().contains(char::is_whitespace);
    if is_pattern(arg.as_bytes()) {
        match expand_pattern(arg, logs) {
            Err(SourceError::NoMatch { .. } | SourceError::BadPattern { .. }) if is_line => {}
            result => return result,
        }
    }
    if is_line {
        logs.push(Log {
            path: "<literal>".into(),
            kind: LogKind::Literal(arg.as_bytes().to_owned()),
        });
        return Ok(());
    }
    Err(missing(path))
}

/// A list larger than this isn't read.
const LIST_MAX_BYTES: u64 = 16_000_000;

/// The text of a file in which somebody keeps a list.
///
/// # Errors
///
/// It can't be read, or it is a pipe, a device or a folder, or larger than 16 MB: reading might not end.
pub fn read_list(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() || meta.len() > LIST_MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file of at most 16 MB"));
    }
    fs::read_to_string(path)
}

/// Whether the error says that there is nothing of that name (a log line may be too long for one).
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> SourceError {
    move |source| SourceError::Unreadable { path: path.to_owned(), source }
}

/// The log at a path, by its type and its first bytes.
pub(super) fn log_at(path: &Path) -> Result<Log, SourceError> {
    let meta = fs::metadata(path)
        .map_err(|error| if is_absent(&error) { missing(path) } else { unreadable(path)(error) })?;
    let kind = if meta.is_file() || path == Path::new("/dev/null") {
        let compression = Compression::of_file(path).map_err(unreadable(path))?;
        compression.map_or(LogKind::Plain, LogKind::Archive)
    } else if meta.file_type().is_fifo() {
        LogKind::Pipe
    } else {
        return Err(SourceError::NotALog { path: path.to_owned(), what: what(meta.file_type()) });
    };
    Ok(Log { path: path.to_owned(), kind })
}

pub(super) fn what(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// The error for a file that isn't there, with the most similar name that is.
fn missing(path: &Path) -> SourceError {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let nearest = nearest(&name, names.iter().map(String::as_str)).map(str::to_owned);
    SourceError::Missing { path: path.to_owned(), nearest }
}

/// The logs directly in a folder, by name.
fn expand_folder(folder: &Path, all: &mut Expanded) -> Result<(), SourceError> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable(folder))?;
    paths.sort();
    let before = all.logs.len();
    let mut left_out = LeftOut { folder: folder.to_owned(), files: Vec::new() };
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        match why_left_out(&path, name)? {
            Some(why) => left_out.files.push((name.to_owned(), why)),
            None => all.logs.push(log_at(&path)?),
        }
    }
    let left_out = Some(left_out).filter(|left_out| !left_out.files.is_empty());
    if all.logs.len() == before {
        return Err(SourceError::NoLogs { folder: folder.to_owned(), left_out });
    }
    all.left_out.extend(left_out);
    Ok(())
}

/// Why a file of a folder is not among its logs; a log that can't be read is an error.
fn why_left_out(path: &Path, name: &OsStr) -> Result<Option<&'static str>, SourceError> {
    let Ok(meta) = fs::metadata(path) else { return Ok(Some("leads nowhere")) };
    if is_hidden(name) {
        return Ok(Some("hidden"));
    }
    if !meta.is_file() {
        return Ok(Some(what(meta.file_type())));
    }
    Ok(match log_at(path)?.kind {
        // A damaged archive is one of the logs that were asked for: its reader will report it.
        LogKind::Archive(_) => Form::of_archive(path).and_then(Form::other),
        _ => Form::of_plain(path).map_err(unreadable(path))?.other(),
    })
}

/// The files that match a pattern, by name; folders among them are left out.
fn matching(pattern: &OsStr) -> Result<Vec<PathBuf>, SourceError> {
    let root = if pattern.as_bytes().starts_with(b"/") { "/" } else { "" };
    let mut paths = vec![PathBuf::from(root)];
    for name in NamePattern::split(pattern) {
        let name = NamePattern::new(name).map_err(|source| SourceError::BadPattern {
            pattern: pattern.to_string_lossy().into_owned(),
            source,
        })?;
        if let Some(name) = name.as_literal() {
            for path in &mut paths {
                path.push(name);
            }
        } else {
            paths = inside(&paths, &name)?;
        }
    }
    paths.retain(|path| path.is_file());
    Ok(paths)
}

fn expand_pattern(pattern: &OsStr, logs: &mut Vec<Log>) -> Result<(), SourceError> {
    let paths = matching(pattern)?;
    if paths.is_empty() {
        return Err(SourceError::NoMatch { pattern: pattern.to_string_lossy().into_owned() });
    }
    for path in paths {
        logs.push(log_at(&path)?);
    }
    Ok(())
}

/// What matches in any of the folders, each folder's by name.
fn inside(folders: &[PathBuf], pattern: &NamePattern) -> Result<Vec<PathBuf>, SourceError> {
    let mut found = Vec::new();
    for folder in folders {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !listed.is_dir() {
            continue;
        }
        let names = pattern.names_in(listed).map_err(unreadable(listed))?;
        found.extend(names.iter().map(|name| folder.join(name)));
    }
    Ok(found)
}

/// What two names of one file have in common; `None` for what can't be named twice by accident.
fn identity(log: &Log) -> Option<(u64, u64)> {
    match log.kind {
        // No file has inode 0.
        LogKind::Stdin => Some((0, 0)),
        LogKind::Literal(_) => None,
        LogKind::Plain | LogKind::Archive(_) | LogKind::Pipe => {
            fs::metadata(&log.path).ok().map(|meta| (meta.dev(), meta.ino()))
        }
    }
}

/// Puts the generations of each log in order, at the place of the first one.
fn in_time_order(logs: Vec<Log>) -> Vec<Log> {
    let mut sets: Vec<Vec<(Age, Log)>> = Vec::new();
    let mut by_base: HashMap<(PathBuf, String), usize> = HashMap::new();
    for log in logs {
        let Some((base, age)) = set_of(&log) else {
            sets.push(vec![(Age::Current, log)]);
            continue;
        };
        let set = *by_base.entry(base).or_insert(sets.len());
        if set == sets.len() {
            sets.push(Vec::new());
        }
        sets[set].push((age, log));
    }
    for set in &mut sets {
        set.sort_by(|(a, x), (b, y)| (a, &x.path).cmp(&(b, &y.path)));
    }
    sets.into_iter().flatten().map(|(_, log)| log).collect()
}

/// The folder and shared name of the rotated set that a log belongs to, and its age in it.
fn set_of(log: &Log) -> Option<((PathBuf, String), Age)> {
    if !matches!(log.kind, LogKind::Plain | LogKind::Archive(_)) {
        return None;
    }
    let (base, age) = generation(&log.path.file_name()?.to_string_lossy());
    let folder = log.path.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Two spellings of one folder are one folder.
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    Some(((folder, base), age))
}

#[cfg(test)]
mod tests;
