//! The texts of named groups, apart from the line that they were in.

use std::ops::Range;

use super::names::NameId;

/// Whose a text is, and where it is. Small, as a log under attack has some for nearly every line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) name: NameId,
    start: u32,
    end: u32,
}

impl Place {
    pub(super) fn new(name: NameId, range: Range<usize>) -> Self {
        Self { name, start: short(range.start), end: short(range.end) }
    }

    /// Its text; none beyond 4 GiB, of a line that long.
    fn of(self, text: &str) -> &str {
        text.get(long(self.start)..long(self.end)).unwrap_or("")
    }
}

pub(super) fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn long(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Texts of groups by number of their names, each name once, in the order of the numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups<'t> {
    pub(super) places: &'t [Place],
    pub(super) text: &'t str,
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
