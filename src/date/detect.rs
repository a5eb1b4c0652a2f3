//! Which template a stream of lines uses: what fitted last is tried first.
//!
//! The list is searched in an order that changes with the hits, so that a log that mixes several
//! forms finds the frequent ones early. The order has consequences for what is found in ambiguous
//! lines, so its rules are fail2ban's.

use super::dated::{Cut, Dated};
use super::reader::FormReader;
use super::stamp::Stamp;
use super::template::{Template, TemplateId, Templates, as_text};

/// A date in a line.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The text to cut out.
    pub cut: Cut,
    /// The template that fitted.
    pub template: TemplateId,
    /// What the date says.
    pub stamp: Stamp,
    /// Whether the line before has the same date.
    pub is_repeat: bool,
}

/// A template among those of a stream, which are tried in an order that changes with the hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Which it is.
    pub template: TemplateId,
    /// How many characters before its last match; `None` if there was none.
    pub distance: Option<usize>,
}

/// The moving state of one stream of lines.
#[derive(Clone, Debug)]
pub struct Detector {
    templates: Templates,
    /// The templates as they are tried.
    order: Vec<u16>,
    hits: Vec<u64>,
    /// Hits by which templates compete; a primed template has one that isn't counted.
    used: Vec<u64>,
    /// Where each template matched last.
    distance: Vec<usize>,
    /// Place in `order` of the last winner.
    last: Option<usize>,
    /// The match of the last winner.
    span: Option<Span>,
    /// The first place in `order` that never won.
    unused: usize,
    /// Every template needs a digit to match.
    needs_digit: bool,
    /// The last winner's index and reader, if it stands at the beginning of lines.
    fast: Option<(usize, FormReader)>,
    fast_id: TemplateId,
    repeat: Repeat,
    /// Lines for which the list was gone through.
    searches: u32,
}

impl Templates {
    /// The state of a stream of lines that begins now.
    pub fn detector(&self) -> Detector {
        Detector::new(self.clone())
    }
}

/// Lines from which on it pays to build one automaton of all templates.
const SEARCHES_ALONE: u32 = 8;

/// The longest beginning of a line that is compared with the next: three words of 16 bytes hold every date
/// with fraction and zone.
const REPEAT: usize = 48;

/// The beginning of the last line up to two characters behind its date: a line that begins the same
/// has the same date. Valid while the winner is the same and stands at the beginning of lines.
#[derive(Clone, Debug)]
struct Repeat {
    /// The beginning, as two numbers, and which of their bits count.
    begin: [u128; 3],
    mask: [u128; 3],
    found: Option<Found>,
}

impl Repeat {
    const NOTHING: Self = Self { begin: [0; 3], mask: [0; 3], found: None };

    #[inline]
    fn of(&self, line: &[u8]) -> Option<Found> {
        let found = self.found?;
        let words = words(line)?;
        let differs = ((words[0] ^ self.begin[0]) & self.mask[0])
            | ((words[1] ^ self.begin[1]) & self.mask[1])
            | ((words[2] ^ self.begin[2]) & self.mask[2]);
        (differs == 0).then_some(found)
    }

    #[inline]
    fn remember(&mut self, line: &[u8], found: Found) {
        let end = found.cut.end;
        self.found = None;
        if end + 2 > REPEAT || line.len() < end + 2 {
            return;
        }
        // What follows must rule out that the date goes on: with a zone, a year, a minute.
        let (next, then) = (line[end], line[end + 1]);
        let goes_on = matches!(then, b'0'..=b'9' | b'Z' | b'U' | b'G' | b'+' | b'-' | 0x80..)
            || then.is_ascii_whitespace()
            || then.is_ascii_control();
        if matches!(next, b' ' | b']' | b':') && !goes_on {
            let Some(begin) = words(line) else { return };
            for (word, mask) in (0..).zip(&mut self.mask) {
                let bits = ((end + 2) * 8).saturating_sub(word * 128).min(128);
                *mask = u128::MAX.checked_shr(128 - u32::try_from(bits).unwrap_or(0)).unwrap_or(0);
            }
            self.begin = begin;
            self.found = Some(found);
        }
    }
}

/// The first bytes of a line as numbers; `None` for a shorter line, which is read anew.
#[inline]
fn words(line: &[u8]) -> Option<[u128; 3]> {
    let (words, _) = line.first_chunk::<REPEAT>()?.as_chunks::<16>();
    let [first, second, third] = words else { return None };
    Some([*first, *second, *third].map(u128::from_le_bytes))
}

/// The last match, in characters, and the characters around its ends, outside and inside.
///
/// In characters, as fail2ban's lines are text: behind a host `bücher` the date of the next line may stand at
/// another byte and is still looked for in the same place.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    before: Option<char>,
    first: Option<char>,
    final_: Option<char>,
    after: Option<char>,
}

impl Span {
    fn new(line: &[u8], start: usize, end: usize) -> Self {
        let start_chars = char_count(&line[..start]);
        Self {
            start: start_chars,
            end: start_chars + char_count(&line[start..end]),
            before: char_before(line, start),
            first: char_at(line, start),
            final_: char_before(line, end),
            after: char_at(line, end),
        }
    }

    /// The bytes of `line` in the same place, if a date seems to stand there.
    fn fits(&self, line: &[u8]) -> Option<(usize, usize)> {
        // Beyond the end of a line there are no characters, which is a likeness too.
        let (start, end) = (byte_of_char(line, self.start), byte_of_char(line, self.end));
        let (from, to) = (start.unwrap_or(line.len()), end.unwrap_or(line.len()));
        let mut here = Self::new(line, from, to);
        here.before = here.before.filter(|_| start.is_some());
        here.final_ = here.final_.filter(|_| end.is_some());
        let same = |inner: Option<char>, other: Option<char>| {
            inner == other && inner.is_some_and(|c| !c.is_alphanumeric())
        };
        let fits = (self.before == here.before || same(self.first, here.first))
            && (self.after == here.after || same(self.final_, here.final_));
        fits.then_some((from, to))
    }
}

/// The number of characters in a text.
fn char_count(text: &[u8]) -> usize {
    if text.is_ascii() { text.len() } else { text.iter().filter(|b| is_char_start(**b)).count() }
}

fn is_char_start(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// Where character `n` starts, or the end of the line if there are just `n`.
fn byte_of_char(line: &[u8], n: usize) -> Option<usize> {
    if line.get(..n)?.is_ascii() {
        return Some(n);
    }
    let mut starts = (0..line.len()).filter(|at| is_char_start(line[*at]));
    starts.nth(n).or_else(|| (char_count(line) == n).then_some(line.len()))
}

fn char_at(line: &[u8], at: usize) -> Option<char> {
    let first = *line.get(at)?;
    if first.is_ascii() {
        return Some(first.into());
    }
    line[at..].utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

fn char_before(line: &[u8], end: usize) -> Option<char> {
    let start = (0..end).rev().find(|at| is_char_start(line[*at]))?;
    char_at(line, start)
}

impl Detector {
    pub(super) fn new(templates: Templates) -> Self {
        let len = templates.len();
        let needs_digit = templates.list.iter().all(|template| template.needs_digit);
        Self {
            order: (0..u16::try_from(len).unwrap_or(u16::MAX)).collect(),
            hits: vec![0; len],
            used: vec![0; len],
            distance: vec![usize::MAX; len],
            last: None,
            span: None,
            unused: 0,
            needs_digit,
            fast: None,
            fast_id: TemplateId(0),
            repeat: Repeat::NOTHING,
            searches: 0,
            templates,
        }
    }

    /// The date in a line.
    #[inline]
    pub fn find(&mut self, line: &[u8]) -> Option<Found> {
        let Some((index, reader)) = self.fast else { return self.search(line) };
        let found = match self.repeat.of(line) {
            Some(found) => Found { is_repeat: true, ..found },
            None => match reader.read(line, 0) {
                Some(Dated { cut, stamp, .. }) => {
                    let found = Found { cut, template: self.fast_id, stamp, is_repeat: false };
                    self.repeat.remember(line, found);
                    found
                }
                None => return self.search(line),
            },
        };
        // The winner stays and stands at the beginning of the line: that is all that changes.
        self.hits[index] += 1;
        self.used[index] += 1;
        Some(found)
    }

    /// Whether `lines` begin with a line that has the date of the line before, at its very beginning; as
    /// quick as a comparison, and a `false` means nothing. Such a line is found by
    /// [`count_repeats`](Self::count_repeats).
    #[inline]
    pub fn repeats(&self, lines: &[u8]) -> bool {
        self.repeat.of(lines).is_some_and(|found| found.cut.start == 0)
    }

    /// Takes as found the dates of lines that [repeat](Self::repeats) the last one.
    pub fn count_repeats(&mut self, lines: u64) {
        let Some((index, _)) = self.fast else { return };
        self.hits[index] += lines;
        self.used[index] += lines;
    }

    /// The template that won last.
    pub fn winner(&self) -> Option<TemplateId> {
        self.last.map(|place| TemplateId(self.order[place]))
    }

    /// Starts as if a template had won before; its hits aren't counted.
    pub fn prime(&mut self, id: TemplateId) {
        let Some(place) = self.order.iter().position(|other| *other == id.0) else { return };
        let index = usize::from(id.0);
        if self.used[index] == 0 {
            self.used[index] = 1;
            self.distance[index] = 0;
        }
        self.last = Some(self.promote(place));
        // At the beginning of a line or, for all that is known, anywhere.
        let anchored = self.templates.list[index].anchored;
        self.span = anchored.then(|| Span::new(b"", 0, 0));
        self.remember_reader(id.0);
    }

    /// Makes the reader of the last winner the one that is tried first.
    fn remember_reader(&mut self, id: u16) {
        let index = usize::from(id);
        let template = &self.templates.list[index];
        self.fast = template.reader.filter(|_| template.anchored).map(|reader| (index, reader));
        self.fast_id = TemplateId(id);
        self.repeat.found = None;
    }

    /// The templates as they are tried.
    pub fn ranking(&self) -> Vec<Ranked> {
        let ranked = |&id: &u16| Ranked {
            template: TemplateId(id),
            distance: Some(self.distance[usize::from(id)]).filter(|chars| *chars < usize::MAX),
        };
        self.order.iter().map(ranked).collect()
    }

    /// The hits of each template.
    pub fn hits(&self) -> &[u64] {
        &self.hits
    }

    fn template(&self, place: usize) -> &Template {
        &self.templates.list[usize::from(self.order[place])]
    }

    #[inline(never)]
    fn search(&mut self, line: &[u8]) -> Option<Found> {
        // A byte that is no character is one of no meaning to a pattern, not an end of all matches.
        let readable = as_text(line);
        let line = readable.as_bytes();
        if self.needs_digit && !line.iter().any(u8::is_ascii_digit) {
            return None;
        }
        let mut reserve: Option<(usize, Dated)> = None;
        let mut tried = None;
        if let Some(place) = self.last {
            let (hit, whole) = self.again(place, line);
            if let Some(hit) = hit {
                if self.accepts_again(place, line, &hit) {
                    return Some(self.win(place, line, hit));
                }
                reserve = Some((place, hit));
            }
            if whole {
                tried = Some(place);
            }
        }
        // Before the first date fail2ban takes 1 for the last place: in `[2006-…` the first template that fits has
        // it, in `[[2006-…` it waits for what the others find.
        let best = self.span.map_or(1, |span| span.start);
        self.searches += 1;
        let set = if self.searches > SEARCHES_ALONE { self.templates.set() } else { None };
        let possible = set.map(|set| set.matches(line));
        for place in 0..self.order.len() {
            let index = usize::from(self.order[place]);
            if tried == Some(place) || possible.as_ref().is_some_and(|set| !set.matched(index)) {
                continue;
            }
            let Some(hit) = self.template(place).find(line, 0, line.len()) else { continue };
            // Further right than where this template or the last winner had it, a date may be part of the message.
            let distance = self.distance[usize::from(self.order[place])];
            let start = char_count(&line[..hit.start]);
            if self.decides(place, &hit) || (start <= distance && start <= best) {
                return Some(self.win(place, line, hit));
            }
            if reserve.is_none_or(|(_, other)| hit.start < other.start) {
                reserve = Some((place, hit));
            }
        }
        let (place, hit) = reserve?;
        Some(self.win(place, line, hit))
    }

    /// What the last winner finds, and whether it looked at the whole line.
    fn again(&self, place: usize, line: &[u8]) -> (Option<Dated>, bool) {
        let template = self.template(place);
        match self.span {
            // The last place before the whole line, as in fail2ban: a message may hold a date further left that
            // isn't the line's own. One found here may be shorter than the last (no fraction) and so not be
            // accepted; then the template is searched for in the whole line like the others.
            Some(span) if !template.anchored => match span.fits(line) {
                Some((from, to)) => (template.find(line, from, to), false),
                None => (template.find(line, 0, line.len()), true),
            },
            _ => (template.find(line, 0, line.len()), true),
        }
    }

    fn accepts_again(&self, place: usize, line: &[u8], hit: &Dated) -> bool {
        let same = |span: Span| {
            let start = char_count(&line[..hit.start]);
            span.start == start && span.end == start + char_count(&line[hit.start..hit.end])
        };
        self.order.len() == 1 || self.template(place).anchored || self.span.is_some_and(same)
    }

    /// Whether a match wins whatever the others would find.
    fn decides(&self, place: usize, hit: &Dated) -> bool {
        let used = |place: usize| self.used[usize::from(self.order[place])] > 0;
        place + 1 == self.order.len()
            || self.template(place).anchored
            // Templates that ever won stand before all others: this is the last of them.
            || (hit.start == 0 && used(place) && !used(place + 1))
    }

    fn win(&mut self, place: usize, line: &[u8], hit: Dated) -> Found {
        // What it held is no longer the date of the line before.
        self.repeat.found = None;
        let id = self.order[place];
        let index = usize::from(id);
        self.hits[index] += 1;
        self.used[index] += 1;
        self.distance[index] = char_count(&line[..hit.start]);
        self.span = Some(Span::new(line, hit.start, hit.end));
        // Only a change of the winner changes the order.
        if self.last != Some(place) {
            self.last = Some(if place == 0 { 0 } else { self.promote(place) });
            self.remember_reader(id);
        }
        Found { cut: hit.cut, template: TemplateId(id), stamp: hit.stamp, is_repeat: false }
    }

    /// Moves the winner at `place` towards the front if it deserves it; its new place.
    fn promote(&mut self, place: usize) -> usize {
        while self.unused < self.order.len() && self.used[usize::from(self.order[self.unused])] > 0
        {
            self.unused += 1;
        }
        // fail2ban's steps: behind those that won before, or else half way. They decide which template has a line
        // that several fit.
        let target = if self.unused < place { self.unused } else { place / 2 };
        let target = if self.outweighs(place, target) {
            target
        } else if place > 0 && self.outweighs(place, place - 1) {
            place - 1
        } else {
            return place;
        };
        let id = self.order.remove(place);
        self.order.insert(target, id);
        target
    }

    /// Whether the winner at `place` should stand before the template at `target`: one that never won gives
    /// way. In fail2ban also one that hasn't for 300 s of the machine's clock; not here, where the same log must
    /// have the same dates however fast it is read.
    fn outweighs(&self, place: usize, target: usize) -> bool {
        let weight = |place: usize| {
            let index = usize::from(self.order[place]);
            let distance = self.distance[index].max(1) as f64;
            (self.used[index] * self.templates.list[index].weight) as f64 / distance
        };
        place != target
            && (self.used[usize::from(self.order[target])] == 0 || weight(place) > weight(target))
    }
}
