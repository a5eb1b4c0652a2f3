//! One jail's way through the lines of a stream: its matcher, and the lines before if it looks at several.

use super::jail::Jail;
use super::judge::Judging;
use super::line::{Line, leave_open};
use super::lookup::Names;
use super::piece::{Pending, Share};
use super::seen::Seen;
use super::set::Member;
use super::wanted::Wanted;
use crate::date::Found;
use crate::filter::{Candidates, Filter, Hit, Id, LineWindow, Matcher, Verdict};
use crate::model::{Match, Place, Time};

/// A jail's state in one stream.
pub(super) struct Lane<'s> {
    jail: &'s Jail,
    filter: &'s Filter,
    names: &'s Names,
    wanted: Wanted,
    calendar: usize,
    /// Texts without which it matches nothing.
    candidates: Option<&'s Candidates>,
    /// Whether a candidate of the set may be one of another jail alone.
    is_shared: bool,
    matcher: Matcher<'s>,
    /// The lines before, for a filter that looks at several.
    window: Option<LineWindow<Earlier>>,
    /// A line put together anew: date cut out of the middle, or CR removed.
    scratch: Vec<u8>,
    /// The hits of a line; empty between lines.
    seen: Vec<Seen>,
    /// A match's lines, if they are several.
    whole: Vec<u8>,
}

/// A line that may turn out to belong to a later one.
struct Earlier {
    offset: u64,
    text: Vec<u8>,
}

impl<'s> Lane<'s> {
    pub(super) fn new(
        member: &'s Member,
        is_shared: bool,
        names: &'s Names,
        wanted: Wanted,
    ) -> Self {
        let filter = &member.jail.filter;
        // What was decoded from another encoding has texts that its bytes don't have.
        let is_utf8 = !member.jail.encoding.is_ascii_compatible()
            || member.jail.encoding == encoding_rs::UTF_8;
        Self {
            jail: &member.jail,
            filter,
            names,
            wanted,
            calendar: member.calendar,
            candidates: filter.candidates().filter(|_| is_utf8),
            is_shared,
            matcher: Matcher::new(filter),
            window: (filter.maxlines() > 1).then(|| LineWindow::new(filter.maxlines())),
            scratch: Vec::new(),
            seen: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// Which of the set's datings is its own.
    pub(super) fn calendar(&self) -> usize {
        self.calendar
    }

    /// What it is from now on.
    pub(super) fn set_now(&mut self, now: Time) {
        self.wanted.now = now;
    }

    /// An empty share of a block of so many bytes.
    pub(super) fn share(&self, bytes: u64) -> Share {
        let mut share = Share::default();
        share.totals.failregex = vec![0; self.filter.failregex().len()];
        share.totals.ignoreregex = vec![0; self.filter.ignoreregex().len()];
        share.totals.bytes = bytes;
        share
    }

    /// Lines on which an expression was given up since the last call.
    pub(super) fn take_gave_up(&mut self) -> u64 {
        self.matcher.take_gave_up()
    }

    /// Whether a line has to be examined: one without a text that every match has need not.
    pub(super) fn may_match(&mut self, line: &Line<'_>, found: Option<&Found>) -> bool {
        let Some(candidates) = self.candidates else { return true };
        if line.is_candidate && (!self.is_shared || candidates.is_match(line.text)) {
            return true;
        }
        self.straddles(line.text, found, candidates)
    }

    /// Passes over so many lines that can't match and have the date of the line before.
    pub(super) fn pass(&self, lines: u64, share: &mut Share) {
        share.totals.lines.missed += lines;
        // The same date was told by two characters behind it: there is a text that an open prefregex matches.
        share.totals.prefregex += lines * u64::from(self.filter.has_open_prefregex());
    }

    /// Counts a line that can't match.
    pub(super) fn miss(&self, line: &Line<'_>, found: Option<&Found>, share: &mut Share) {
        let cut = found.map_or(0, |found| found.cut.end - found.cut.start);
        let is_passed = self.filter.has_open_prefregex() && line.text.len() > cut;
        share.totals.prefregex += u64::from(is_passed);
        share.missed(line.offset, line.text, self.wanted.limits);
    }

    /// Whether a literal arises only where the date is cut out between its halves.
    fn straddles(&mut self, text: &[u8], found: Option<&Found>, candidates: &Candidates) -> bool {
        let Some(found) = found.filter(|found| found.cut.start > 0) else { return false };
        let reach = candidates.max_len().saturating_sub(1);
        let (before, after) = (&text[..found.cut.start], &text[found.cut.end..]);
        self.scratch.clear();
        self.scratch.extend_from_slice(&before[before.len().saturating_sub(reach)..]);
        self.scratch.extend_from_slice(&after[..after.len().min(reach)]);
        candidates.is_match(&self.scratch)
    }

    /// Runs the filter on a line, which is the `number`th of its block; `time` says when it was written.
    pub(super) fn examine(
        &mut self,
        line: &Line<'_>,
        found: Option<Found>,
        number: u64,
        share: &mut Share,
        time: impl FnOnce() -> Option<Time>,
    ) {
        let text = searched_text(line, found.as_ref(), &mut self.scratch);
        let mode = self.wanted.mode;
        let verdict = match &mut self.window {
            None => self.matcher.examine(text, mode),
            Some(window) => {
                let tag = Earlier { offset: line.offset, text: line.text.to_vec() };
                let verdict = window.push(&mut self.matcher, text, tag, mode);
                for earlier in window.consumed() {
                    share.totals.regain(earlier.offset, &earlier.text, self.wanted.limits);
                }
                verdict
            }
        };
        share.totals.prefregex += u64::from(self.matcher.prefregex_matched());
        match verdict {
            Verdict::Missed => share.missed(line.offset, line.text, self.wanted.limits),
            Verdict::Ignored { regex, times } => {
                share.totals.ignoreregex[regex] += times;
                share.totals.lines.ignored += 1;
                share.totals.ignored.keep(line.offset, line.text, self.wanted.limits.ignored());
            }
            Verdict::Matched => {
                let place = Place { offset: line.offset, line: number };
                self.matched(line.text, time(), place, share);
            }
        }
    }

    fn matched(&mut self, line: &[u8], time: Option<Time>, place: Place, share: &mut Share) {
        let hits = self.matcher.hits();
        for hit in hits.iter().filter(|hit| hit.has_identity()) {
            share.totals.failregex[hit.regex] += 1;
        }
        let text = self.matcher.text();
        self.whole.clear();
        for earlier in self.window.iter().flat_map(LineWindow::consumed_by_first) {
            self.whole.extend_from_slice(&earlier.text);
            self.whole.push(b'\n');
        }
        let before = u32::try_from(self.whole.len()).unwrap_or(0);
        let own = line;
        let line = if before == 0 {
            own
        } else {
            self.whole.extend_from_slice(own);
            &self.whole
        };
        if self.filter.has_sessions() {
            // What it means is decided later, in line order.
            let text = share.matches.keep(line);
            let text = (text.start, text.end);
            share.pending.push(Pending { place, text, before, time, is_unfinished: false });
            share.hits.keep(&self.matcher);
            return;
        }
        if !self.wanted.matches
            && !self.wanted.hits
            && let [Hit { id: Some(Id::Addr(addr)), nofail: false, .. }] = hits
        {
            share.totals.lines.matched += 1;
            share.totals.hosts.count_addr(*addr, time);
            share.totals.undated.count(time, own);
            share.totals.matched.keep(place.offset, own, self.wanted.limits.matched());
            return;
        }
        self.seen.extend(hits.iter().map(|hit| Seen::of(hit, self.filter, text)));
        let found = Match { place, before, time, ..Match::default() };
        let judging = Judging { jail: self.jail, names: self.names, wanted: self.wanted };
        judging.take(found, &mut self.seen, line, share);
    }
}

/// The line with its date cut out and one newline at its end; a slice of the block where that is one.
fn searched_text<'t>(line: &Line<'t>, found: Option<&Found>, scratch: &'t mut Vec<u8>) -> &'t [u8] {
    let (before, after) = match found {
        Some(found) => (&line.text[..found.cut.start], found.cut.end),
        None => (&line.text[..0], 0),
    };
    if before.is_empty() && line.raw.len() == line.text.len() + 1 {
        return &line.raw[after..];
    }
    scratch.clear();
    scratch.extend_from_slice(before);
    scratch.extend_from_slice(&line.text[after..]);
    if line.is_cut {
        leave_open(scratch);
    }
    scratch.push(b'\n');
    scratch
}
