//! What comes out of a scan: matches on the way, sums at its end.

use super::totals::Totals;
use crate::model::{Head, Matches};
use crate::source::{Oddity, SourceError};

/// A log as the sinks see it.
#[derive(Clone, Debug)]
pub struct LogInfo {
    /// The path, or `-`.
    pub name: String,
    /// Whether its bytes can be read at its name as they were scanned: a plain file in UTF-8.
    pub is_plain: bool,
    /// What identifies it for good; `None` if it holds nothing, or is a literal line.
    pub head: Option<Head>,
}

/// Where matches go, one log after the other, those of each jail in line order.
pub trait Sink {
    /// What may go wrong.
    type Error;

    /// Takes the matches that a jail, by its place in [`Scan::jails`], has in a piece; never empty.
    fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), Self::Error>;
}

/// A log that could not be read to its end; the others were.
#[derive(Debug)]
pub struct Unread {
    /// Which log.
    pub log: String,
    /// Why.
    pub error: SourceError,
}

/// What a scan came to for one jail.
#[derive(Debug, Default)]
pub struct Counted {
    /// What was counted.
    pub totals: Totals,
    /// Logs with lines that an expression took too long for, and how many.
    pub undecided: Vec<(String, u64)>,
}

/// What a scan came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For each of [`Scan::jails`].
    pub jails: Vec<Counted>,
    /// Logs that could not be read, or not to their end.
    pub unread: Vec<Unread>,
    /// Logs that were read and are odd.
    pub odd: Vec<(String, Oddity)>,
    /// Logs with lines of which only the beginning was looked at, and how many.
    pub cut: Vec<(String, u64)>,
    /// Whether it was stopped.
    pub interrupted: bool,
}
