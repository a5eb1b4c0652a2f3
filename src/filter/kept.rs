//! Hits that wait to be merged in line order.

use std::ops::Range;

use super::groups::{Groups, Place, long, short};
use super::hit::Hit;
use super::matcher::Matcher;

/// The hits of many lines, with their texts, for state across lines: kept by those who match in parallel, merged
/// in line order by another. A few allocations hold them all, as most lines of a log under attack have one.
#[derive(Debug, Default)]
pub struct Hits {
    /// For each line, where its hits end.
    lines: Vec<u32>,
    all: Vec<Kept>,
    places: Vec<Place>,
    text: String,
    /// Where the text of the last line is.
    last: Range<usize>,
}

/// Which failregex a hit was of, and where its groups are.
#[derive(Clone, Copy, Debug)]
struct Kept {
    regex: u32,
    start: u32,
    end: u32,
}

/// One of [`Hits`].
#[derive(Clone, Copy, Debug)]
pub struct KeptHit<'h> {
    regex: usize,
    pub(super) groups: Groups<'h>,
}

impl KeptHit<'_> {
    /// Which failregex it was, from 0.
    pub fn regex(&self) -> usize {
        self.regex
    }
}

impl Hits {
    /// Keeps the hits of the line that was examined last.
    pub fn keep(&mut self, matcher: &Matcher<'_>) {
        let end = self.all.len();
        let count = matcher.hits().len();
        let before = self.lines.iter().rev().nth(1).map_or(0, |end| long(*end));
        // The same text has the same hits; whoever tries passwords has one line written several times.
        if self.text[self.last.clone()] == matcher.text && end - before == count {
            self.all.extend_from_within(before..end);
        } else {
            self.last = self.text.len()..self.text.len() + matcher.text.len();
            self.text.push_str(&matcher.text);
            for hit in matcher.hits() {
                self.keep_hit(hit);
            }
        }
        self.lines.push(short(self.all.len()));
    }

    fn keep_hit(&mut self, hit: &Hit) {
        let first = self.places.len();
        let is_tuple = |name| hit.captured.tuple(name).is_some();
        for (name, range) in hit.captured.groups.iter().filter(|(name, _)| !is_tuple(*name)) {
            let range = self.last.start + range.start..self.last.start + range.end;
            self.places.push(Place::new(*name, range));
        }
        for (name, text) in &hit.captured.tuples {
            let start = self.text.len();
            self.text.push_str(text);
            self.places.push(Place::new(*name, start..self.text.len()));
        }
        self.places[first..].sort_unstable_by_key(|place| place.name);
        let (start, end) = (short(first), short(self.places.len()));
        self.all.push(Kept { regex: short(hit.regex), start, end });
    }

    /// The hits of each line.
    pub fn lines(&self) -> impl Iterator<Item = impl Iterator<Item = KeptHit<'_>>> {
        let starts = std::iter::once(&0).chain(&self.lines);
        let ranges = starts.zip(&self.lines).map(|(start, end)| long(*start)..long(*end));
        ranges.map(|range| self.all[range].iter().map(|kept| self.hit(*kept)))
    }

    fn hit(&self, kept: Kept) -> KeptHit<'_> {
        let places = self.places.get(long(kept.start)..long(kept.end)).unwrap_or_default();
        KeptHit { regex: long(kept.regex), groups: Groups { places, text: &self.text } }
    }
}
