//! Filters: the regular expressions of a file in filter.d, or of any file, with everything that is
//! quoted in them resolved.

use std::path::PathBuf;

use super::definition::Definition;
use super::journal::JournalMatch;
use super::loaded::Loaded;
use super::options;
use super::substitute::SubstituteError;
use super::traced::{Text, Traced};
use crate::diag::{Diagnostic, Location, Severity};
use crate::text;

/// Whether host names in logs are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseDns {
    /// They are.
    Yes,
    /// They are, with a warning.
    Warn,
    /// They are ignored.
    No,
    /// They are identifiers like any other.
    Raw,
}

impl UseDns {
    /// Reads `yes`, `warn`, `no`, `raw`, or a boolean.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Some(Self::Yes),
            "warn" => Some(Self::Warn),
            "no" | "false" | "off" | "0" => Some(Self::No),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// The word in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Warn => "warn",
            Self::No => "no",
            Self::Raw => "raw",
        }
    }
}

/// What a filter looks for. Tags such as `<HOST>` are left in.
#[derive(Clone, Debug, Default)]
pub struct FilterDef {
    /// Its name, or the path it was given by; empty for one from the command line.
    pub name: String,
    /// Its main file.
    pub file: Option<PathBuf>,
    /// The options from the brackets.
    pub options: Vec<(String, String)>,
    /// What every line must match first.
    pub prefregex: Option<Text>,
    /// What a failure looks like, one expression each.
    pub failregex: Vec<Text>,
    /// What is no failure nonetheless.
    pub ignoreregex: Vec<Text>,
    /// How dates look.
    pub datepattern: Vec<Text>,
    /// How many lines are matched together.
    pub maxlines: Option<u32>,
    /// Whether names are looked up.
    pub usedns: Option<UseDns>,
    /// Which journal entries are read.
    pub journalmatch: Vec<JournalMatch>,
}

impl FilterDef {
    /// A filter with one expression, from the command line.
    pub fn literal(failregex: &str) -> Self {
        let at = Location::new("command line", 0);
        let failregex = vec![Text { value: failregex.to_owned(), at }];
        Self { failregex, ..Self::default() }
    }

    /// How dates look, as it is written.
    pub fn datepattern_text(&self) -> String {
        let lines: Vec<&str> = self.datepattern.iter().map(|text| &*text.value).collect();
        lines.join("\n")
    }

    /// Takes over a value of one of the [`OPTIONS`]; lists that are there already get longer.
    pub(super) fn apply(&mut self, name: &str, value: &Traced, findings: &mut Vec<Diagnostic>) {
        match name {
            "prefregex" => {
                self.prefregex = Some(value.text()).filter(|text| !text.value.is_empty());
            }
            "failregex" => self.failregex.extend(value.lines()),
            "ignoreregex" => self.ignoreregex.extend(value.lines()),
            "datepattern" => self.datepattern = value.lines(),
            "journalmatch" => {
                for line in value.lines() {
                    match JournalMatch::read(line) {
                        Ok(wanted) => self.journalmatch.push(wanted),
                        Err(wrong) => findings.extend(wrong),
                    }
                }
            }
            "maxlines" => self.maxlines = maxlines(value, findings).or(self.maxlines),
            "usedns" => self.usedns = Some(usedns(value, findings)),
            _ => {}
        }
    }

    /// The finding that there is nothing to look for.
    pub(super) fn lack(&self) -> Option<Diagnostic> {
        if !self.failregex.is_empty() {
            return None;
        }
        let message = format!("filter '{}' has no failregex", text::shown(&self.name));
        let found = Diagnostic::new("no-failregex", Severity::Error, message)
            .with_subject(self.name.clone())
            .with_help("give it one, for instance 'failregex = ^login failed from <HOST>$'");
        Some(match &self.file {
            Some(file) => found.with_location(Location::new(file, 0)),
            None => found,
        })
    }
}

/// The options of a filter; a jail's value replaces the filter's.
pub(super) const OPTIONS: [&str; 7] =
    ["usedns", "prefregex", "ignoreregex", "failregex", "maxlines", "datepattern", "journalmatch"];

/// Reads all of the [`OPTIONS`] but those to skip; an expression is not asked for here.
pub(super) fn read(
    definition: &Definition,
    mut def: FilterDef,
    skip: &dyn Fn(&str) -> bool,
) -> Loaded<FilterDef> {
    let mut findings = Vec::new();
    let mut failed = false;
    for name in OPTIONS.into_iter().filter(|name| !skip(name)) {
        match definition.value(name) {
            Ok(Some(value)) => def.apply(name, &value, &mut findings),
            Ok(None) => {}
            Err(error) => {
                failed = true;
                findings.push(subject(&error, &def.name));
            }
        }
    }
    let all = def.prefregex.iter().chain(&def.failregex).chain(&def.ignoreregex);
    findings.extend(all.flat_map(|text| definition.misspelt(text, &[])));
    findings.extend(definition.displaced().iter().map(|tag| displaced(tag, &def.name)));
    Loaded { value: (!failed).then_some(def), findings }
}

fn subject(error: &SubstituteError, name: &str) -> Diagnostic {
    error.diagnostic().with_subject(name)
}

/// The finding that an option takes the place of a built-in tag.
fn displaced(tag: &str, filter: &str) -> Diagnostic {
    let message = format!("option '{}' takes the place of the tag <{tag}>", tag.to_lowercase());
    Diagnostic::new("shadowed-tag", Severity::Warning, message)
        .with_subject(filter)
        .with_help("rename the option, unless that is what you want")
}

fn maxlines(value: &Traced, findings: &mut Vec<Diagnostic>) -> Option<u32> {
    let number = value.value.trim().parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        let default = options::default("maxlines");
        let message = format!("maxlines is '{}'", text::shown(&value.value));
        findings.push(
            Diagnostic::new("bad-number", Severity::Warning, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help(format!("write a whole number above zero; {default} is used")),
        );
    }
    number
}

/// A `usedns` value; fail2ban's answer to nonsense is `no`.
pub(super) fn usedns(value: &Traced, findings: &mut Vec<Diagnostic>) -> UseDns {
    UseDns::parse(&value.value).unwrap_or_else(|| {
        let message = format!("usedns is '{}'", text::shown(&value.value));
        findings.push(
            Diagnostic::new("bad-usedns", Severity::Warning, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help("write yes, warn, no or raw; no is used"),
        );
        UseDns::No
    })
}
