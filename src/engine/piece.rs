//! What came of one block of a log: sums, matched lines, and the trail of its dates.

use memchr::memrchr;

use super::line::is_cut;
use super::seen::{Open, Outcome};
use super::timeline::Trail;
use super::totals::{SampleLimits, Totals};
use crate::filter::Hits;
use crate::model::{Match, Matches, Place, Time};

/// What came of one block.
#[derive(Debug, Default)]
pub struct Piece {
    /// Offset of the block in the uncompressed log.
    pub base: u64,
    /// Lines of any kind.
    pub line_ends: u64,
    /// Lines of which only the beginning was looked at.
    pub cut_lines: u64,
    /// For each jail of the set, in its order.
    pub jails: Vec<Share>,
    /// The stamps without a year, for each way of dating in the set.
    pub(super) trails: Vec<Trail>,
    /// What it weighs while it waits for an answer.
    pub(super) weight: usize,
}

/// A jail's share of a piece.
#[derive(Debug, Default)]
pub struct Share {
    /// What was counted.
    pub totals: Totals,
    /// Matched lines in order, if they were wanted; numbered from the beginning of the block.
    pub matches: Matches,
    /// Lines whose connection decides what they mean, in order; their bytes are among those of the others.
    pub(super) pending: Vec<Pending>,
    /// The hits of each of these.
    pub(super) hits: Hits,
    /// Lines that wait for a name to be looked up; their bytes are among those of the others.
    pub(super) open: Vec<Open>,
    /// Whether the jail's command was asked about the failures.
    pub(super) is_asked: bool,
}

/// A line that waits for those before it. Small, as a log under attack has many, and most are only counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) place: Place,
    /// Where its bytes are.
    pub(super) text: (usize, usize),
    /// See [`Match::before`]; these are among its bytes.
    pub(super) before: u32,
    pub(super) time: Option<Time>,
    pub(super) is_unfinished: bool,
}

impl Pending {
    /// The line, of which nothing more is known.
    pub(super) fn line(self) -> Match {
        let Self { place, text: (start, end), before, time, is_unfinished } = self;
        let start = start + own_start(before);
        Match { place, text: start..end, before, time, is_unfinished, ..Match::default() }
    }
}

/// Where the bytes of a line begin among those of all lines that belong to it.
pub(super) fn own_start(before: u32) -> usize {
    usize::try_from(before).unwrap_or(0)
}

impl Piece {
    /// Notes, of the last piece of a log, which is of these bytes, if it ends without a line end.
    pub(super) fn mark_unfinished(&mut self, bytes: &[u8]) {
        let start = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        // Of a line that is cut, what counts is there.
        if is_cut(&bytes[start..]) {
            return;
        }
        let start = self.base + start as u64;
        for share in &mut self.jails {
            let open = share.open.last_mut().map(|open| &mut open.line);
            for last in share.matches.lines.last_mut().into_iter().chain(open) {
                last.is_unfinished |= last.place.offset == start;
            }
            if let Some(last) = share.pending.last_mut() {
                last.is_unfinished |= last.place.offset == start;
            }
        }
    }
}

impl Share {
    /// What it weighs: a line one, and a KiB of lines too.
    pub(super) fn weight(&self) -> usize {
        let lines = self.matches.lines.len() + self.pending.len() + self.open.len();
        lines + (self.matches.texts.len() >> 10)
    }

    /// Counts a line that a failregex matched.
    pub(super) fn count(
        &mut self,
        outcome: Outcome,
        text: &[u8],
        offset: u64,
        limits: SampleLimits,
    ) {
        match outcome {
            Outcome::Matched => {
                self.totals.lines.matched += 1;
                self.totals.matched.keep(offset, text, limits.matched());
            }
            Outcome::Ignored => {
                self.totals.lines.ignored += 1;
                self.totals.ignored.keep(offset, text, limits.ignored());
            }
            Outcome::Missed => self.missed(offset, text, limits),
        }
    }

    pub(super) fn missed(&mut self, offset: u64, line: &[u8], limits: SampleLimits) {
        self.totals.lines.missed += 1;
        self.totals.missed.keep(offset, line, limits.missed());
    }
}
