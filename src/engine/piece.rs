//! The hot loop: one piece of a log, line by line, from bytes to matches.
//!
//! A piece is a run of whole lines: a chunk of a memory map, or a block out of a decompressor. Every
//! line is counted and dated; only lines that contain a literal which the filter cannot do without
//! meet a regular expression. The text searched is a slice of the piece itself, wherever the date
//! stands at the very beginning of a line; nothing is allocated for a line unless it matched.

use memchr::{memchr, memrchr};

use super::judge::{self, Kind, Seen};
use super::lookup::Names;
use super::timeline::{Timeline, Trail};
use super::totals::{SampleLimits, Totals};
use crate::date::{Detector, Found, Resolver, Stamp, TemplateId, Templates};
use crate::filter::{Candidates, Filter, Hit, Id, Matcher, Mode, OwnedHit, Verdict, Window};
use crate::model::{Match, Matches, Place, Time};

/// How far before a piece its first date is looked for.
const LOOK_BACK_BYTES: usize = 16 << 10;

/// What every piece of a scan has in common.
#[derive(Clone, Copy)]
pub(super) struct Setup<'s> {
    pub(super) filter: &'s Filter,
    pub(super) templates: &'s Templates,
    pub(super) names: &'s Names,
    pub(super) mode: Mode,
    pub(super) encoding: &'static encoding_rs::Encoding,
    pub(super) limits: SampleLimits,
    /// Whether matches are wanted one by one, not just counted.
    pub(super) keep_matches: bool,
    /// Whether every hit is wanted for the verbose report.
    pub(super) keep_hits: bool,
    /// Whether only the trail of stamps is wanted: a first pass that dates and does not match.
    pub(super) trail_only: bool,
}

/// What came of one piece.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// What was counted.
    pub totals: Totals,
    /// Matched lines in order, if they were wanted.
    pub matches: Matches,
    /// The hits of each of these lines, where state across lines decides what they mean; else empty.
    pub(super) hits: Vec<Vec<OwnedHit>>,
    /// Lines of any kind.
    pub(super) line_ends: u64,
    pub(super) trail: Trail,
    /// Offset of the piece in the uncompressed log.
    pub(super) base: u64,
}

impl Piece {
    /// Counts a line that a failregex matched.
    pub(super) fn count(&mut self, kind: Kind, text: &[u8], line: &Match, limits: SampleLimits) {
        match kind {
            Kind::Matched => {
                self.totals.lines.matched += 1;
                self.totals.matched.keep(text, limits.matched);
            }
            Kind::Ignored => {
                self.totals.lines.ignored += 1;
                self.totals.ignored.keep(text, limits.ignored);
            }
            Kind::Missed => self.missed(text, limits),
        }
        for host in &line.failures {
            self.totals.hosts.count(host, line.time);
        }
    }

    /// Notes, of the last piece of a log, which is of these bytes, if it ends without a line end.
    pub(super) fn mark_unfinished(&mut self, bytes: &[u8]) {
        let start = self.base + memrchr(b'\n', bytes).map_or(0, |end| end as u64 + 1);
        if let Some(last) = self.matches.lines.last_mut().filter(|last| last.place.offset == start)
        {
            last.is_unfinished = true;
        }
    }

    fn missed(&mut self, line: &[u8], limits: SampleLimits) {
        self.totals.lines.missed += 1;
        self.totals.missed.keep(line, limits.missed);
    }
}

/// One thread's state for the pieces of one log.
pub(super) struct Scanner<'s> {
    setup: Setup<'s>,
    timeline: &'s Timeline,
    detector: Detector,
    resolver: Resolver,
    matcher: Matcher<'s>,
    /// The lines before, for a filter that looks at several; each with its bytes.
    window: Option<Window<Vec<u8>>>,
    /// The date of the last line that has one, and where that line is.
    last_date: Option<(Stamp, u64)>,
    /// A line put together anew: date cut out of the middle, CR removed, or decoded.
    scratch: Vec<u8>,
    decoded: Vec<u8>,
}

impl<'s> Scanner<'s> {
    pub(super) fn new(
        setup: Setup<'s>,
        timeline: &'s Timeline,
        resolver: Resolver,
        prime: Option<TemplateId>,
    ) -> Self {
        let mut detector = setup.templates.detector();
        if let Some(template) = prime {
            detector.prime(template);
        }
        Self {
            setup,
            timeline,
            detector,
            resolver,
            matcher: Matcher::new(setup.filter),
            window: (setup.filter.maxlines() > 1).then(|| Window::new(setup.filter.maxlines())),
            last_date: None,
            scratch: Vec::new(),
            decoded: Vec::new(),
        }
    }

    /// Learns the date that holds where a piece begins, from the lines before it, the last of which has one
    /// in most logs.
    pub(super) fn look_back(&mut self, before: &[u8]) {
        let mut detector = self.setup.templates.detector();
        if let Some(template) = self.detector.winner() {
            detector.prime(template);
        }
        let offset = before.len() as u64;
        let before = &before[before.len().saturating_sub(LOOK_BACK_BYTES)..];
        let lines = before.strip_suffix(b"\n").unwrap_or(before).rsplit(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !matches!(line, [] | [b'#', ..]));
        let mut stamps = lines.filter_map(|line| detector.find(line)).map(|found| found.stamp);
        self.last_date = stamps.find(|stamp| !stamp.is_undated()).map(|stamp| (stamp, offset));
    }

    /// Scans the lines in `bytes`, which stand at `base` in their log.
    pub(super) fn piece(&mut self, bytes: &[u8], base: u64) -> Piece {
        let mut piece = Piece { base, ..Piece::default() };
        piece.totals.failregex = vec![0; self.setup.filter.failregex().len()];
        piece.totals.ignoreregex = vec![0; self.setup.filter.ignoreregex().len()];
        piece.totals.bytes = bytes.len() as u64;
        let hits_before = self.detector.hits().to_vec();
        self.lines(bytes, &mut piece);
        piece.totals.dates = self
            .detector
            .hits()
            .iter()
            .zip(hits_before)
            .map(|(now, before)| now - before)
            .collect();
        piece.totals.gave_up = self.matcher.take_gave_up();
        piece
    }

    fn lines(&mut self, bytes: &[u8], piece: &mut Piece) {
        let is_utf8 = self.setup.encoding == encoding_rs::UTF_8;
        let candidates =
            self.setup.filter.candidates().filter(|_| is_utf8 && !self.setup.trail_only);
        let mut next = candidates.map(|c| c.find(bytes, 0).unwrap_or(bytes.len()));
        let mut start = 0;
        while start < bytes.len() {
            let until = if self.setup.trail_only { bytes.len() } else { next.unwrap_or(start) };
            start += self.skip(&bytes[start..until.max(start)], piece);
            if start == bytes.len() {
                return;
            }
            let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            piece.line_ends += 1;
            let line = without_cr(&bytes[start..end]);
            if !(line.is_empty() || line[0] == b'#') {
                let is_candidate = next.is_none_or(|at| at < end);
                let raw = &bytes[start..bytes.len().min(end + 1)];
                if is_utf8 {
                    self.line(line, raw, is_candidate, candidates, start as u64, piece);
                } else {
                    self.foreign_line(line, start as u64, piece);
                }
            }
            if let (Some(candidates), Some(at)) = (candidates, next)
                && at < end
            {
                next = Some(candidates.find(bytes, end).unwrap_or(bytes.len()));
            }
            start = end + 1;
        }
    }

    /// Passes over whole lines at the beginning of `bytes`, none of them a candidate, as long as they have
    /// the date of the line before: they are missed and there is nothing else to say. Bytes passed.
    fn skip(&mut self, bytes: &[u8], piece: &mut Piece) -> usize {
        let wants_samples = piece.totals.missed.lines.len() < self.setup.limits.missed;
        // The first line of a piece is looked at, for the trail begins with it.
        if wants_samples || piece.line_ends == 0 {
            return 0;
        }
        let (mut start, mut lines) = (0, 0);
        while self.detector.repeats(&bytes[start..]) {
            let Some(len) = memchr(b'\n', &bytes[start..]) else { break };
            lines += 1;
            start += len + 1;
        }
        self.detector.count_repeats(lines);
        piece.line_ends += lines;
        piece.totals.lines.missed += lines;
        start
    }

    /// A line in another encoding is decoded first; only its place is that of the original bytes.
    fn foreign_line(&mut self, line: &[u8], start: u64, piece: &mut Piece) {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        decoded
            .extend_from_slice(self.setup.encoding.decode_without_bom_handling(line).0.as_bytes());
        self.line(&decoded, &decoded, true, None, start, piece);
        self.decoded = decoded;
    }

    /// One line that is neither blank nor a comment; `raw` is the line with its end, if it has one.
    fn line(
        &mut self,
        line: &[u8],
        raw: &[u8],
        is_candidate: bool,
        candidates: Option<&Candidates>,
        start: u64,
        piece: &mut Piece,
    ) {
        let found = self.detector.find(line);
        let offset = piece.base + start;
        if let Some(found) = &found
            && !found.stamp.is_undated()
        {
            self.last_date = Some((found.stamp, offset));
        }
        if let Some(found) = &found
            && (!found.is_repeat || piece.trail.is_empty())
            && let Some(yearless) = found.stamp.yearless()
        {
            piece.trail.note(yearless.secs(), offset);
        }
        if self.setup.trail_only {
            return;
        }
        if !is_candidate && !self.straddles(line, found.as_ref(), candidates) {
            piece.missed(line, self.setup.limits);
            return;
        }
        self.examine(line, raw, found, offset, piece);
    }

    /// Whether a literal arises only where the date is cut out between its halves.
    fn straddles(
        &mut self,
        line: &[u8],
        found: Option<&Found>,
        candidates: Option<&Candidates>,
    ) -> bool {
        let (Some(found), Some(candidates)) = (found, candidates) else { return false };
        if found.cut.start == 0 {
            return false;
        }
        let reach = candidates.max_len().saturating_sub(1);
        let (before, after) = (&line[..found.cut.start], &line[found.cut.end..]);
        self.scratch.clear();
        self.scratch.extend_from_slice(&before[before.len().saturating_sub(reach)..]);
        self.scratch.extend_from_slice(&after[..after.len().min(reach)]);
        candidates.is_match(&self.scratch)
    }

    fn examine(
        &mut self,
        line: &[u8],
        raw: &[u8],
        found: Option<Found>,
        offset: u64,
        piece: &mut Piece,
    ) {
        let text = searched_text(line, raw, found.as_ref(), &mut self.scratch);
        let mode = self.setup.mode;
        let verdict = match &mut self.window {
            None => self.matcher.examine(text, mode),
            Some(window) => {
                let verdict = window.push(&mut self.matcher, text, line.to_vec(), mode);
                for earlier in window.consumed() {
                    piece.totals.regain(earlier);
                }
                verdict
            }
        };
        piece.totals.prefregex += u64::from(self.matcher.prefregex_matched());
        match verdict {
            Verdict::Missed => piece.missed(line, self.setup.limits),
            Verdict::Ignored { regex, times } => {
                piece.totals.ignoreregex[regex] += times;
                piece.totals.lines.ignored += 1;
                piece.totals.ignored.keep(line, self.setup.limits.ignored);
            }
            Verdict::Matched => self.matched(line, found, offset, piece),
        }
    }

    fn matched(&mut self, line: &[u8], found: Option<Found>, offset: u64, piece: &mut Piece) {
        let time = self.time(found, offset);
        let hits = self.matcher.hits();
        for hit in hits {
            piece.totals.failregex[hit.regex] += 1;
        }
        if self.setup.filter.has_sessions() {
            self.session_line(line, time, offset, piece);
            return;
        }
        let text = self.matcher.text();
        if !self.setup.keep_matches
            && !self.setup.keep_hits
            && let [Hit { id: Some(Id::Addr(addr)), nofail: false, .. }] = hits
        {
            piece.totals.lines.matched += 1;
            piece.totals.hosts.count_addr(*addr, time);
            piece.totals.matched.keep(line, self.setup.limits.matched);
            return;
        }
        let seen: Vec<Seen> =
            hits.iter().map(|hit| Seen::of(hit, self.setup.filter, text)).collect();
        judge::note(&seen, time, self.setup.keep_hits, piece);
        let place = Place { offset, line: piece.line_ends };
        let mut found = Match { place, time, ..Match::default() };
        let kind = judge::judge(&mut found, seen, self.setup.names);
        piece.count(kind, line, &found, self.setup.limits);
        if self.setup.keep_matches {
            found.text = piece.matches.keep(line);
            piece.matches.lines.push(found);
        }
    }

    /// When a line was written: what its date says, or else the last date before it. A line without one
    /// continues what came before, as the second line of an event does. Where lines have no dates, as their
    /// filter says, they are of now.
    fn time(&mut self, found: Option<Found>, offset: u64) -> Option<Time> {
        let mut resolve =
            |stamp: Stamp, at| self.resolver.resolve(&stamp, self.timeline.year_at(at));
        let own = found.map(|found| found.stamp);
        if let Some(time) = own.filter(|own| !own.is_undated()).and_then(|own| resolve(own, offset))
        {
            return Some(time);
        }
        match self.last_date {
            Some((stamp, at)) => resolve(stamp, at),
            None => own.and_then(|own| resolve(own, offset)),
        }
    }

    /// A line of a filter with state: what it means is decided later, in line order.
    fn session_line(&self, line: &[u8], time: Option<Time>, offset: u64, piece: &mut Piece) {
        let (filter, text) = (self.setup.filter, self.matcher.text());
        let place = Place { offset, line: piece.line_ends };
        let text_range = piece.matches.keep(line);
        piece.matches.lines.push(Match { place, text: text_range, time, ..Match::default() });
        piece.hits.push(self.matcher.hits().iter().map(|hit| hit.to_owned(filter, text)).collect());
    }
}

/// A line without the carriage returns at its end.
fn without_cr(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}

/// The line with its date cut out and one newline at its end; a slice of `raw` where that is one.
fn searched_text<'t>(
    line: &'t [u8],
    raw: &'t [u8],
    found: Option<&Found>,
    scratch: &'t mut Vec<u8>,
) -> &'t [u8] {
    let (before, after) = match found {
        Some(found) => (&line[..found.cut.start], found.cut.end),
        None => (&line[..0], 0),
    };
    if before.is_empty() && raw.len() == line.len() + 1 {
        return &raw[after..];
    }
    scratch.clear();
    scratch.extend_from_slice(before);
    scratch.extend_from_slice(&line[after..]);
    scratch.push(b'\n');
    scratch
}
