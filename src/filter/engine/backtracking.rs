//! What no linear program can mean: walked where it begins plainly, else run under a step limit.

use std::sync::OnceLock;

use super::{Direct, Linear, SIZE_LIMIT_BYTES, Scratch, by_walk, of_ascii};

/// Steps of the backtracking engine after which a text counts as missed; a stranger may have written it.
const STEP_LIMIT: usize = 1_000_000;

/// An expression for the backtracking engine.
#[derive(Debug)]
pub(in super::super) struct Backtracking {
    pub(super) superset: Linear,
    /// Exactly what is meant.
    pub(super) expression: String,
    pub(super) exact: OnceLock<Option<fancy_regex::Regex>>,
    /// The same with marks for a walk.
    pub(super) marked: Option<String>,
    pub(super) direct: OnceLock<Option<Box<Direct>>>,
}

impl Backtracking {
    pub(super) fn direct(&self) -> Option<&Direct> {
        let make = || {
            let hir = regex_syntax::Parser::new().parse(self.marked.as_deref()?).ok()?;
            Direct::of(&of_ascii(&hir))
        };
        self.direct.get_or_init(make).as_deref()
    }

    /// What backtracks; it was made before, to see that it can be.
    fn exact(&self) -> Option<&fancy_regex::Regex> {
        self.exact.get_or_init(|| backtracking(&self.expression).ok()).as_ref()
    }

    pub(super) fn is_match(&self, text: &str, scratch: &mut Scratch) -> bool {
        if let Some(is_match) = by_walk(self.direct(), text, scratch) {
            return is_match;
        }
        if !self.superset.is_match(text, scratch) {
            return false;
        }
        let found = self.exact().and_then(|exact| exact.is_match(text).ok());
        scratch.gave_up += u64::from(found.is_none());
        found.unwrap_or(false)
    }

    pub(super) fn search(&self, text: &str, scratch: &mut Scratch) -> bool {
        if let Some(is_match) = by_walk(self.direct(), text, scratch) {
            return is_match;
        }
        if !self.superset.is_match(text, scratch) {
            return false;
        }
        match self.exact().and_then(|exact| exact.captures(text).ok()) {
            Some(Some(captures)) => {
                scratch.keep(captures.iter().map(|group| group.map(|g| g.range())));
                true
            }
            Some(None) => false,
            None => {
                scratch.gave_up += 1;
                false
            }
        }
    }
}

pub(super) fn backtracking(expression: &str) -> Result<fancy_regex::Regex, fancy_regex::Error> {
    fancy_regex::RegexBuilder::new(expression)
        .backtrack_limit(STEP_LIMIT)
        .delegate_size_limit(SIZE_LIMIT_BYTES)
        .build()
}
