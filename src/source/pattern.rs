//! One name of a path, as a pattern gives it: by the rules of the shell and of Python's `glob`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A name, or a pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamePattern {
    text: OsString,
    pattern: Option<glob::Pattern>,
}

impl NamePattern {
    /// What `text` stands for; it has no `/`.
    pub(super) fn new(text: &OsStr) -> Result<Self, glob::PatternError> {
        let pattern = is_pattern(text.as_bytes())
            // The crate's walk over folders leaves out names that aren't UTF-8 (glob 0.3.4), and
            // its `**` descends: only its matching of names is used.
            .then(|| glob::Pattern::new(&flat(&text.to_string_lossy())))
            .transpose()?;
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// The very name.
    pub(super) fn literal(name: &OsStr) -> Self {
        Self { text: name.to_owned(), pattern: None }
    }

    /// As it is written.
    pub(super) fn text(&self) -> &OsStr {
        &self.text
    }

    /// The names of a path, one by one.
    pub(super) fn split(path: &OsStr) -> impl Iterator<Item = &OsStr> {
        let names = path.as_bytes().split(|byte| *byte == b'/');
        names.filter(|name| !name.is_empty()).map(OsStr::from_bytes)
    }

    /// The name, if it stands for no other.
    pub(super) fn as_literal(&self) -> Option<&OsStr> {
        self.pattern.is_none().then_some(&*self.text)
    }

    /// Whether it stands for this name; a hidden one only if it is asked for.
    pub(super) fn matches(&self, name: &OsStr) -> bool {
        let Some(pattern) = &self.pattern else { return self.text == name };
        (pattern.as_str().starts_with('.') || !is_hidden(name))
            && pattern.matches(&name.to_string_lossy())
    }

    /// The names in a folder that it stands for, in order.
    pub(super) fn names_in(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let names: io::Result<Vec<_>> = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        let mut names = names?;
        names.retain(|name| self.matches(name));
        names.sort();
        Ok(names)
    }
}

/// Whether there is a wildcard in it.
pub(super) fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| b"*?[".contains(byte))
}

pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// The pattern with every `**` as `*`.
fn flat(part: &str) -> String {
    let mut flat = part.to_owned();
    while flat.contains("**") {
        flat = flat.replace("**", "*");
    }
    flat
}
