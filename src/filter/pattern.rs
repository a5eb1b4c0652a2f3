//! One compiled expression and the engine that runs it.
//!
//! The linear engine takes every expression that it can mean; the time it needs grows with the line and
//! nothing else. What needs look-around, conditionals or back-references runs on the backtracking engine
//! under a step limit, and only on lines that its plain superset matches.

use std::cell::Cell;
use std::ops::Range;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::compile::Names;
use super::hit::NameId;
use super::translate::{SyntaxError, translate};
use crate::config::Text;

/// Steps of the backtracking engine after which a line counts as missed; a stranger may have written it.
const STEP_LIMIT: usize = 1_000_000;
/// Repetitions of Unicode classes such as `\w{14,20}` need more than the default of 10 MiB.
const SIZE_LIMIT_BYTES: usize = 64 << 20;

/// How `^`, `$` and the engine see the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// One line; its only newline is its last character.
    One,
    /// Several lines, each with its own beginning and end: a failregex with `maxlines`.
    Many,
}

/// A regular expression of a filter.
#[derive(Debug)]
pub struct Pattern {
    source: Text,
    expanded: String,
    engine: Engine,
    /// Named groups: index in the expression, number of the name.
    groups: Vec<(usize, NameId)>,
    narrowing: Vec<&'static str>,
}

#[derive(Debug)]
enum Engine {
    Linear(Regex),
    Backtracking { superset: Regex, exact: Box<fancy_regex::Regex> },
}

/// Why an expression can't be compiled; the text says what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatternError {
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    #[error("{}", last_line(.0))]
    Linear(#[from] regex::Error),
    #[error("{}", last_line(.0))]
    Backtracking(#[from] Box<fancy_regex::Error>),
}

/// Engines draw the pattern and point into it; the verdict is on the last line.
fn last_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// Groups of a match.
#[derive(Debug)]
pub(super) struct Spans {
    locations: Option<CaptureLocations>,
    found: Vec<Option<Range<usize>>>,
    gave_up: Cell<u64>,
}

impl Pattern {
    /// Compiles `expanded`, the expression with its tags replaced.
    pub(super) fn compile(
        source: Text,
        expanded: String,
        lines: Lines,
        names: &mut Names,
    ) -> Result<Self, PatternError> {
        let translated = translate(&expanded, lines == Lines::Many)?;
        let plain = RegexBuilder::new(&translated.plain).size_limit(SIZE_LIMIT_BYTES).build()?;
        let engine = if translated.narrowing.is_empty() {
            Engine::Linear(plain)
        } else {
            let exact = fancy_regex::RegexBuilder::new(&translated.exact)
                .backtrack_limit(STEP_LIMIT)
                .delegate_size_limit(SIZE_LIMIT_BYTES)
                .build()
                .map_err(Box::new)?;
            Engine::Backtracking { superset: plain, exact: Box::new(exact) }
        };
        let mut groups = Vec::new();
        let mut note = |(index, name): (usize, Option<&str>)| {
            groups.extend(name.map(|name| (index, names.id(name))));
        };
        match &engine {
            Engine::Linear(regex) => regex.capture_names().enumerate().for_each(&mut note),
            Engine::Backtracking { exact, .. } => {
                exact.capture_names().enumerate().for_each(&mut note);
            }
        }
        Ok(Self { source, expanded, engine, groups, narrowing: translated.narrowing })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source.value
    }

    /// Where it was written.
    pub fn at(&self) -> &crate::diag::Location {
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

    /// The expression in the linear engine's syntax: itself, or a superset of what it matches.
    pub(super) fn superset(&self) -> &str {
        match &self.engine {
            Engine::Linear(regex) => regex.as_str(),
            Engine::Backtracking { superset, .. } => superset.as_str(),
        }
    }

    /// Named groups: index in the expression, number of the name.
    pub(super) fn groups(&self) -> &[(usize, NameId)] {
        &self.groups
    }

    /// Room for the groups of a match, for one thread.
    pub(super) fn spans(&self) -> Spans {
        let locations = match &self.engine {
            Engine::Linear(regex) => Some(regex.capture_locations()),
            Engine::Backtracking { .. } => None,
        };
        Spans { locations, found: Vec::new(), gave_up: Cell::new(0) }
    }

    /// Whether it matches somewhere in `text`.
    pub(super) fn is_match(&self, text: &str, spans: &Spans) -> bool {
        match &self.engine {
            Engine::Linear(regex) => regex.is_match(text.as_bytes()),
            Engine::Backtracking { superset, exact } => {
                superset.is_match(text.as_bytes())
                    && exact.is_match(text).unwrap_or_else(|_| {
                        spans.gave_up.set(spans.gave_up.get() + 1);
                        false
                    })
            }
        }
    }

    /// Searches `text` and leaves the groups of the first match in `spans`; whether there is one.
    pub(super) fn search(&self, text: &str, spans: &mut Spans) -> bool {
        match (&self.engine, &mut spans.locations) {
            (Engine::Linear(regex), Some(locations)) => {
                regex.captures_read(locations, text.as_bytes()).is_some()
            }
            (Engine::Linear(regex), None) => {
                // Scratch of another expression: correct, only slower.
                spans.locations = Some(regex.capture_locations());
                self.search(text, spans)
            }
            (Engine::Backtracking { superset, exact }, _) => {
                if !superset.is_match(text.as_bytes()) {
                    return false;
                }
                spans.found.clear();
                match exact.captures(text) {
                    Ok(Some(captures)) => {
                        spans.found.extend(captures.iter().map(|group| group.map(|g| g.range())));
                        true
                    }
                    Ok(None) => false,
                    Err(_) => {
                        spans.gave_up.set(spans.gave_up.get() + 1);
                        false
                    }
                }
            }
        }
    }
}

impl Spans {
    /// Where a group of the last match is; `None` if it took no part.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        match &self.locations {
            Some(locations) => locations.get(group).map(|(start, end)| start..end),
            None => self.found.get(group)?.clone(),
        }
    }

    /// How many texts were too much for the step limit since the last call.
    pub(super) fn take_gave_up(&self) -> u64 {
        self.gave_up.take()
    }
}
