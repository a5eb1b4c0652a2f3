//! A line that a filter matched, from the worker that found it to the store and the screen.

use std::ops::Range;

use super::{Fields, Host, Time};

/// Where a line stands in its uncompressed log; with the log's head it is found again through rotation
/// and compression (`docs/decisions/0001-place.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its number, from 1; blank lines and comments count.
    pub line: u64,
}

/// A line that a failregex matched, and what that means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Where it stands.
    pub place: Place,
    /// Where its bytes are in [`Matches::texts`], without the line end.
    pub text: Range<usize>,
    /// How many bytes before these are of earlier lines that belong to it, each with a newline: those that an
    /// expression of several lines spans. Its place and its text are those of its last line.
    pub before: u32,
    /// When it was written; `None` without a date.
    pub time: Option<Time>,
    /// The first failregex that matched, from 0.
    pub regex: usize,
    /// What identifies the failure.
    pub id: Option<Host>,
    /// The address or name that the expression captured.
    pub host: Option<Host>,
    /// Whether it counts no failure by itself.
    pub nofail: bool,
    /// Why nobody failed, where nobody did.
    pub no_failure: Option<NoFailure>,
    /// Named captures.
    pub fields: Fields,
    /// Everyone who tried on the same connection, where the filter tracks connections.
    pub users: Vec<String>,
    /// How many lines make up the failure, this one included: those of its connection, else 1. Says nothing
    /// where there is no failure.
    pub attempts: u64,
    /// Whether its log ends in it, without a line end: its writer may not be done with it.
    pub is_unfinished: bool,
    /// Who failed: none if `nofail`, several if a name has several addresses.
    pub failures: Vec<Host>,
    /// Who would have failed, if the jail didn't ignore them.
    pub ignored: Vec<Host>,
}

/// Why a matched line is nobody's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoFailure {
    /// The filter says that it is context: an accepted login, the beginning of a connection.
    Context,
    /// It identifies nobody, or nobody yet.
    Nobody,
    /// It names a host, and names of hosts are passed over.
    Name,
    /// It names a host, and the name has no address.
    Unresolved,
    /// The jail ignores who it is.
    Ignored,
}

impl NoFailure {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Nobody => "nobody",
            Self::Name => "name",
            Self::Unresolved => "unresolved",
            Self::Ignored => "ignored",
        }
    }
}

impl Match {
    /// Whether someone failed.
    pub fn is_failure(&self) -> bool {
        !self.failures.is_empty()
    }
}

/// Matched lines of a piece of a log, in order, with the bytes of the lines.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// The lines.
    pub lines: Vec<Match>,
    /// What [`Match::text`] points into: one allocation for a piece, not one a line.
    pub texts: Vec<u8>,
}

impl Matches {
    /// The bytes of a line, without its end.
    pub fn text(&self, line: &Match) -> &[u8] {
        &self.texts[line.text.clone()]
    }

    /// The bytes of a line and of the earlier ones that belong to it, with newlines between them.
    pub fn whole(&self, line: &Match) -> &[u8] {
        let before = usize::try_from(line.before).unwrap_or(0);
        &self.texts[line.text.start.saturating_sub(before)..line.text.end]
    }

    /// Keeps the bytes of a line and says where.
    pub fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.texts.len();
        self.texts.extend_from_slice(text);
        start..self.texts.len()
    }
}
