//! One line against a filter, in fail2ban's order.
//!
//! Pure: the same text gives the same verdict, whatever came before. A matcher is the scratch space of
//! one thread; nothing is allocated for a line once its buffers have grown.

use std::ops::Range;

use super::captured::Captured;
use super::choice::Chosen;
use super::compile::Filter;
use super::hit::Hit;
use super::names::CONTENT;
use super::pattern::{Pattern, Spans};

/// How many failregexes are tried on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until one matches, as the daemon does.
    First,
    /// All, so that the report says how often each would match.
    All,
}

/// What a line turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No failregex matched, or the prefregex didn't.
    Missed,
    /// An ignoreregex matched where a failregex did, or before any was tried.
    Ignored {
        /// Which one, from 0.
        regex: usize,
        /// Matches that it took out; 1 if it came first.
        times: u64,
    },
    /// There is a hit, or several.
    Matched,
}

/// Scratch space for examining lines with one filter.
#[derive(Debug)]
pub struct Matcher<'f> {
    filter: &'f Filter,
    prefregex: Option<Spans>,
    /// Of those that were tried.
    failregex: Vec<Option<Box<Spans>>>,
    ignoreregex: Vec<Spans>,
    /// The text that hits refer to: the line, and behind it what a prefregex cut out of it.
    pub(super) text: String,
    /// Hits of the last line; those past `found` are spare room.
    hits: Vec<Hit>,
    found: usize,
    /// Groups of the prefregex in the last line.
    prefix: Captured,
    /// Room for those of a failregex.
    own: Captured,
    prefregex_matched: bool,
    last: Option<Last>,
    /// The failregexes to try on the last line.
    chosen: Chosen,
    /// How many times expressions gave up.
    gave_up: u64,
}

/// The line that was examined last; the same line again means the same.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// It is so much of [`Matcher::text`].
    len: usize,
    mode: Mode,
    verdict: Verdict,
}

impl<'f> Matcher<'f> {
    /// Scratch space for `filter`.
    pub fn new(filter: &'f Filter) -> Self {
        let spans = |patterns: &[Pattern]| patterns.iter().map(Pattern::spans).collect();
        Self {
            filter,
            prefregex: filter.prefregex.as_ref().map(Pattern::spans),
            failregex: filter.failregex.iter().map(|_| None).collect(),
            chosen: Chosen::default(),
            ignoreregex: spans(&filter.ignoreregex),
            text: String::new(),
            hits: Vec::new(),
            found: 0,
            prefix: Captured::default(),
            own: Captured::default(),
            prefregex_matched: false,
            last: None,
            gave_up: 0,
        }
    }

    /// What it matches with.
    pub(super) fn filter(&self) -> &'f Filter {
        self.filter
    }

    /// Examines `text`: a line whose date is cut out and that ends in its only newline. Invalid UTF-8 is
    /// replaced as Python does it, one U+FFFD for each maximal invalid part.
    pub fn examine(&mut self, text: &[u8], mode: Mode) -> Verdict {
        // Whoever tries passwords has the same line written for each, which differ in their dates at most.
        if let Some(last) = self.last
            && last.mode == mode
            && self.text.as_bytes()[..last.len] == *text
        {
            return last.verdict;
        }
        self.text.clear();
        match std::str::from_utf8(text) {
            Ok(text) => self.text.push_str(text),
            Err(_) => self.text.push_str(&String::from_utf8_lossy(text)),
        }
        let (len, gave_up) = (self.text.len(), self.gave_up);
        let text = std::mem::take(&mut self.text);
        let (text, verdict) = self.judge(text, mode);
        self.text = text;
        // That an expression gave up is counted for each line.
        self.last = (gave_up == self.gave_up).then_some(Last { len, mode, verdict });
        verdict
    }

    /// Hits of the last line, in the order of the failregexes.
    pub fn hits(&self) -> &[Hit] {
        &self.hits[..self.found]
    }

    /// What the hits' ranges are of.
    pub fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Whether the prefregex matched the last line.
    pub fn prefregex_matched(&self) -> bool {
        self.prefregex_matched
    }

    /// How many times an expression hit its step limit since the last call; it counted as no match.
    pub fn take_gave_up(&mut self) -> u64 {
        std::mem::take(&mut self.gave_up)
    }

    fn judge(&mut self, mut text: String, mode: Mode) -> (String, Verdict) {
        self.begin();
        if self.filter.ignores_early()
            && let Some(regex) = self.ignored(&text)
        {
            return (text, Verdict::Ignored { regex, times: 1 });
        }
        let Some(start) = self.prefix(&mut text) else { return (text, Verdict::Missed) };
        // Nothing but the text decides whether it is ignored, so it is asked once.
        let mut ignored: Option<Option<usize>> = None;
        let mut times = 0;
        let mut chosen = std::mem::take(&mut self.chosen);
        for &index in self.filter.possible(&text[start..], &mut chosen) {
            if !self.search(index, &text[start..]) {
                continue;
            }
            let verdict = match ignored {
                Some(verdict) => verdict,
                None => *ignored.insert(self.ignored(&text[start..])),
            };
            if verdict.is_some() {
                times += 1;
            } else {
                self.keep(index, &text, start);
            }
            if mode == Mode::First {
                break;
            }
        }
        self.chosen = chosen;
        let verdict = match ignored {
            None => Verdict::Missed,
            Some(None) => Verdict::Matched,
            Some(Some(regex)) => Verdict::Ignored { regex, times },
        };
        (text, verdict)
    }

    /// Forgets the last line.
    pub(super) fn begin(&mut self) {
        self.last = None;
        self.found = 0;
        self.prefix.clear();
        self.prefregex_matched = false;
    }

    /// Which ignoreregex matches `text`.
    pub(super) fn ignored(&mut self, text: &str) -> Option<usize> {
        let Self { filter, ignoreregex, gave_up, .. } = self;
        filter.ignoreregex.iter().zip(ignoreregex).position(|(pattern, spans)| {
            let is_match = pattern.is_match(text, spans);
            *gave_up += spans.take_gave_up();
            is_match
        })
    }

    /// Runs the prefregex, if there is one. Where the failregexes are to look: from there to the end of
    /// `text`, to which the content was appended if the prefregex cut one out. `None` if it didn't match.
    pub(super) fn prefix(&mut self, text: &mut String) -> Option<usize> {
        let (Some(pattern), Some(spans)) = (&self.filter.prefregex, &mut self.prefregex) else {
            return Some(0);
        };
        let is_match = pattern.search(text, spans);
        self.gave_up += spans.take_gave_up();
        if !is_match {
            return None;
        }
        self.prefregex_matched = true;
        let mut content = None;
        for (group, name) in pattern.groups() {
            let Some(range) = spans.get(*group) else { continue };
            if *name == CONTENT {
                content = Some(range).filter(|range| !range.is_empty());
            } else {
                self.prefix.set(*name, range);
            }
        }
        if let Some(helpers) = pattern.helpers() {
            self.prefix.help(helpers, text);
        }
        let Some(content) = content else { return Some(0) };
        // Content that goes on to the end of the line has its newline behind it.
        if content.end + 1 == text.len() && text.ends_with('\n') {
            return Some(content.start);
        }
        let start = text.len();
        text.extend_from_within(content);
        text.push('\n');
        Some(start)
    }

    /// Runs one failregex on `text`.
    pub(super) fn search(&mut self, index: usize, text: &str) -> bool {
        if !self.filter.passes_gates(index, text) {
            return false;
        }
        let pattern = &self.filter.failregex[index];
        let spans = self.failregex[index].get_or_insert_with(|| Box::new(pattern.spans()));
        let is_match = pattern.search(text, spans);
        self.gave_up += spans.take_gave_up();
        is_match
    }

    /// Where the last match of a failregex or of one of its groups is.
    pub(super) fn span(&self, index: usize, group: usize) -> Option<Range<usize>> {
        self.failregex[index].as_ref()?.get(group)
    }

    /// Keeps the last match of a failregex, found in `text[start..]`, as a hit.
    pub(super) fn keep(&mut self, index: usize, text: &str, start: usize) {
        if self.hits.len() == self.found {
            self.hits.push(Hit::default());
        }
        let hit = &mut self.hits[self.found];
        self.found += 1;
        hit.regex = index;
        let pattern = &self.filter.failregex[index];
        self.own.clear();
        for (group, name) in pattern.groups() {
            let spans = self.failregex[index].as_deref();
            let Some(range) = spans.and_then(|spans| spans.get(*group)) else { continue };
            self.own.set(*name, start + range.start..start + range.end);
        }
        // Helpers help the groups of their own expression, before they are put over the prefregex's.
        if let Some(helpers) = pattern.helpers() {
            self.own.help(helpers, text);
        }
        hit.captured.copy(&self.prefix);
        hit.captured.overlay(&self.own);
        hit.interpret(text, self.filter.ids);
    }
}
