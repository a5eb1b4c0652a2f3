//! The texts of named groups, apart from the line that they were in.

use std::ops::Range;

use super::hit::NameId;

/// Texts of groups by number of their names, each name once; one allocation for all texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    list: Vec<(NameId, Range<usize>)>,
    text: String,
}

impl Groups {
    /// The text of a group; an empty one is as good as none.
    pub(super) fn get(&self, name: NameId) -> Option<&str> {
        let range = self.list[self.place(name).ok()?].1.clone();
        Some(&self.text[range]).filter(|text| !text.is_empty())
    }

    /// Every group, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NameId, &str)> {
        self.list.iter().map(|(name, range)| (*name, &self.text[range.clone()]))
    }

    /// Gives a group a text, in place of the one that it may have.
    pub(super) fn set(&mut self, name: NameId, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        let range = start..self.text.len();
        match self.place(name) {
            Ok(at) => self.list[at].1 = range,
            Err(at) => self.list.insert(at, (name, range)),
        }
    }

    /// Whether a group took part, be its text empty or not.
    pub(super) fn has(&self, name: NameId) -> bool {
        self.place(name).is_ok()
    }

    /// Forgets a group.
    pub(super) fn remove(&mut self, name: NameId) {
        if let Ok(at) = self.place(name) {
            self.list.remove(at);
        }
    }

    fn place(&self, name: NameId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&name, |(known, _)| *known)
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.text.clear();
    }

    /// Bytes of all texts that it holds on to.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.text.len()
    }
}
