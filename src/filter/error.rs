//! What can be wrong with an expression.

use super::translate::SyntaxError;
use crate::text::verdict;

/// Why an expression can't be compiled; the text says what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatternError {
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    #[error("{}", verdict(.0))]
    Linear(#[from] Box<regex_syntax::Error>),
    #[error("{}", verdict(.0))]
    Backtracking(#[from] Box<fancy_regex::Error>),
}
