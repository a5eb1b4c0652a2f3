//! The per-line core: the lines of one log, for a set of jails, from bytes to matches.
//!
//! A [`Stream`] takes a log block by block, each of whole lines: a chunk of a memory map, a block out of a
//! decompressor, or what a live log has grown by. Every line is counted and dated, once for all jails
//! that date alike; only lines that contain a literal which a filter cannot do without meet its regular
//! expressions ([`Lane`]). The text searched is a slice of the block itself, wherever the date stands at
//! the very beginning of a line; nothing is allocated for a line unless it matched.

use std::ops::Range;

use memchr::memchr;

use super::dating::{Dating, Learnt, all};
use super::lane::Lane;
use super::line::{Line, is_cut, looked_at};
use super::lookup::Names;
use super::piece::{Piece, Share};
use super::set::JailSet;
use super::timeline::{Timeline, Trail};
use super::wanted::{Manner, Wanted};
use crate::date::Found;
use crate::model::Time;
use crate::source::{LINE_MAX_BYTES, LineEnds};

/// One log's lines, in order, or those of a chunk of it.
pub struct Stream<'s> {
    set: &'s JailSet,
    wanted: Wanted,
    datings: Vec<Dating<'s>>,
    lanes: Vec<Lane<'s>>,
    /// The date of the line at hand, for each way of dating.
    found: Vec<Option<Found>>,
    /// A line that was decoded.
    decoded: Vec<u8>,
}

impl<'s> Stream<'s> {
    /// A stream at the beginning of a log of which nothing is known.
    pub fn new(set: &'s JailSet, names: &'s Names, wanted: Wanted) -> Self {
        const NOTHING: &Learnt = &Learnt { timeline: Timeline::Each, prime: None };
        let datings = all(set, wanted, |_| NOTHING, false);
        Self::with(set, names, wanted, datings)
    }

    /// A stream of a log that was looked at before, at its beginning or, if `is_later`, further on.
    pub(super) fn of_log(
        set: &'s JailSet,
        names: &'s Names,
        wanted: Wanted,
        learnt: &'s [Learnt],
        is_later: bool,
    ) -> Self {
        let datings = all(set, wanted, |calendar| &learnt[calendar], is_later);
        Self::with(set, names, wanted, datings)
    }

    fn with(set: &'s JailSet, names: &'s Names, wanted: Wanted, datings: Vec<Dating<'s>>) -> Self {
        let lane = |member| Lane::new(member, set.members().len() > 1, names, wanted);
        Self {
            set,
            wanted,
            lanes: set.members().iter().map(lane).collect(),
            found: vec![None; datings.len()],
            datings,
            decoded: Vec::new(),
        }
    }

    /// What it is from now on.
    pub(super) fn set_now(&mut self, now: Time) {
        self.wanted.now = now;
        self.datings.iter_mut().for_each(|dating| dating.set_now(now));
        self.lanes.iter_mut().for_each(|lane| lane.set_now(now));
    }

    /// Learns the dates that hold where a block begins, from the log before it.
    pub(super) fn look_back(&mut self, before: &[u8]) {
        self.datings.iter_mut().for_each(|dating| dating.look_back(before));
    }

    /// Scans the whole lines in `bytes`, which stand at `base` in their log.
    pub fn block(&mut self, bytes: &[u8], base: u64) -> Piece {
        let mut piece = self.piece(bytes, base);
        let before: Vec<Vec<u64>> =
            self.datings.iter().map(|dating| dating.hits().to_vec()).collect();
        self.lines(bytes, &mut piece);
        for (lane, share) in self.lanes.iter_mut().zip(&mut piece.jails) {
            let (now, before) = (self.datings[lane.calendar()].hits(), &before[lane.calendar()]);
            let dates = now.iter().zip(before).map(|(now, before)| now - before);
            share.totals.dates = dates.collect();
            share.totals.ranking = self.datings[lane.calendar()].ranking();
            share.totals.gave_up = lane.take_gave_up();
        }
        piece
    }

    /// Scans an entry of a journal, which has its time beside it: there is no date to look for or to cut out.
    pub fn entry(&mut self, text: &[u8], time: Time) -> Piece {
        let mut piece = self.piece(text, 0);
        piece.line_ends = 1;
        let (text, is_cut) = if is_cut(text) { looked_at(text) } else { (text, false) };
        piece.cut_lines = is_cut.into();
        let line = Line { text, raw: text, offset: 0, is_candidate: true, is_cut };
        for (lane, share) in self.lanes.iter_mut().zip(&mut piece.jails) {
            if lane.may_match(&line, None) {
                lane.examine(&line, None, 1, share, || Some(time));
            } else {
                lane.miss(&line, None, share);
            }
        }
        piece
    }

    fn piece(&self, bytes: &[u8], base: u64) -> Piece {
        let jails = self.lanes.iter().map(|lane| lane.share(bytes.len() as u64)).collect();
        let trails = vec![Trail::default(); self.datings.len()];
        Piece { base, jails, trails, ..Piece::default() }
    }

    fn lines(&mut self, bytes: &[u8], piece: &mut Piece) {
        // A wide encoding was decoded when it was read.
        let is_utf8 = self.set.is_wide() || self.set.encoding() == encoding_rs::UTF_8;
        let candidates = self.set.candidates().filter(|_| is_utf8);
        let mut lookout = candidates.map(|candidates| candidates.lookout(bytes));
        let sees_all = self.set.sees_all();
        let mut start = 0;
        while start < bytes.len() {
            if let Some(lookout) = lookout.as_ref().filter(|_| !sees_all) {
                // A range that no line fits into that would be cut: such a line is looked at and told.
                let clear = lookout.clear().clamp(start, start + LINE_MAX_BYTES);
                start = self.skip(bytes, start..clear, piece);
                if start == bytes.len() {
                    return;
                }
            }
            let end = memchr(b'\n', &bytes[start..]).map(|at| start + at);
            if end.is_none() && self.wanted.manner == Manner::Fail2ban {
                return;
            }
            let end = end.unwrap_or(bytes.len());
            piece.line_ends += 1;
            let is_candidate = lookout.as_mut().is_none_or(|lookout| lookout.passes(end));
            let (text, is_cut) = looked_at(&bytes[start..end]);
            if !(text.is_empty() || text[0] == b'#') {
                piece.cut_lines += u64::from(is_cut);
                let raw = &bytes[start..bytes.len().min(end + 1)];
                let line = Line {
                    text,
                    raw: if is_cut { text } else { raw },
                    offset: piece.base + start as u64,
                    is_candidate,
                    is_cut,
                };
                if is_utf8 {
                    self.line(line, piece);
                } else {
                    self.foreign_line(line, piece);
                }
            }
            start = end + 1;
        }
    }

    /// Passes over the whole lines in a `range` that begins with a line and has no candidate, as long as they have
    /// the date of the line before: they are missed and there is nothing else to say. Where it stopped.
    fn skip(&mut self, bytes: &[u8], range: Range<usize>, piece: &mut Piece) -> usize {
        let wants_sample =
            |share: &Share| share.totals.missed.lines.len() < self.wanted.limits.missed;
        // The first line of a block is looked at, for the trail begins with it.
        if piece.line_ends == 0 || piece.jails.iter().any(wants_sample) {
            return range.start;
        }
        let (start, lines) = self.repeating(bytes, range);
        if lines > 0 {
            self.datings.iter_mut().for_each(|dating| dating.count_repeats(lines));
            piece.line_ends += lines;
            for (lane, share) in self.lanes.iter().zip(&mut piece.jails) {
                lane.pass(lines, share);
            }
        }
        start
    }

    /// Where the lines end that have the date of the line before, and how many they are.
    fn repeating(&self, bytes: &[u8], range: Range<usize>) -> (usize, u64) {
        let repeats = |at: usize| self.datings.iter().all(|dating| dating.repeats(&bytes[at..]));
        let (mut start, mut lines) = (range.start, 0);
        if !repeats(start) {
            return (start, lines);
        }
        let (blocks, _) = bytes[range.clone()].as_chunks::<{ LineEnds::BLOCK_BYTES }>();
        let bases = (range.start..).step_by(LineEnds::BLOCK_BYTES);
        'blocks: for (block, base) in blocks.iter().zip(bases) {
            let (mut last, mut ends) = (start, 0);
            for end in LineEnds::of(block) {
                let next = base + end + 1;
                if !repeats(next) {
                    break 'blocks;
                }
                last = last.max(next);
                ends += 1;
            }
            (start, lines) = (last, lines + ends);
        }
        // In the block with another date, or behind the last whole block, they are counted in their order.
        while let Some(len) = memchr(b'\n', &bytes[start..range.end]) {
            start += len + 1;
            lines += 1;
            if !repeats(start) {
                break;
            }
        }
        (start, lines)
    }

    /// A line in another encoding is decoded first; only its place is that of the original bytes.
    fn foreign_line(&mut self, line: Line<'_>, piece: &mut Piece) {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        let text = self.set.encoding().decode_without_bom_handling(line.text).0;
        decoded.extend_from_slice(text.as_bytes());
        self.line(Line { text: &decoded, raw: &decoded, is_candidate: true, ..line }, piece);
        self.decoded = decoded;
    }

    /// One line that is neither blank nor a comment.
    fn line(&mut self, line: Line<'_>, piece: &mut Piece) {
        for ((dating, found), trail) in
            self.datings.iter_mut().zip(&mut self.found).zip(&mut piece.trails)
        {
            *found = dating.find(line.text, line.offset, trail);
        }
        for (lane, share) in self.lanes.iter_mut().zip(&mut piece.jails) {
            let calendar = lane.calendar();
            let found = self.found[calendar];
            if lane.may_match(&line, found.as_ref()) {
                let dating = &mut self.datings[calendar];
                let time = || dating.time(found, line.offset);
                lane.examine(&line, found, piece.line_ends, share, time);
            } else {
                lane.miss(&line, found.as_ref(), share);
            }
        }
    }
}
