//! From a filter's definition to expressions that run, or to everything that is wrong with it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::hit::{Hit, Ids, is_field};
use super::literal::Candidates;
use super::names::{DNS, FID, IP4, IP6, MLFID, NameId, Names, RESERVED};
use super::pattern::Pattern;
use super::tags;
use super::translate::Lines;
use crate::config::{FilterDef, Text, UseDns};
use crate::diag::{Diagnostic, Severity};
use crate::text::shown;

/// What a jail or a command line adds to a filter's definition.
#[derive(Clone, Copy, Debug)]
pub struct CompileOptions {
    /// Whether `<HOST>` may be a name.
    pub usedns: UseDns,
    /// Lines that one failregex sees at a time; at least 1.
    pub maxlines: u32,
    /// Whether ids stay as they are written, be they addresses or not.
    pub raw: bool,
}

/// A compiled filter; any number of threads may use it.
#[derive(Debug)]
pub struct Filter {
    pub(super) prefregex: Option<Pattern>,
    pub(super) failregex: Vec<Pattern>,
    pub(super) ignoreregex: Vec<Pattern>,
    maxlines: u32,
    names: Arc<[String]>,
    candidates: Option<Candidates>,
    /// Per failregex what a line must contain for it; checked where `candidates` can't tell them apart.
    pub(super) gates: Vec<Box<[Candidates]>>,
    /// For each first byte of a text, the failregexes that can match it, in order; made for the first text.
    by_first: OnceLock<Vec<Box<[usize]>>>,
    has_sessions: bool,
    has_open_prefregex: bool,
    pub(super) ids: Ids,
}

impl Filter {
    /// Compiles `def`.
    ///
    /// # Errors
    /// Everything that is wrong, each with file and line: expressions that don't compile or identify
    /// nobody, and a filter without any failregex.
    pub fn compile(def: &FilterDef, options: &CompileOptions) -> Result<Self, Vec<Diagnostic>> {
        let mut work = Work {
            def,
            usedns: options.usedns,
            names: Names(RESERVED.map(str::to_owned).to_vec()),
            findings: Vec::new(),
        };
        let (each, whole) = match options.maxlines {
            0 | 1 => (Lines::One, Lines::One),
            _ => (Lines::Each, Lines::Whole),
        };
        let prefregex = def.prefregex.as_ref().and_then(|text| work.pattern(text, whole));
        let failregex: Vec<Pattern> =
            def.failregex.iter().filter_map(|text| work.pattern(text, each)).collect();
        let ignoreregex: Vec<Pattern> =
            def.ignoreregex.iter().filter_map(|text| work.pattern(text, whole)).collect();
        work.check_ids(prefregex.as_ref(), &failregex);
        let Work { names, findings, .. } = work;
        if !findings.is_empty() {
            return Err(findings);
        }
        let has_sessions = prefregex
            .iter()
            .chain(&failregex)
            .any(|p| p.groups().iter().any(|(_, id)| *id == MLFID));
        let gates = gates(prefregex.is_some(), &failregex);
        let has_open_prefregex =
            options.maxlines <= 1 && prefregex.as_ref().is_some_and(Pattern::is_open);
        let mut filter = Self {
            prefregex,
            failregex,
            ignoreregex,
            maxlines: options.maxlines.max(1),
            names: names.0.into(),
            candidates: None,
            gates,
            by_first: OnceLock::new(),
            has_sessions,
            has_open_prefregex,
            ids: Ids { raw: options.raw, usedns: options.usedns },
        };
        filter.candidates = filter.find_candidates();
        Ok(filter)
    }

    /// The failregexes, in order.
    pub fn failregex(&self) -> &[Pattern] {
        &self.failregex
    }

    /// The ignoreregexes, in order.
    pub fn ignoreregex(&self) -> &[Pattern] {
        &self.ignoreregex
    }

    /// The prefregex, if there is one.
    pub fn prefregex(&self) -> Option<&Pattern> {
        self.prefregex.as_ref()
    }

    /// Lines that a failregex sees at a time.
    pub fn maxlines(&self) -> u32 {
        self.maxlines
    }

    /// Whether matches of one connection belong together, so that line order matters.
    pub fn has_sessions(&self) -> bool {
        self.has_sessions
    }

    /// What a line needs to be looked at; `None` if every line has to be.
    pub fn candidates(&self) -> Option<&Candidates> {
        self.candidates.as_ref()
    }

    /// Whether ignoreregexes are tried before everything else, on the whole line: fail2ban does so where
    /// they are fewer than the failregexes by more than two.
    pub(super) fn ignores_early(&self) -> bool {
        !self.ignoreregex.is_empty() && self.ignoreregex.len() + 2 < self.failregex.len()
    }

    /// The failregexes that can match `text`, as far as its first byte tells, in order. Most begin with `^` and a
    /// word of their own: of sshd's thirty, two or three are left.
    pub(super) fn possible(&self, text: &str) -> &[usize] {
        let first = text.as_bytes().first().copied().unwrap_or(b'\n');
        let list = || (0..=u8::MAX).map(|byte| beginning_with(byte, &self.failregex)).collect();
        &self.by_first.get_or_init(list)[usize::from(first)]
    }

    /// Whether a prefregex matches every line that has any text beside its date.
    pub fn has_open_prefregex(&self) -> bool {
        self.has_open_prefregex
    }

    /// The groups of a hit in `text` by name, without those that only steer f2b; and `ip`, the address or name
    /// beside an `<F-ID>`.
    pub fn fields<'t>(
        &'t self,
        hit: &'t Hit,
        text: &'t [u8],
    ) -> impl Iterator<Item = (&'t str, Cow<'t, str>)> {
        hit.fields(|name| self.group_name(name), text, self.ids)
    }

    /// The names of the groups of a failregex and of the prefregex before it, in order, without those that only
    /// steer f2b.
    pub fn field_names(&self, regex: usize) -> impl Iterator<Item = &str> {
        let patterns = self.prefregex.iter().chain(self.failregex.get(regex));
        let groups = patterns.flat_map(Pattern::groups).filter(|(_, id)| is_field(*id));
        groups.map(|(_, id)| self.group_name(*id))
    }

    /// Groups of a failregex that skip lines.
    pub(super) fn skipped(&self, index: usize) -> Vec<usize> {
        let is_skip = |id: NameId| self.group_name(id).starts_with("skiplines");
        let groups = self.failregex[index].groups().iter();
        groups.filter(|(_, id)| is_skip(*id)).map(|(group, _)| *group).collect()
    }

    pub(super) fn group_name(&self, id: NameId) -> &str {
        &self.names[usize::from(id)]
    }

    /// The names of all groups, by number.
    pub(super) fn group_names(&self) -> Arc<[String]> {
        Arc::clone(&self.names)
    }

    /// A line without these strings is missed, whatever else it holds: no failregex matches it, nor an
    /// ignoreregex that is tried before them. Where a prefregex tells lines apart, its strings are asked for, as
    /// its hits are reported too; what it cuts out for a failregex is a part of the line.
    fn find_candidates(&self) -> Option<Candidates> {
        if self.maxlines > 1 {
            return None;
        }
        let deciding: Vec<&Pattern> = match &self.prefregex {
            Some(prefregex) if !self.has_open_prefregex() => vec![prefregex],
            _ => self.failregex.iter().collect(),
        };
        let early = if self.ignores_early() { &self.ignoreregex[..] } else { &[] };
        Candidates::of(deciding.into_iter().chain(early).map(Pattern::superset))
    }
}

/// What each failregex needs by itself; the best of it is of no use to the only one, by which lines are candidates.
fn gates(has_prefregex: bool, failregex: &[Pattern]) -> Vec<Box<[Candidates]>> {
    let is_sole = failregex.len() == 1 && !has_prefregex;
    let gates = failregex.iter().map(|pattern| {
        let [best, second] = Candidates::both_of(pattern.superset());
        best.filter(|_| !is_sole).into_iter().chain(second).collect()
    });
    gates.collect()
}

fn beginning_with(byte: u8, failregex: &[Pattern]) -> Box<[usize]> {
    let all = failregex.iter().enumerate();
    all.filter(|(_, regex)| regex.may_begin_with(byte)).map(|(index, _)| index).collect()
}

struct Work<'d> {
    def: &'d FilterDef,
    usedns: UseDns,
    names: Names,
    findings: Vec<Diagnostic>,
}

impl Work<'_> {
    fn pattern(&mut self, text: &Text, lines: Lines) -> Option<Pattern> {
        let expanded = tags::expand(&text.value, self.usedns);
        match Pattern::compile(text.clone(), expanded, lines, &mut self.names) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("invalid regex '{}': {error}", shown(&text.value));
                self.report("invalid-regex", text, message, None);
                None
            }
        }
    }

    fn check_ids(&mut self, prefregex: Option<&Pattern>, failregex: &[Pattern]) {
        let has_id = |pattern: &Pattern| {
            pattern.groups().iter().any(|(_, id)| matches!(*id, IP4 | IP6 | DNS | FID | MLFID))
        };
        if prefregex.is_some_and(has_id) {
            return;
        }
        for pattern in failregex.iter().filter(|pattern| !has_id(pattern)) {
            let text = Text { value: pattern.source().to_owned(), at: pattern.at().clone() };
            let message = format!("'{}' identifies nobody", shown(&text.value));
            let help = "a failregex needs <HOST>, <ADDR> or another id such as <F-ID>…</F-ID>";
            self.report("no-host", &text, message, Some(help));
        }
        if self.def.failregex.is_empty() {
            let mut found = Diagnostic::new("no-failregex", Severity::Error, "no failregex")
                .with_subject(&self.def.name)
                .with_help("a filter needs at least one expression with <HOST>");
            if let Some(file) = &self.def.file {
                found = found.with_location(crate::diag::Location::new(file, 0));
            }
            self.findings.push(found);
        }
    }

    fn report(&mut self, id: &'static str, text: &Text, message: String, help: Option<&str>) {
        let mut found = Diagnostic::new(id, Severity::Error, message)
            .with_location(text.at.clone())
            .with_text(&text.value)
            .with_subject(&self.def.name);
        if let Some(help) = help {
            found = found.with_help(help);
        }
        self.findings.push(found);
    }
}
