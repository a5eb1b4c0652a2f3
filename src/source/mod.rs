//! Bytes to lines, each with a place that holds for good.
//!
//! [`expand`] turns what a person names (files, globs, folders, `-`) into [`Log`]s, rotated sets
//! oldest first. A plain log is mapped ([`MappedFile`]) and cut into chunks of whole lines
//! ([`chunk`]) for as many threads as there are; everything else (archives, pipes, a line given on
//! the command line) comes as [`Blocks`] of whole lines. Both give offsets in the *uncompressed* log,
//! and with the log's [`Head`](crate::model::Head) such an offset is a line's place, through rotation and compression:
//! see `docs/decisions/0001-place.md`.
//!
//! A log that is still written is a file that grows ([`Growing`]); a [`Watch`] says when it may have, or when its name
//! may stand for another file. Which logs those are, [`followed`] says.
//! What has no lines, systemd's journal, is read by [`journal`], entry by entry.
//!
//! A line may have no end: what is behind [`LINE_MAX_BYTES`] and one byte of it is passed over, in constant memory; the
//! one byte says that there was more.
//!
//! Nothing here knows jails or filters or looks for dates. Text is decoded only where a line end isn't one byte. The rules for names come
//! from fail2ban 1.0.2 (`logpath` globs, Python's `glob`), logrotate, newsyslog and multilog.

mod archive;
mod chunk;
mod form;
mod growing;
pub mod journal;
mod line_ends;
mod map;
mod paths;
mod pattern;
mod rotation;
mod watch;

use std::borrow::Cow;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub use archive::{BLOCK_BYTES, Block, Blocks, Compression};
pub use chunk::{chunk, chunk_count};
pub use form::Oddity;
pub use growing::{FileId, Growing, Grown};
pub(crate) use line_ends::LineEnds;
pub use map::MappedFile;
pub use paths::{
    Expanded, LeftOut, distinct, expand, expand_all, followed, is_same, read_list, rotated,
    stands_for,
};
pub use watch::{Seen, Watch, WatchError};

use crate::model::Time;
use crate::text::printable;

/// So much of a line is looked at. fail2ban has no such bound, and no memory for a line without an end; a service that
/// writes longer lines than this on purpose is not known.
pub const LINE_MAX_BYTES: usize = 1 << 20;

/// Something to read lines from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file as it was named; `-` for standard input, `<literal>` for a line from the command
    /// line.
    pub path: PathBuf,
    /// What it is.
    pub kind: LogKind,
}

/// What a log is, and thereby how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// An uncompressed regular file: map it.
    Plain,
    /// A compressed file: read its [`Blocks`].
    Archive(Compression),
    /// Standard input: read its [`Blocks`].
    Stdin,
    /// A named pipe or a shell's `<(…)`: read its [`Blocks`]; it can be read only once.
    Pipe,
    /// Lines given in place of a file name.
    Literal(Vec<u8>),
}

impl LogKind {
    /// Whether its bytes can be had a second time.
    pub fn can_be_reread(&self) -> bool {
        matches!(self, Self::Plain | Self::Archive(_))
    }
}

impl Log {
    /// The log at `path`, by its type and first bytes.
    ///
    /// # Errors
    ///
    /// There is no such file, it can't be read, or it is something that has no lines: a folder, a
    /// device, a socket.
    pub fn at(path: &Path) -> Result<Self, SourceError> {
        paths::log_at(path)
    }

    /// The log as a stream of blocks, whatever its kind.
    ///
    /// # Errors
    ///
    /// The file can't be opened or its first bytes can't be read.
    pub fn blocks(&self) -> Result<Blocks, SourceError> {
        match &self.kind {
            LogKind::Plain | LogKind::Archive(_) | LogKind::Pipe => Blocks::open(&self.path),
            LogKind::Stdin => Blocks::stdin(),
            LogKind::Literal(text) => {
                Ok(Blocks::of_text(&self.path, io::Cursor::new(text.clone())))
            }
        }
    }

    /// What is odd about it, as its beginning (uncompressed, decoded, some 64 KiB of it) says.
    ///
    /// # Errors
    ///
    /// Its name says that it is an archive, and it is neither one that can be read nor text.
    pub fn oddity(&self, beginning: &[u8]) -> Result<Option<Oddity>, SourceError> {
        match self.kind {
            LogKind::Plain => form::oddity(&self.path, false, beginning),
            LogKind::Archive(_) | LogKind::Stdin | LogKind::Pipe => {
                form::oddity(&self.path, true, beginning)
            }
            LogKind::Literal(_) => Ok(None),
        }
    }

    /// Its name in reports and in the store: the path as it was named, `-` for standard input.
    pub fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Its size on disk; `None` for what is not a file.
    pub fn size_bytes(&self) -> Option<u64> {
        match self.kind {
            LogKind::Plain | LogKind::Archive(_) => Some(std::fs::metadata(&self.path).ok()?.len()),
            LogKind::Stdin | LogKind::Pipe | LogKind::Literal(_) => None,
        }
    }

    /// When the log was last written: what gzip noted of the original, else the file's own time.
    pub fn modified(&self) -> Option<Time> {
        match self.kind {
            LogKind::Archive(Compression::Gzip) => archive::gzip_modified(&self.path),
            LogKind::Plain | LogKind::Archive(_) => None,
            LogKind::Stdin | LogKind::Pipe | LogKind::Literal(_) => return None,
        }
        .or_else(|| modified(&std::fs::metadata(&self.path).ok()?))
    }
}

/// When a file was last written.
fn modified(meta: &Metadata) -> Option<Time> {
    let micros = |d: std::time::Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
    let at = meta.modified().ok()?;
    Some(Time::from_micros(match at.duration_since(UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    }))
}

/// Why a log can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no file of that name.
    #[error("{}: no such file{}", show(.path), did_you_mean(.nearest.as_deref()))]
    Missing {
        /// As it was named.
        path: PathBuf,
        /// The most similar name in that folder.
        nearest: Option<String>,
    },
    /// The system refuses.
    #[error("{}: can't be read: {source}", show(.path))]
    Unreadable {
        /// As it was named.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No file matches a pattern.
    #[error("{}: no file matches this pattern", shown_pattern(.pattern))]
    NoMatch {
        /// As it was given.
        pattern: String,
    },
    /// The pattern makes no sense.
    #[error("{}: not a pattern: {source}", shown_pattern(.pattern))]
    BadPattern {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// Nothing in the folder is a log.
    #[error(
        "{}: no logs in this folder{}; name the files, or a folder that directly holds them",
        show(.folder),
        .left_out.as_ref().map_or(String::new(), |left_out| format!(", for left out are {}", left_out.names()))
    )]
    NoLogs {
        /// As it was named.
        folder: PathBuf,
        /// What is in it.
        left_out: Option<LeftOut>,
    },
    /// The name of a file promises an archive.
    #[error("{}: not {says}, as its name says: it is {is}; nothing of it was read", show(.path))]
    NotAnArchive {
        /// As it was named.
        path: PathBuf,
        /// What its name says, with an article.
        says: &'static str,
        /// What it is instead.
        is: &'static str,
    },
    /// An archive of a form that f2b doesn't know.
    #[error("{}: {says}, which f2b can't read: nothing of it was read; unpack it", show(.path))]
    UnknownArchive {
        /// As it was named.
        path: PathBuf,
        /// What its name says, with an article.
        says: &'static str,
    },
    /// Neither file, folder nor pipe.
    #[error("{}: {what} is not a log", show(.path))]
    NotALog {
        /// As it was named.
        path: PathBuf,
        /// What it is: `a device`, `a socket`.
        what: &'static str,
    },
    /// It was cut short by somebody else; what is left of it was read.
    #[error(
        "{}: shrank from {from_bytes} to {to_bytes} bytes while it was read; what was cut off is missed",
        show(.path)
    )]
    Shrank {
        /// As it was named.
        path: PathBuf,
        /// Its length when it was opened.
        from_bytes: u64,
        /// Its length when that was noticed.
        to_bytes: u64,
    },
    /// Reading broke off; what came before it holds.
    #[error(
        "{}: {} after {read_bytes} bytes of text: {source}; the lines before were read",
        show(.path),
        .compression.map_or("can't be read".to_owned(), |c| format!("damaged {} archive", c.name()))
    )]
    Broken {
        /// As it was named.
        path: PathBuf,
        /// Its compression, if it has one.
        compression: Option<Compression>,
        /// The length of the whole lines that were delivered.
        read_bytes: u64,
        /// What the decoder or the system says.
        source: io::Error,
    },
}

impl SourceError {
    /// What was named, if it is only that nothing is there; it may be there another time.
    pub fn absent(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Missing { path, .. } => Some(path.to_string_lossy()),
            Self::NoMatch { pattern } => Some(pattern.into()),
            _ => None,
        }
    }
}

fn show(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return "''".to_owned();
    }
    printable(&path.to_string_lossy()).into_owned()
}

fn shown_pattern(pattern: &str) -> String {
    crate::text::shown(pattern).into_owned()
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean '{}'?", printable(name)))
}
