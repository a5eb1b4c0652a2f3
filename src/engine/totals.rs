//! What a scan counts: lines, hits of every expression and date template, failures of every host.
//!
//! Totals of pieces add up to the totals of the whole, in input order where order shows (the sample
//! lines), so that any number of threads gives the same report.

use super::line::up_to;
pub use super::tallies::{Tallies, Tally};
use crate::date::Ranked;
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
    pub(super) fn keep(&mut self, offset: u64, line: &[u8], (limit, is_whole): (usize, bool)) {
        if self.lines.len() >= limit && self.offsets.last().is_none_or(|last| *last < offset) {
            return;
        }
        let at = self.offsets.partition_point(|known| *known <= offset);
        self.offsets.insert(at, offset);
        self.lines.insert(at, sample(line, is_whole));
        self.offsets.truncate(limit);
        self.lines.truncate(limit);
    }

    /// Takes back a line with these bytes.
    fn forget(&mut self, line: &[u8], is_whole: bool) {
        let line = sample(line, is_whole);
        let is_same = |kept: &Vec<u8>| *kept == line;
        // Of several that are the same, fail2ban-regex takes back the first.
        let at = if is_whole {
            self.lines.iter().position(is_same)
        } else {
            self.lines.iter().rposition(is_same)
        };
        if let Some(at) = at {
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

fn sample(line: &[u8], is_whole: bool) -> Vec<u8> {
    let shown = if is_whole { line } else { up_to(line, SAMPLE_MAX_BYTES) };
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
    /// Whether lines are kept as fail2ban-regex keeps them: whole, however long.
    pub is_whole: bool,
}

impl SampleLimits {
    pub(super) fn matched(self) -> (usize, bool) {
        (self.matched, self.is_whole)
    }

    pub(super) fn ignored(self) -> (usize, bool) {
        (self.ignored, self.is_whole)
    }

    pub(super) fn missed(self) -> (usize, bool) {
        (self.missed, self.is_whole)
    }
}

/// One hit of one failregex, kept only for the verbose report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitNote {
    /// Where its line stands in the log.
    pub offset: u64,
    /// Which failregex, from 0.
    pub regex: usize,
    /// The failure's id as text; empty if it has none.
    pub id: String,
    /// When.
    pub at: Option<Time>,
    /// Whether other expressions hit this line; in the manner of fail2ban-regex, whether two did before.
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
    /// The date templates as they were tried last, best first.
    pub ranking: Vec<Ranked>,
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
    pub(super) fn regain(&mut self, offset: u64, line: &[u8], limits: SampleLimits) {
        self.lines.matched += 1;
        self.matched.keep(offset, line, limits.matched());
        self.lines.missed = self.lines.missed.wrapping_sub(1);
        self.missed.forget(line, limits.is_whole);
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
        if !next.ranking.is_empty() {
            self.ranking = next.ranking;
        }
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

/// Adds counter by counter; a shorter list counts as zeros. One of a piece may be below zero, the sum is right.
pub fn add_counts(sum: &mut Vec<u64>, more: &[u64]) {
    if sum.len() < more.len() {
        sum.resize(more.len(), 0);
    }
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.wrapping_add(*more);
    }
}
