//! The texts of named groups, apart from the line that they were in.

use std::ops::Range;

use super::hit::{Hit, NameId};
use super::matcher::Matcher;

/// Whose a text is, and where it is. Small, as a log under attack has some for nearly every line.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: NameId,
    start: u32,
    end: u32,
}

impl Place {
    fn new(name: NameId, range: Range<usize>) -> Self {
        Self { name, start: short(range.start), end: short(range.end) }
    }

    /// Its text; none beyond 4 GiB, of a line that long.
    fn of(self, text: &str) -> &str {
        text.get(long(self.start)..long(self.end)).unwrap_or("")
    }
}

fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn long(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Texts of groups by number of their names, each name once, in the order of the numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups<'t> {
    places: &'t [Place],
    text: &'t str,
}

impl<'t> Groups<'t> {
    /// The text of a group; an empty one is as good as none.
    pub(super) fn get(self, name: NameId) -> Option<&'t str> {
        let place = self.places.iter().find(|place| place.name == name)?;
        Some(place.of(self.text)).filter(|text| !text.is_empty())
    }

    /// Whether a group took part, be its text empty or not.
    pub(super) fn has(self, name: NameId) -> bool {
        self.places.iter().any(|place| place.name == name)
    }

    /// Every group.
    pub(super) fn iter(self) -> impl Iterator<Item = (NameId, &'t str)> {
        self.places.iter().map(move |place| (place.name, place.of(self.text)))
    }
}

/// Groups with room for their texts.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupsBuf {
    places: Vec<Place>,
    text: String,
}

impl GroupsBuf {
    pub(super) fn view(&self) -> Groups<'_> {
        Groups { places: &self.places, text: &self.text }
    }

    /// Becomes the groups of both: `other`'s, and those of `own` that it has none of.
    pub(super) fn join<'g>(
        &mut self,
        own: impl Iterator<Item = (NameId, &'g str)>,
        other: impl Iterator<Item = (NameId, &'g str)>,
    ) {
        self.clear();
        let (mut own, mut other) = (own.peekable(), other.peekable());
        loop {
            let next = match (own.peek(), other.peek()) {
                (Some((mine, _)), Some((name, _))) if mine < name => own.next(),
                (Some((mine, _)), Some((name, _))) if mine == name => {
                    own.next();
                    other.next()
                }
                (_, Some(_)) => other.next(),
                (Some(_), None) => own.next(),
                (None, None) => return,
            };
            let Some((name, text)) = next else { return };
            let start = self.text.len();
            self.text.push_str(text);
            self.places.push(Place::new(name, start..self.text.len()));
        }
    }

    /// Forgets a group.
    pub(super) fn remove(&mut self, name: NameId) {
        self.places.retain(|place| place.name != name);
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.text.clear();
    }
}

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
        let is_tuple = |name| hit.tuples.iter().any(|(tuple, _)| *tuple == name);
        for (name, range) in hit.groups.iter().filter(|(name, _)| !is_tuple(*name)) {
            let range = self.last.start + range.start..self.last.start + range.end;
            self.places.push(Place::new(*name, range));
        }
        for (name, text) in &hit.tuples {
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
