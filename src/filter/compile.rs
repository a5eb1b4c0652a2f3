//! From a filter's definition to expressions that run, or to everything that is wrong with it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::choice::{Choice, Chosen};
use super::engine::Make;
use super::error::PatternError;
use super::hit::{Hit, Ids, is_field};
use super::literal::Candidates;
use super::names::{DNS, FID, IP4, IP6, MLFID, NameId, Names, RESERVED};
use super::pattern::{Parsed, Pattern};
use super::tags;
use super::translate::Lines;
use crate::config::{FilterDef, Text, UseDns};
use crate::diag::{Diagnostic, Severity};
use crate::text::shown;

/// Failregexes up to which each is made at once, with gates of its own; beyond, one automaton finds which to try.
const MANY: usize = 500;
/// Each takes some 3 KiB, and 10 KiB more once it is tried.
const FAILREGEX_MAX: usize = 100_000;
/// As many may be tried on one line, and then take 100 MiB.
const ALIKE_MAX: usize = 10_000;

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
    trying: Trying,
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
        if def.failregex.len() > FAILREGEX_MAX {
            let what = format!("{} failregexes are too many", def.failregex.len());
            return Err(vec![too_many(def, what, FAILREGEX_MAX)]);
        }
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
        let failregex = work.failregex(each);
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
        let trying = Trying::of(&failregex, prefregex.is_some()).map_err(|most| {
            vec![too_many(
                def,
                format!("{most} failregexes can't be told apart by a text in them"),
                ALIKE_MAX,
            )]
        })?;
        let has_open_prefregex =
            options.maxlines <= 1 && prefregex.as_ref().is_some_and(Pattern::is_open);
        let mut filter = Self {
            prefregex,
            failregex,
            ignoreregex,
            maxlines: options.maxlines.max(1),
            names: names.0.into(),
            candidates: None,
            trying,
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

    /// The failregexes that can match `text`, a line, in order, as far as its first byte tells or, of very many,
    /// what it contains. Most begin with `^` and a word of their own: of sshd's thirty, two or three are left.
    pub(super) fn possible<'c>(&'c self, text: &str, chosen: &'c mut Chosen) -> &'c [usize] {
        match &self.trying {
            Trying::Some { by_first, .. } => {
                let first = text.as_bytes().first().copied().unwrap_or(b'\n');
                let list =
                    || (0..=u8::MAX).map(|byte| beginning_with(byte, &self.failregex)).collect();
                &by_first.get_or_init(list)[usize::from(first)]
            }
            Trying::Many(choice) => {
                choice.choose(text, chosen);
                &chosen.list
            }
        }
    }

    /// The first failregex from `from` on that can match `text`, of several lines. `chosen` is of the same text,
    /// or new.
    pub(super) fn next_possible(
        &self,
        from: usize,
        text: &str,
        chosen: &mut Chosen,
    ) -> Option<usize> {
        let Trying::Many(choice) = &self.trying else {
            return Some(from).filter(|from| *from < self.failregex.len());
        };
        if !chosen.is_made() {
            choice.choose(text, chosen);
        }
        chosen.list.iter().copied().find(|index| *index >= from)
    }

    /// Whether `text` contains what a failregex needs.
    pub(super) fn passes_gates(&self, index: usize, text: &str) -> bool {
        match &self.trying {
            Trying::Some { gates, .. } => {
                gates[index].iter().all(|gate| gate.is_match(text.as_bytes()))
            }
            Trying::Many(_) => true,
        }
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
        if self.maxlines > 1 || self.failregex.len() > MANY {
            return None;
        }
        let deciding: Vec<&Pattern> = match &self.prefregex {
            Some(prefregex) if !self.has_open_prefregex() => vec![prefregex],
            _ => self.failregex.iter().collect(),
        };
        let early = if self.ignores_early() { &self.ignoreregex[..] } else { &[] };
        Candidates::of(deciding.into_iter().chain(early).map(Pattern::literals))
    }
}

/// What each failregex needs by itself; the best of it is of no use to the only one, by which lines are candidates.
fn gates(has_prefregex: bool, failregex: &[Pattern]) -> Vec<Box<[Candidates]>> {
    let is_sole = failregex.len() == 1 && !has_prefregex;
    let gates = failregex.iter().map(|pattern| {
        let [best, second] = Candidates::both_of(pattern.literals());
        best.filter(|_| !is_sole).into_iter().chain(second).collect()
    });
    gates.collect()
}

fn beginning_with(byte: u8, failregex: &[Pattern]) -> Box<[usize]> {
    let all = failregex.iter().enumerate();
    all.filter(|(_, regex)| regex.may_begin_with(byte)).map(|(index, _)| index).collect()
}

/// How it is found out which failregexes are worth trying on a text.
#[derive(Debug)]
enum Trying {
    Some {
        /// Per failregex what a line must contain for it; checked where `candidates` can't tell them apart.
        gates: Vec<Box<[Candidates]>>,
        /// For each first byte of a text, the failregexes that can match it, in order; made for the first text.
        by_first: OnceLock<Vec<Box<[usize]>>>,
    },
    Many(Choice),
}

impl Trying {
    /// Of more than [`MANY`] those that a text can make possible together must not be more than [`ALIKE_MAX`]; else
    /// how many they are.
    fn of(failregex: &[Pattern], has_prefregex: bool) -> Result<Self, usize> {
        if failregex.len() <= MANY {
            let gates = gates(has_prefregex, failregex);
            return Ok(Self::Some { gates, by_first: OnceLock::new() });
        }
        let choice = Choice::among(failregex.iter().map(Pattern::literals));
        let choice = choice.ok_or(failregex.len())?;
        let most = choice.most_alike();
        if most > ALIKE_MAX { Err(most) } else { Ok(Self::Many(choice)) }
    }
}

fn too_many(def: &FilterDef, what: String, most: usize) -> Diagnostic {
    let mut found = Diagnostic::new("too-many-failregexes", Severity::Error, what)
        .with_subject(&def.name)
        .with_help(format!("{most} are the most; part them among several filters"));
    if let Some(first) = def.failregex.first() {
        found = found.with_location(first.at.clone());
    }
    found
}

struct Work<'d> {
    def: &'d FilterDef,
    usedns: UseDns,
    names: Names,
    findings: Vec<Diagnostic>,
}

impl Work<'_> {
    /// Very many are parsed by all threads, and made into what runs only when they are tried.
    fn failregex(&mut self, lines: Lines) -> Vec<Pattern> {
        let all = &self.def.failregex;
        if all.len() <= MANY {
            return all.iter().filter_map(|text| self.pattern(text, lines)).collect();
        }
        let usedns = self.usedns;
        let parse =
            |text: &Text| Parsed::new(tags::expand(&text.value, usedns), lines, Make::WhenTried);
        let parsed: Vec<_> = all.par_iter().map(parse).collect();
        let mut patterns = Vec::with_capacity(parsed.len());
        for (text, parsed) in all.iter().zip(parsed) {
            match parsed {
                Ok(parsed) => patterns.push(Pattern::of(text.clone(), parsed, &mut self.names)),
                Err(error) => self.is_invalid(text, &error),
            }
        }
        patterns
    }

    fn pattern(&mut self, text: &Text, lines: Lines) -> Option<Pattern> {
        let expanded = tags::expand(&text.value, self.usedns);
        match Pattern::compile(text.clone(), expanded, lines, &mut self.names) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.is_invalid(text, &error);
                None
            }
        }
    }

    fn is_invalid(&mut self, text: &Text, error: &PatternError) {
        let message = format!("invalid regex '{}': {error}", shown(&text.value));
        self.report("invalid-regex", text, message, None);
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
