//! The texts of named groups, apart from the line that they were in.

use std::ops::Range;

use super::hit::{Hit, NameId};
use super::matcher::Matcher;

/// Where a group's text is.
type Place = (NameId, Range<usize>);

/// Texts of groups by number of their names, each name once, in the order of the numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups<'t> {
    places: &'t [Place],
    text: &'t str,
}

impl<'t> Groups<'t> {
    /// The text of a group; an empty one is as good as none.
    pub(super) fn get(self, name: NameId) -> Option<&'t str> {
        let (_, range) = self.places.iter().find(|(known, _)| *known == name)?;
        Some(&self.text[range.clone()]).filter(|text| !text.is_empty())
    }

    /// Whether a group took part, be its text empty or not.
    pub(super) fn has(self, name: NameId) -> bool {
        self.places.iter().any(|(known, _)| *known == name)
    }

    /// Every group.
    pub(super) fn iter(self) -> impl Iterator<Item = (NameId, &'t str)> {
        self.places.iter().map(move |(name, range)| (*name, &self.text[range.clone()]))
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
            self.places.push((name, start..self.text.len()));
        }
    }

    /// Forgets a group.
    pub(super) fn remove(&mut self, name: NameId) {
        self.places.retain(|(known, _)| *known != name);
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
    lines: Vec<usize>,
    /// For each hit, which failregex it was, and where its groups end.
    all: Vec<(usize, usize)>,
    places: Vec<Place>,
    text: String,
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
        let start = self.text.len();
        self.text.push_str(&matcher.text);
        for hit in matcher.hits() {
            self.keep_groups(hit, start);
            self.all.push((hit.regex, self.places.len()));
        }
        self.lines.push(self.all.len());
    }

    fn keep_groups(&mut self, hit: &Hit, start: usize) {
        let first = self.places.len();
        let is_tuple = |name| hit.tuples.iter().any(|(tuple, _)| *tuple == name);
        for (name, range) in hit.groups.iter().filter(|(name, _)| !is_tuple(*name)) {
            self.places.push((*name, start + range.start..start + range.end));
        }
        for (name, text) in &hit.tuples {
            let start = self.text.len();
            self.text.push_str(text);
            self.places.push((*name, start..self.text.len()));
        }
        self.places[first..].sort_unstable_by_key(|(name, _)| *name);
    }

    /// The hits of each line.
    pub fn lines(&self) -> impl Iterator<Item = impl Iterator<Item = KeptHit<'_>>> {
        let starts = std::iter::once(0).chain(self.lines.iter().copied());
        starts.zip(&self.lines).map(|(start, end)| (start..*end).map(|at| self.hit(at)))
    }

    fn hit(&self, at: usize) -> KeptHit<'_> {
        let start = at.checked_sub(1).map_or(0, |before| self.all[before].1);
        let (regex, end) = self.all[at];
        KeptHit { regex, groups: Groups { places: &self.places[start..end], text: &self.text } }
    }
}
