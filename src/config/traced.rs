//! Text that remembers where each of its lines was written, through interpolation and substitution.

use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use crate::diag::Location;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The value.
    pub value: String,
    /// Its file and line.
    pub at: Location,
}

/// A line of a file, cheap to copy around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) file: Rc<Path>,
    pub(super) line: u32,
}

impl Line {
    pub(super) fn location(&self) -> Location {
        Location::new(&*self.file, self.line)
    }
}

/// A value, and for each of its lines the place where that line begins.
#[derive(Clone, Debug)]
pub(super) struct Traced {
    pub(super) value: String,
    /// Where the option itself is.
    pub(super) at: Line,
    places: Vec<Line>,
}

impl Traced {
    /// A value all of whose lines are at one place.
    pub(super) fn new(value: impl Into<String>, at: Line) -> Self {
        let value = value.into();
        let places = vec![at.clone(); newlines(&value) + 1];
        Self { value, at, places }
    }

    /// A value whose lines are at the given lines of the file of `at`.
    pub(super) fn with_lines(value: String, at: Line, lines: &[u32]) -> Self {
        let place = |line: &u32| Line { file: Rc::clone(&at.file), line: *line };
        let places = lines.iter().map(place).collect();
        Self { value, at, places }
    }

    /// Nothing yet, to be filled by [`Traced::push`].
    pub(super) fn empty(at: Line) -> Self {
        Self { value: String::new(), places: vec![at.clone()], at }
    }

    /// Appends a part of `from`; a line that had only blanks so far takes the place of what comes.
    pub(super) fn push(&mut self, from: &Traced, part: Range<usize>) {
        let skipped = newlines(&from.value[..part.start]);
        for (index, line) in from.value[part].split('\n').enumerate() {
            let place = from.places.get(skipped + index).unwrap_or(&from.at);
            if index > 0 {
                self.value.push('\n');
                self.places.push(place.clone());
            } else if !line.is_empty() && self.last_line().trim().is_empty() {
                self.places.pop();
                self.places.push(place.clone());
            }
            self.value.push_str(line);
        }
    }

    /// Appends all of `from`.
    pub(super) fn push_all(&mut self, from: &Traced) {
        self.push(from, 0..from.value.len());
    }

    fn last_line(&self) -> &str {
        self.value.rsplit('\n').next().unwrap_or("")
    }

    /// The place of the line that contains the given byte.
    pub(super) fn place_of(&self, offset: usize) -> &Line {
        let line = newlines(&self.value[..offset]);
        self.places.get(line).unwrap_or(&self.at)
    }

    /// The same with every `needle` replaced.
    pub(super) fn replace(&self, needle: &str, by: &Traced) -> Traced {
        let mut out = Traced::empty(self.places.first().unwrap_or(&self.at).clone());
        out.at = self.at.clone();
        let mut from = 0;
        for (index, found) in self.value.match_indices(needle) {
            out.push(self, from..index);
            out.push_all(by);
            from = index + found.len();
        }
        out.push(self, from..self.value.len());
        out
    }

    /// The whole value.
    pub(super) fn text(&self) -> Text {
        Text { value: self.value.clone(), at: self.at.location() }
    }

    /// The lines that aren't empty, each with its own place.
    pub(super) fn lines(&self) -> Vec<Text> {
        let places = self.places.iter().chain(std::iter::repeat(&self.at));
        let lines = self.value.split('\n').zip(places).filter(|(line, _)| !line.is_empty());
        lines.map(|(line, at)| Text { value: line.to_owned(), at: at.location() }).collect()
    }
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32) -> Line {
        Line { file: Path::new("f").into(), line }
    }

    fn lines(traced: &Traced) -> Vec<(String, u32)> {
        traced.lines().into_iter().map(|text| (text.value, text.at.line)).collect()
    }

    #[test]
    fn each_line_keeps_its_place_through_a_replacement() {
        let outer = Traced::with_lines("a\n<t>\nb".to_owned(), place(1), &[1, 2, 3]);
        let inner = Traced::with_lines("x\ny".to_owned(), place(10), &[10, 11]);
        let made = outer.replace("<t>", &inner);
        let expected = [("a", 1), ("x", 10), ("y", 11), ("b", 3)];
        assert_eq!(lines(&made), expected.map(|(line, at)| (line.to_owned(), at)));
    }

    #[test]
    fn a_line_is_where_its_text_begins() {
        let outer = Traced::with_lines("^<t>$".to_owned(), place(1), &[1]);
        let made = outer.replace("<t>", &Traced::new("x\ny", place(10)));
        assert_eq!(lines(&made), [("^x".to_owned(), 1), ("y$".to_owned(), 10)]);
    }
}
