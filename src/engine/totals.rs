//! What a scan counts: lines, hits of every expression and date template, failures of every host.
//!
//! Totals of pieces add up to the totals of the whole, in input order where order shows (the sample
//! lines), so that any number of threads gives the same report.

use super::line::up_to;
pub use super::tallies::{Tallies, Tally};
use crate::model::Time;

/// Lines of one log or of a whole scan, by what came of them; blank lines and comments are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that stand for a failure.
    pub matched: u64,
    /// Lines that an ignoreregex took out, or that are context and no failure by themselves.
    pub ignored: u64,
    /// All others.
    pub missed: u64,
}

impl LineCounts {
    /// All lines that were tested.
    pub fn tested(self) -> u64 {
        self.matched + self.ignored + self.missed
    }
}

/// The first lines of one kind, as shown in the report, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Lines without their line ends; the beginning of long ones, and an ellipsis.
    pub lines: Vec<Vec<u8>>,
    /// Where each stands in its log.
    offsets: Vec<u64>,
}

impl Samples {
    /// Keeps a line, which stands at `offset`, if it is among the first `limit`. Lines of a piece come in
    /// their order, but for those that had to wait for an answer.
    pub(super) fn keep(&mut self, offset: u64, line: &[u8], limit: usize) {
        if self.lines.len() >= limit && self.offsets.last().is_none_or(|last| *last < offset) {
            return;
        }
        let at = self.offsets.partition_point(|known| *known <= offset);
        self.offsets.insert(at, offset);
        self.lines.insert(at, sample(line));
        self.offsets.truncate(limit);
        self.lines.truncate(limit);
    }

    /// Takes back the newest line with these bytes.
    fn forget(&mut self, line: &[u8]) {
        let line = sample(line);
        if let Some(at) = self.lines.iter().rposition(|kept| *kept == line) {
            self.lines.remove(at);
            self.offsets.remove(at);
        }
    }

    fn add(&mut self, other: Self, limit: usize) {
        let room = limit.saturating_sub(self.lines.len());
        self.lines.extend(other.lines.into_iter().take(room));
        self.offsets.extend(other.offsets.into_iter().take(room));
    }
}

/// So much of a line is shown.
const SAMPLE_MAX_BYTES: usize = 1000;

fn sample(line: &[u8]) -> Vec<u8> {
    let shown = up_to(line, SAMPLE_MAX_BYTES);
    let mut sample = shown.to_vec();
    if shown.len() < line.len() {
        sample.extend_from_slice("…".as_bytes());
    }
    sample
}

/// Lines by which someone failed at a time that is not known, so that nobody can be banned for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undated {
    /// How many.
    pub lines: u64,
    /// One of the first of them.
    pub line: Option<Vec<u8>>,
}

impl Undated {
    /// Counts a failure at this time, if that is none.
    pub(super) fn count(&mut self, at: Option<Time>, line: &[u8]) {
        if at.is_none() {
            self.lines += 1;
            self.line.get_or_insert_with(|| line.to_vec());
        }
    }

    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.line = self.line.take().or(other.line);
    }
}

/// How many lines of each kind a report wants to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleLimits {
    /// Matched lines.
    pub matched: usize,
    /// Ignored lines.
    pub ignored: usize,
    /// Missed lines.
    pub missed: usize,
}

/// One hit of one failregex, kept only for the verbose report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitNote {
    /// Which failregex, from 0.
    pub regex: usize,
    /// The failure's id as text; empty if it has none.
    pub id: String,
    /// When.
    pub at: Option<Time>,
    /// Whether more than one expression hit this line.
    pub multiple: bool,
}

/// Everything that a scan counts.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Lines by outcome.
    pub lines: LineCounts,
    /// Bytes looked at, line ends included, uncompressed.
    pub bytes: u64,
    /// Lines that the prefregex let through.
    pub prefregex: u64,
    /// Hits of each failregex.
    pub failregex: Vec<u64>,
    /// Hits of each ignoreregex.
    pub ignoreregex: Vec<u64>,
    /// Lines dated by each template, by its position in the list.
    pub dates: Vec<u64>,
    /// Failures by host.
    pub hosts: Tallies,
    /// Lines on which a backtracking expression exceeded its step limit.
    pub gave_up: u64,
    /// Hits whose address is none (`999.1.2.3`).
    pub invalid_ids: u64,
    /// Failures without a time.
    pub undated: Undated,
    /// Sample lines that matched.
    pub matched: Samples,
    /// Sample lines that were ignored.
    pub ignored: Samples,
    /// Sample lines that were missed.
    pub missed: Samples,
    /// Every hit, for the verbose report.
    pub hits: Vec<HitNote>,
}

impl Totals {
    /// A line that was counted as missed turned out to belong to a match of several lines.
    ///
    /// The count of a piece may go below zero where the line was in the piece before; the sum is right.
    pub(super) fn regain(&mut self, offset: u64, line: &[u8], limit: usize) {
        self.lines.matched += 1;
        self.matched.keep(offset, line, limit);
        self.lines.missed = self.lines.missed.wrapping_sub(1);
        self.missed.forget(line);
    }

    /// Adds what the piece that follows in the input counted.
    pub fn add(&mut self, next: Self, limits: SampleLimits) {
        self.lines.matched += next.lines.matched;
        self.lines.ignored += next.lines.ignored;
        self.lines.missed = self.lines.missed.wrapping_add(next.lines.missed);
        self.bytes += next.bytes;
        self.prefregex += next.prefregex;
        add_counts(&mut self.failregex, &next.failregex);
        add_counts(&mut self.ignoreregex, &next.ignoreregex);
        add_counts(&mut self.dates, &next.dates);
        self.hosts.add(next.hosts);
        self.gave_up += next.gave_up;
        self.invalid_ids += next.invalid_ids;
        self.undated.add(next.undated);
        self.matched.add(next.matched, limits.matched);
        self.ignored.add(next.ignored, limits.ignored);
        self.missed.add(next.missed, limits.missed);
        self.hits.extend(next.hits);
    }
}

/// Adds counter by counter; a shorter list counts as zeros.
pub fn add_counts(sum: &mut Vec<u64>, more: &[u64]) {
    if sum.len() < more.len() {
        sum.resize(more.len(), 0);
    }
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
