//! What can go wrong when an action does something.

use super::run::RunError;
use super::script::{Family, Operation};
use crate::text;

/// What became of something that an action should do.
pub type Outcome<T> = Result<T, Box<Failed>>;

/// Something that an action should have done and did not.
#[derive(Debug, thiserror::Error)]
#[error("jail '{jail}': {operation}{} of action '{action}' failed: {reason}", whom(.host.as_deref(), *.family))]
pub struct Failed {
    /// The jail.
    pub jail: String,
    /// The action's name in the jail.
    pub action: String,
    /// What it should have done.
    pub operation: Operation,
    /// For whom.
    pub family: Family,
    /// Whom the ban is about, if it is about one.
    pub host: Option<String>,
    /// Why it did not.
    pub reason: Reason,
}

/// Why an action did not do something.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The command failed.
    #[error("{0}")]
    Command(#[from] RunError),
    /// What the action made is gone, and nothing can be lifted from it; no command was tried twice.
    #[error("invariant check failed, unban is impossible")]
    UnbanImpossible,
    /// What the action made is gone and could not be made anew.
    #[error("invariant check failed, unable to restore a sane environment: {operation}: {error}")]
    Unrestorable {
        /// What failed at last.
        operation: Operation,
        /// Why.
        error: RunError,
    },
}

fn whom(host: Option<&str>, family: Family) -> String {
    match host {
        Some(host) => format!(" of {}", text::shown(host)),
        None if family == Family::Any => String::new(),
        None => format!(" for {}", family.name()),
    }
}
