//! Several lines at a time: the last `maxlines` lines of a log as one text.
//!
//! A failregex sees the window with `^` and `$` at every line; prefregex and ignoreregex see it as one
//! text. Lines that a match spans are consumed, those it only skipped over (`<SKIPLINES>`) go back into
//! the window, and the failure has the time of the newest line. Serial by nature: what a line means
//! depends on the lines before it.

use std::collections::VecDeque;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::choice::Chosen;
use super::matcher::{Matcher, Mode, Verdict};

/// The last lines of a stream, each with what its owner wants to know of it later.
#[derive(Debug)]
pub struct LineWindow<T> {
    lines: VecDeque<(String, T)>,
    maxlines: usize,
    consumed: Vec<T>,
    /// Which of them the first hit consumed.
    of_first: Range<usize>,
}

impl<T> LineWindow<T> {
    /// An empty window of `maxlines` lines.
    pub fn new(maxlines: u32) -> Self {
        let maxlines = usize::try_from(maxlines).unwrap_or(usize::MAX).max(1);
        Self { lines: VecDeque::new(), maxlines, consumed: Vec::new(), of_first: 0..0 }
    }

    /// Adds a line (date cut out, ending in its only newline) and examines the window.
    pub fn push(&mut self, matcher: &mut Matcher<'_>, text: &[u8], tag: T, mode: Mode) -> Verdict {
        self.consumed.clear();
        self.of_first = 0..0;
        self.lines.push_back((String::from_utf8_lossy(text).into_owned(), tag));
        while self.lines.len() > self.maxlines {
            self.lines.pop_front();
        }
        matcher.begin();
        let mut text = self.text();
        if matcher.filter().ignores_early()
            && let Some(regex) = matcher.ignored(&text)
        {
            return Verdict::Ignored { regex, times: 1 };
        }
        let Some(start) = matcher.prefix(&mut text) else { return Verdict::Missed };
        self.judge(matcher, text, start, mode)
    }

    /// Tags of the older lines that the last match consumed, oldest first.
    pub fn consumed(&self) -> &[T] {
        &self.consumed
    }

    /// Tags of the older lines that belong to the first hit, oldest first.
    pub fn consumed_by_first(&self) -> &[T] {
        &self.consumed[self.of_first.clone()]
    }

    fn judge(
        &mut self,
        matcher: &mut Matcher<'_>,
        window: String,
        start: usize,
        mode: Mode,
    ) -> Verdict {
        // Hits refer to `all`; every search after a match sees what is left, appended to it.
        let (mut all, mut start) = (window, start);
        let mut verdict = Verdict::Missed;
        let mut chosen = Chosen::default();
        let mut next = 0;
        while let Some(index) = matcher.filter().next_possible(next, &all[start..], &mut chosen) {
            next = index + 1;
            if !matcher.search(index, &all[start..]) {
                continue;
            }
            let before = self.consumed.len();
            let spanned = self.consume(matcher, index, all.len() - start);
            if let Some(regex) = matcher.ignored(&spanned) {
                let ignored = if let Verdict::Ignored { times, .. } = verdict { times } else { 0 };
                if verdict != Verdict::Matched {
                    verdict = Verdict::Ignored { regex, times: ignored + 1 };
                }
            } else {
                matcher.keep(index, &all, start);
                if verdict != Verdict::Matched {
                    self.of_first = before..self.consumed.len();
                }
                verdict = Verdict::Matched;
            }
            if mode == Mode::First {
                break;
            }
            start = all.len();
            all.push_str(&self.text());
            chosen = Chosen::default();
        }
        matcher.text = all;
        verdict
    }

    /// Takes the lines of the last match out of the window and gives them as one text.
    fn consume(&mut self, matcher: &Matcher<'_>, index: usize, searched: usize) -> String {
        let whole = matcher.span(index, 0).unwrap_or(0..0);
        let skipped = matcher.filter().skipped(index);
        let skipped: Vec<Range<usize>> =
            skipped.iter().filter_map(|group| matcher.span(index, *group)).collect();
        // Content that a prefregex cut out is no run of the window's lines: the newest line is meant.
        let is_window = searched == self.lines.iter().map(|(text, _)| text.len()).sum::<usize>();
        let whole = if is_window { lines_of(&self.text(), whole) } else { 0..0 };
        let mut spanned = String::new();
        let mut kept = VecDeque::with_capacity(self.lines.len());
        let mut at = 0;
        let newest = self.lines.len().saturating_sub(1);
        for (nth, (text, tag)) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            let line = at..at + text.len();
            at = line.end;
            let is_spanned = if is_window {
                whole.start <= line.start && line.end <= whole.end
            } else {
                nth == newest
            };
            let is_skipped = skipped.iter().any(|s| s.start <= line.start && line.end <= s.end);
            if is_spanned && !is_skipped {
                spanned.push_str(&text);
                if nth != newest {
                    self.consumed.push(tag);
                }
            } else {
                kept.push_back((text, tag));
            }
        }
        self.lines = kept;
        spanned
    }

    fn text(&self) -> String {
        self.lines.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// The lines that a match is of. One that begins with a line's end is of the lines behind it, an empty one at the
/// beginning of the window of all of them, and one at the beginning of another line of none.
fn lines_of(window: &str, found: Range<usize>) -> Range<usize> {
    let bytes = window.as_bytes();
    let start =
        memrchr(b'\n', &bytes[..(found.start + 1).min(bytes.len())]).map_or(0, |end| end + 1);
    let last = found.end.checked_sub(1);
    let end = last.and_then(|last| Some(last + memchr(b'\n', &bytes[last..])? + 1));
    start..end.unwrap_or(bytes.len())
}
