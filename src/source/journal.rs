//! systemd's journal: what its entries are, and which of them a jail wants.

mod entry;
mod export;
#[cfg(test)]
mod tests;
mod wanted;

pub use entry::Entry;
pub use wanted::{InvalidMatch, Match};

use crate::model::Time;

/// Behind an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// journald's name of the entry.
    pub cursor: String,
    /// When journald received it.
    pub received: Time,
}
