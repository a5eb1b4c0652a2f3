//! Which files are merged under one name, and in which order.
//!
//! A file's `before` and `after` are expanded where the file stands, so a file that is included
//! along two paths is merged twice.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::file;
use super::ini::Parsed;
use super::interpolate::{Given, Scope};
use super::merged::{DEFAULT, INCLUDES, Merged};
use crate::diag::{Diagnostic, Severity};
use crate::text;

/// Reads files, each once.
#[derive(Debug, Default)]
pub(super) struct Files {
    parsed: RefCell<HashMap<PathBuf, Option<Rc<Parsed>>>>,
}

impl Files {
    /// The parsed file; `None` if there is none.
    fn parse(&self, path: &Path) -> Option<Rc<Parsed>> {
        if let Some(known) = self.parsed.borrow().get(path) {
            return known.clone();
        }
        let parsed = file::read(path).map(Rc::new);
        self.parsed.borrow_mut().insert(path.to_owned(), parsed.clone());
        parsed
    }

    /// Merges a list of files with what they include.
    pub(super) fn merge(&self, list: &[PathBuf], siblings: Siblings) -> Merged {
        let mut walk = Walk { files: self, stack: Vec::new(), merged: Merged::default() };
        walk.list(list, siblings);
        walk.merged
    }
}

/// Whether the files of a list bring the `.local` beside them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Siblings {
    Too,
    No,
}

struct Walk<'f> {
    files: &'f Files,
    /// The files whose includes are being merged.
    stack: Vec<PathBuf>,
    merged: Merged,
}

impl Walk<'_> {
    fn list(&mut self, list: &[PathBuf], siblings: Siblings) {
        for path in list {
            self.file(path);
            let local = path.with_extension("local");
            if siblings == Siblings::Too && !list.contains(&local) {
                self.file(&local);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if self.stack.iter().any(|open| open == path) {
            return;
        }
        let Some(parsed) = self.files.parse(path) else { return };
        let shared: Rc<Path> = path.into();
        self.stack.push(path.to_owned());
        let own = including(&shared, &parsed);
        let before = self.includes(own.as_ref(), path, "before");
        self.list(&before, Siblings::Too);
        if !self.merged.files.iter().any(|known| known == path) {
            self.merged.findings.extend(parsed.findings.iter().cloned());
        }
        self.merged.add(&shared, &parsed);
        self.merged.files.push(path.to_owned());
        let after = self.includes(own.as_ref(), path, "after");
        self.list(&after, Siblings::Too);
        self.stack.pop();
    }

    /// The files that `path`, which has such an `[INCLUDES]`, names in `before` or `after`; those that exist and those
    /// that don't.
    fn includes(&mut self, own: Option<&Merged>, path: &Path, option: &str) -> Vec<PathBuf> {
        let Some(own) = own else { return Vec::new() };
        let given = Given::new();
        let value = match Scope::new(own, INCLUDES, &given).fetch(option) {
            Ok(Some(value)) => value,
            Ok(None) => return Vec::new(),
            Err(error) => {
                self.merged.findings.push(error.diagnostic());
                return Vec::new();
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut list = Vec::new();
        for line in value.lines() {
            let file = folder.join(line.value.trim());
            // A `.local` is there to be written by the user, and mostly isn't.
            if !file.exists() && file.extension().is_none_or(|extension| extension != "local") {
                let message = format!("included file '{}' is missing", text::shown(&line.value));
                let finding = Diagnostic::new("missing-include", Severity::Note, message);
                self.merged.findings.push(finding.with_location(line.at));
            }
            list.push(file);
        }
        list
    }
}

/// What a file says of others, and what that may quote; `None` if it says nothing of them.
fn including(path: &Rc<Path>, parsed: &Parsed) -> Option<Merged> {
    let is_here = |name: &str| parsed.sections.iter().any(|section| section.name == name);
    is_here(INCLUDES).then(|| {
        let mut own = Merged::default();
        own.add_only(path, parsed, &[DEFAULT, INCLUDES]);
        own
    })
}

/// The existing files of a name such as `jail` or `filter.d/sshd`, in the order of merging.
pub(super) fn candidates(dir: &Path, name: &str) -> Vec<PathBuf> {
    let base = dir.join(name);
    let with = |extension: &str| {
        let mut path = base.clone().into_os_string();
        path.push(extension);
        PathBuf::from(path)
    };
    let folder = with(".d");
    let mut list = Vec::new();
    for extension in ["conf", "local"] {
        list.push(with(&format!(".{extension}")));
        list.extend(dropped_in(&folder, extension));
    }
    // What is no file is there to be told.
    list.retain(|path| path.exists());
    list
}

/// `folder/*.extension`, sorted; names that begin with a dot are hidden.
pub(super) fn dropped_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut list: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    list.retain(|path| {
        path.extension().is_some_and(|found| found == extension)
            && !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    });
    list.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder for the test");
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("made");
            fs::write(path, content).expect("written");
        }
        dir
    }

    fn order(dir: &Path, merged: &Merged) -> Vec<String> {
        let relative = merged.files.iter().map(|file| file.strip_prefix(dir).unwrap_or(file));
        relative.map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn local_files_and_folders_come_in_their_order() {
        let dir = folder(&[
            ("j.local", ""),
            ("j.d/b.local", ""),
            ("j.d/.hidden.conf", ""),
            ("j.d/z.conf", ""),
            ("j.d/a.conf", ""),
            ("j.conf", ""),
        ]);
        let list = candidates(dir.path(), "j");
        let merged = Files::default().merge(&list, Siblings::Too);
        let expected = ["j.conf", "j.d/a.conf", "j.d/z.conf", "j.local", "j.d/b.local"];
        assert_eq!(order(dir.path(), &merged), expected);
    }

    #[test]
    fn included_files_stand_around_the_file() {
        let dir = folder(&[
            ("main.conf", "[INCLUDES]\nbefore = b1.conf\n  b2.conf\nafter = a1.conf\n"),
            ("b2.conf", "[INCLUDES]\nbefore = b1.conf\n"),
            ("b1.conf", ""),
            ("b1.local", ""),
            ("a1.conf", ""),
            ("a1.local", ""),
            ("main.local", ""),
        ]);
        let merged = Files::default().merge(&candidates(dir.path(), "main"), Siblings::Too);
        let expected =
            "b1.conf b1.local b1.conf b1.local b2.conf main.conf a1.conf a1.local main.local";
        assert_eq!(order(dir.path(), &merged).join(" "), expected);
    }

    #[test]
    fn a_file_that_includes_itself_is_read_once() {
        let dir = folder(&[
            ("a.conf", "[INCLUDES]\nbefore = b.conf\n"),
            ("b.conf", "[INCLUDES]\nbefore = a.conf\nafter = gone.conf\n  gone.local\n"),
        ]);
        let merged = Files::default().merge(&candidates(dir.path(), "a"), Siblings::Too);
        assert_eq!(order(dir.path(), &merged), ["b.conf", "a.conf"]);
        let found: Vec<_> =
            merged.findings.iter().map(|found| (found.id, found.severity)).collect();
        assert_eq!(found, [("missing-include", Severity::Note)]);
    }

    #[test]
    fn conditional_sections_are_folded_into_their_section() {
        let dir = folder(&[("a.conf", "[Init]\nx = 1\n[Init?family=inet6]\nx = 2\n")]);
        let merged = Files::default().merge(&candidates(dir.path(), "a"), Siblings::Too);
        let names: Vec<_> = merged.section("Init").into_iter().flatten().map(|(n, _)| n).collect();
        assert_eq!(names, ["x", "x?family=inet6"]);
        assert_eq!(merged.sections.len(), 1);
    }
}
