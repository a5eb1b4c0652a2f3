//! What is handed to the store: what a filter found on a line.

use super::{FilterId, JailId, LogId};
use crate::model::{Fields, Host, Origin, Time};

/// What found a batch of records, and where.
#[derive(Clone, Copy, Debug)]
pub struct Scanned {
    /// The log.
    pub log: LogId,
    /// The filter.
    pub filter: FilterId,
    /// The jail against which failures count.
    pub jail: JailId,
    /// Who reads the log.
    pub origin: Origin,
}

/// A line that a filter matched, with what it found.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Where the line begins in the uncompressed log, in bytes.
    pub offset: u64,
    /// The line's number, from 1.
    pub line: u64,
    /// The line without its end.
    pub text: &'a [u8],
    /// Its time, if it has one.
    pub time: Option<Time>,
    /// Which failregex matched, from 1.
    pub regex: u16,
    /// Whether the filter says that this is no failure by itself.
    pub nofail: bool,
    /// Who is meant, if anyone.
    pub host: Option<Host>,
    /// What was caught: names and texts. What says who is meant is not stored again.
    pub fields: &'a Fields,
    /// All lines of a match of several, of which `text` is the last.
    pub whole: Option<&'a [u8]>,
    /// Whether it counts as a failure of `host`; without a host it can't.
    pub failure: bool,
}

impl Record<'_> {
    /// Whether it counts against somebody.
    pub(super) fn is_failure(&self) -> bool {
        self.failure && self.host.is_some()
    }
}
