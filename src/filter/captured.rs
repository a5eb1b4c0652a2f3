//! The named groups of one match, with what helps them: groups that stand in for others or make tuples of them.

use std::ops::Range;

use super::names::{NameId, Names};
use crate::text::quoted;

/// The groups of an expression whose names say that they help another.
#[derive(Debug)]
pub(super) struct Helpers {
    /// Groups that stand in for others, `alt_user` for `user`, in the order they are tried.
    alternatives: Vec<(NameId, NameId)>,
    tuples: Vec<Tuple>,
}

/// A group whose value is a tuple of its own text and those of its parts: `user` and `tuple_user_1`.
#[derive(Debug)]
struct Tuple {
    name: NameId,
    parts: Vec<NameId>,
}

impl Helpers {
    /// Those among the `groups` of an expression; nearly every one has none.
    pub(super) fn of(groups: &[(usize, NameId)], names: &mut Names) -> Option<Box<Self>> {
        let alternatives = names.helpers("alt_", groups);
        let mut tuples: Vec<Tuple> = Vec::new();
        for (part, name) in names.helpers("tuple_", groups) {
            match tuples.iter_mut().find(|tuple| tuple.name == name) {
                Some(tuple) => tuple.parts.push(part),
                None => tuples.push(Tuple { name, parts: vec![part] }),
            }
        }
        let is_any = !alternatives.is_empty() || !tuples.is_empty();
        is_any.then(|| Box::new(Self { alternatives, tuples }))
    }
}

/// Named groups that took part in a match; each name is once in one of both lists, or a tuple has the text of
/// its first part in the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured {
    pub(super) groups: Vec<(NameId, Range<usize>)>,
    /// Groups that are tuples of others, as text.
    pub(super) tuples: Vec<(NameId, String)>,
}

impl Captured {
    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.tuples.clear();
    }

    /// Becomes the same as `other`.
    pub(super) fn copy(&mut self, other: &Self) {
        self.clear();
        self.groups.extend_from_slice(&other.groups);
        self.tuples.extend_from_slice(&other.tuples);
    }

    /// Where the text of a group is.
    pub(super) fn range(&self, wanted: NameId) -> Option<Range<usize>> {
        self.groups.iter().find(|(name, _)| *name == wanted).map(|(_, range)| range.clone())
    }

    /// The text of a group that is a tuple.
    pub(super) fn tuple(&self, wanted: NameId) -> Option<&str> {
        self.tuples.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.as_str())
    }

    /// Gives a group another text, whatever it was.
    pub(super) fn set(&mut self, name: NameId, range: Range<usize>) {
        self.tuples.retain(|(known, _)| *known != name);
        match self.groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = range,
            None => self.groups.push((name, range)),
        }
    }

    /// Puts the groups of another match over these.
    pub(super) fn overlay(&mut self, other: &Self) {
        for (name, range) in &other.groups {
            self.set(*name, range.clone());
        }
        for (name, text) in &other.tuples {
            self.tuples.retain(|(known, _)| known != name);
            self.tuples.push((*name, text.clone()));
        }
    }

    /// Lets the helpers of an expression help its groups, which are of `text`.
    pub(super) fn help(&mut self, helpers: &Helpers, text: &str) {
        for (alternative, name) in &helpers.alternatives {
            self.fill(*name, *alternative);
        }
        for tuple in &helpers.tuples {
            self.join(tuple, text);
        }
    }

    /// Gives the group `name` the text of `alternative` if it has none itself.
    fn fill(&mut self, name: NameId, alternative: NameId) {
        let is_empty = |range: &Range<usize>| range.start >= range.end;
        let Some(range) = self.range(alternative).filter(|range| !is_empty(range)) else { return };
        if self.range(name).as_ref().is_none_or(is_empty) {
            self.set(name, range);
        }
    }

    /// Makes a tuple of a group's text and those of its parts; one that is missing is None.
    fn join(&mut self, tuple: &Tuple, text: &str) {
        let of = |name| self.range(name).map_or("None".into(), |range| quoted(&text[range]));
        let all = std::iter::once(&tuple.name).chain(&tuple.parts);
        let all: Vec<String> = all.map(|name| of(*name)).collect();
        self.tuples.push((tuple.name, format!("({})", all.join(", "))));
    }
}
