//! Several files as one: what each option says, and what it said before.
//!
//! A later value of an option goes on top of the earlier ones instead of replacing them: `%(known/x)s` is the
//! value below.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ini::{Parsed, RawOption, Section};
use super::quoted;
use super::traced::{Line, Traced};
use crate::diag::{Diagnostic, Location, Severity};

/// All values of the options of a section, the current one last.
pub(super) type Options = BTreeMap<String, Vec<Rc<Traced>>>;

/// The section whose options are in every other one.
pub(super) const DEFAULT: &str = "DEFAULT";
/// The section that names other files.
pub(super) const INCLUDES: &str = "INCLUDES";

/// Several files as one.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) defaults: Options,
    /// In the order in which they first appeared.
    pub(super) sections: Vec<(String, Options, Location)>,
    /// The sections that were merged more than once: these remember former values.
    pub(super) remembering: BTreeSet<String>,
    /// The files, in the order of merging.
    pub(super) files: Vec<PathBuf>,
    pub(super) findings: Vec<Diagnostic>,
    /// The names in `%(name)s`, once somebody has asked for them, and those in `<name>`.
    quoted: OnceCell<HashSet<String>>,
    tagged: OnceCell<HashSet<String>>,
}

impl Merged {
    /// The options of a section, without those of `[DEFAULT]`.
    pub(super) fn section(&self, name: &str) -> Option<&Options> {
        self.sections.iter().find(|(known, ..)| known == name).map(|(_, options, _)| options)
    }

    /// Where a section begins.
    pub(super) fn section_at(&self, name: &str) -> Option<&Location> {
        self.sections.iter().find(|(known, ..)| known == name).map(|(.., at)| at)
    }

    /// Whether any option has the text of this one in it.
    pub(super) fn quotes(&self, name: &str) -> bool {
        let collect =
            || self.values().flat_map(|value| quoted::names(&value.value.to_lowercase())).collect();
        self.quoted.get_or_init(collect).contains(name)
    }

    /// Whether any option has a tag of this name in it.
    pub(super) fn tags(&self, name: &str) -> bool {
        let of = |value: &Rc<Traced>| -> Vec<String> {
            quoted::tags(&value.value).map(str::to_lowercase).collect()
        };
        self.tagged.get_or_init(|| self.values().flat_map(of).collect()).contains(name)
    }

    fn values(&self) -> impl Iterator<Item = &Rc<Traced>> {
        let sections = self.sections.iter().map(|(_, options, _)| options);
        sections.chain([&self.defaults]).flat_map(BTreeMap::values).flatten()
    }

    /// Whether a file in it can't be used, and so neither can the whole.
    pub(super) fn is_broken(&self) -> bool {
        self.findings.iter().any(|found| found.severity == Severity::Error)
    }

    /// Puts what a file says on top.
    pub(super) fn add(&mut self, file: &Rc<Path>, parsed: &Parsed) {
        for section in &parsed.sections {
            self.add_section(file, section);
        }
    }

    /// The same with these sections alone.
    pub(super) fn add_only(&mut self, file: &Rc<Path>, parsed: &Parsed, names: &[&str]) {
        let wanted = parsed.sections.iter().filter(|section| names.contains(&&*section.name));
        wanted.for_each(|section| self.add_section(file, section));
    }

    fn add_section(&mut self, file: &Rc<Path>, section: &Section) {
        let (name, condition) = match section.name.split_once('?') {
            Some((word, condition)) if is_word(word) && !condition.is_empty() => {
                (word, Some(condition))
            }
            _ => (section.name.as_str(), None),
        };
        let options = if name == DEFAULT {
            &mut self.defaults
        } else {
            let index = self.sections.iter().position(|(known, ..)| known == name);
            let index = index.unwrap_or(self.sections.len());
            if index == self.sections.len() {
                self.sections.push((name.to_owned(), Options::new(), section.at.clone()));
            } else {
                self.remembering.insert(name.to_owned());
            }
            &mut self.sections[index].1
        };
        for option in &section.options {
            let name = match condition {
                Some(condition) => format!("{}?{condition}", option.name),
                None => option.name.clone(),
            };
            let stack = options.entry(name).or_default();
            stack.push(Rc::new(traced(file, option)));
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn traced(file: &Rc<Path>, option: &RawOption) -> Traced {
    let at = Line { file: Rc::clone(file), line: option.at };
    Traced::with_lines(option.value.clone(), at, &option.lines)
}
