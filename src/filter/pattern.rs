//! One compiled expression of a filter: how it was written, where, and what runs it.

use std::ops::Range;

use regex_syntax::hir::{Dot, Hir, HirKind, Look, Repetition};

use super::captured::Helpers;
use super::engine::{Compiled, Engine, Make, Scratch};
use super::error::PatternError;
use super::literal::Literals;
use super::names::{NameId, Names};
use super::translate::Lines;
use crate::config::Text;
use crate::diag::Location;

/// A regular expression of a filter.
#[derive(Debug)]
pub struct Pattern {
    source: Text,
    expanded: String,
    engine: Engine,
    /// Named groups: index in the expression, number of the name.
    groups: Vec<(usize, NameId)>,
    /// Groups with and without a name, and the whole.
    groups_len: usize,
    literals: Literals,
    is_open: bool,
    helpers: Option<Box<Helpers>>,
    narrowing: Vec<&'static str>,
}

/// An expression that compiles, whatever others there are.
pub(super) struct Parsed {
    expanded: String,
    engine: Engine,
    group_names: Vec<Option<String>>,
    literals: Literals,
    is_open: bool,
    narrowing: Vec<&'static str>,
}

impl Parsed {
    /// Compiles `expanded`, an expression with its tags replaced.
    pub(super) fn new(expanded: String, lines: Lines, make: Make) -> Result<Self, PatternError> {
        let compiled = Engine::compile(&expanded, lines, make)?;
        let Compiled { engine, group_names, superset, narrowing } = compiled;
        let literals = Literals::of(&superset);
        let is_open = narrowing.is_empty() && is_open(&superset);
        Ok(Self { expanded, engine, group_names, literals, is_open, narrowing })
    }
}

/// Scratch space for an expression, and the groups of its last match.
#[derive(Debug)]
pub(super) struct Spans(Scratch);

impl Pattern {
    /// Compiles `expanded`, the expression with its tags replaced.
    pub(super) fn compile(
        source: Text,
        expanded: String,
        lines: Lines,
        names: &mut Names,
    ) -> Result<Self, PatternError> {
        Ok(Self::of(source, Parsed::new(expanded, lines, Make::Now)?, names))
    }

    /// What is left to do is in the order of the expressions: their groups' names get numbers.
    pub(super) fn of(source: Text, parsed: Parsed, names: &mut Names) -> Self {
        let Parsed { expanded, engine, group_names, literals, is_open, narrowing } = parsed;
        let groups_len = group_names.len();
        let all = group_names.into_iter().enumerate();
        let groups: Vec<_> =
            all.filter_map(|(index, name)| Some((index, names.id(&name?)))).collect();
        let helpers = Helpers::of(&groups, names);
        Self { source, expanded, engine, groups, groups_len, literals, is_open, helpers, narrowing }
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source.value
    }

    /// Where it was written.
    pub fn at(&self) -> &Location {
        &self.source.at
    }

    /// The expression with its tags replaced, in Python's syntax.
    pub fn expanded(&self) -> &str {
        &self.expanded
    }

    /// The constructs for which it needs the backtracking engine; empty for the linear one.
    pub fn narrowing(&self) -> &[&'static str] {
        &self.narrowing
    }

    /// What every match contains.
    pub(super) fn literals(&self) -> &Literals {
        &self.literals
    }

    /// Whether a text that begins with `byte` may match, as far as that is plain to see.
    pub(super) fn may_begin_with(&self, byte: u8) -> bool {
        self.engine.may_begin_with(byte)
    }

    /// Whether it matches every line of one character or more.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Named groups: index in the expression, number of the name.
    pub(super) fn groups(&self) -> &[(usize, NameId)] {
        &self.groups
    }

    /// Those of its groups that help others.
    pub(super) fn helpers(&self) -> Option<&Helpers> {
        self.helpers.as_deref()
    }

    /// Room for the groups of a match, for one thread.
    pub(super) fn spans(&self) -> Spans {
        Spans(Scratch::new(self.groups_len))
    }

    /// Whether it matches somewhere in `text`.
    pub(super) fn is_match(&self, text: &str, spans: &mut Spans) -> bool {
        self.engine.is_match(text, &mut spans.0)
    }

    /// Searches `text` and leaves the groups of the first match in `spans`; whether there is one.
    pub(super) fn search(&self, text: &str, spans: &mut Spans) -> bool {
        self.engine.search(text, &mut spans.0)
    }
}

/// Whether it is `^`, things that may be missing, `.+`, and `$`, each perhaps in a group.
fn is_open(hir: &Hir) -> bool {
    let HirKind::Concat(parts) = hir.kind() else { return false };
    let [begin, middle @ .., rest, end] = &parts[..] else { return false };
    let is_rest = |hir: &Hir| match hir.kind() {
        HirKind::Repetition(Repetition { min: 1, max: None, sub, .. }) => {
            *sub.as_ref() == Hir::dot(Dot::AnyCharExceptLF)
        }
        _ => false,
    };
    let rest = match rest.kind() {
        HirKind::Capture(capture) => &capture.sub,
        _ => rest,
    };
    matches!(begin.kind(), HirKind::Look(Look::Start))
        && middle.iter().all(may_be_missing)
        && is_rest(rest)
        && matches!(end.kind(), HirKind::Look(Look::EndLF))
}

/// Whether it matches nothing at all, wherever it is.
fn may_be_missing(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
        HirKind::Repetition(repetition) => repetition.min == 0 || may_be_missing(&repetition.sub),
        HirKind::Capture(capture) => may_be_missing(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(may_be_missing),
        HirKind::Alternation(branches) => branches.iter().any(may_be_missing),
    }
}

impl Spans {
    /// Where a group of the last match is; `None` if it took no part.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        self.0.get(group)
    }

    /// How many texts were too much for an engine's limits since the last call.
    pub(super) fn take_gave_up(&mut self) -> u64 {
        self.0.take_gave_up()
    }
}
