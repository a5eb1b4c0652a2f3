//! Where in its line the offending text of a finding stands.
//!
//! Loading knows lines, not columns: a value is put together from many places. The text that offends is
//! looked for in its line; where it isn't (it came about by replacement) the finding is about the whole value.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::diag::Diagnostic;

/// The lines of the files that findings are about.
#[derive(Debug, Default)]
pub struct Sources(HashMap<PathBuf, Vec<String>>);

/// A line of a file, and the part of it that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line without its end.
    pub line: String,
    /// Where the part begins, in characters from 0.
    pub start: usize,
    /// How many characters it has; at least 1.
    pub len: usize,
}

impl Sources {
    /// The line of a finding; `None` if it isn't about a line of a file that can be read.
    pub fn excerpt(&mut self, finding: &Diagnostic) -> Option<Excerpt> {
        let at = finding.at.as_ref().filter(|at| at.line > 0)?;
        let lines = self.0.entry(at.file.clone()).or_insert_with(|| {
            let bytes = std::fs::read(&at.file).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        });
        let line = lines.get(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let text = finding.text.as_deref().and_then(|text| text.trim().lines().next());
        // A value rather than the name of its option.
        let is_option = !line.starts_with(char::is_whitespace);
        let value = line.find('=').filter(|_| is_option).map_or(0, |at| at + 1);
        let found = text.filter(|text| !text.is_empty()).and_then(|text| {
            let at = line[value..].find(text).map(|at| value + at).or_else(|| line.find(text))?;
            Some((at, text))
        });
        let rest = &line[value..];
        let whole = (line.len() - rest.trim_start().len(), rest.trim());
        let (start, part) = found.unwrap_or(whole);
        let start = line[..start].chars().count();
        Some(Excerpt { line: line.clone(), start, len: part.chars().count().max(1) })
    }

    /// Gives the finding the column of its text.
    pub(super) fn locate(&mut self, finding: &mut Diagnostic) {
        let Some(excerpt) = self.excerpt(finding) else { return };
        if let Some(at) = &mut finding.at {
            at.column = u32::try_from(excerpt.start + 1).unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Location, Severity};

    #[test]
    fn a_text_is_found_in_its_line_or_the_line_is_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("jail.conf");
        std::fs::write(&file, "[j]\nfilter = é filter\n").expect("written");
        let found =
            Diagnostic::new("x", Severity::Error, "x").with_location(Location::new(&file, 2));
        let place = |text: &str| {
            let excerpt = Sources::default().excerpt(&found.clone().with_text(text));
            excerpt.map(|excerpt| (excerpt.start, excerpt.len))
        };
        assert_eq!(place("filter"), Some((11, 6)));
        assert_eq!(place("nowhere"), Some((9, 8)));
        let beyond = found.clone().with_location(Location::new(&file, 9));
        assert_eq!(Sources::default().excerpt(&beyond), None);
    }
}
