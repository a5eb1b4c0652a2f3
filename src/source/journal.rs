//! systemd's journal: what its entries are, and which of them a jail wants.

mod entry;
mod export;
mod place;
#[cfg(test)]
mod tests;
mod wanted;

use std::io;

pub use entry::Entry;
pub use place::JournalPlace;
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

/// Why the journal can't be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Both ways of naming files are used.
    #[error("journalpath and journalfiles exclude each other; keep one of them")]
    PathAndFiles,
    /// Flags that journalctl has no option for.
    #[error(
        "journalflags is {0}; write a sum of 1 (this machine), 2 (since its start), 4 (the system) and 8 (the user), \
         and other journals as namespace"
    )]
    Flags(u32),
    /// Entries of this machine are wanted, and it has no identity.
    #[error(
        "/etc/machine-id can't be read: {0}; run systemd-machine-id-setup, or take 1 out of journalflags"
    )]
    MachineId(io::Error),
}
