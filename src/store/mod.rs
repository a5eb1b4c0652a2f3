//! SQLite: every match, failure and ban; the only module that knows our schema.
//!
//! [`Store`] is the one writer's connection, [`Reader`] answers questions and never blocks it. In go
//! [`Record`]s, in batches, each batch one transaction; out come [`Ban`](crate::model::Ban)s and the
//! summaries of [`read`]. Writing the same thing twice changes nothing: a line is known by its log's
//! first bytes and its offset, a match by line, filter, jail and host, a ban by jail, host and begin,
//! what makes it longer by its time. So a scan may be repeated at any time, and is how to repair a loss.
//!
//! Nothing here decides, matches or asks the kernel. The schema is public: `docs/schema.md`.

mod bans;
mod block;
mod bulk;
mod checkpoint;
mod error;
mod history;
mod installation;
mod log;
mod open;
mod position;
mod prolong;
mod purge;
pub mod read;
mod record;
mod retain;
mod sql;
mod taken;
#[cfg(test)]
mod tests;
mod turn;
mod write;

use std::path::Path;
use std::time::Duration;

pub use bans::{BanOrder, EarlierBans, LOG_OF_BANS, Numbered, WithoutEffect};
pub use error::StoreError;
pub use history::{Event, HostTotals, MatchedLine, ToldLine};
pub use installation::{Installation, Told, Trouble};
pub use log::Look;
pub use position::{LogPosition, Position};
pub use prolong::InForce;
pub use purge::Purged;
pub use read::{Export, JailSummary, Reader, Totals};
pub use record::{Record, Scanned};
pub use taken::Counted;
pub use write::{Batch, Written};

use self::checkpoint::Checkpoints;
use self::turn::Turns;
use self::write::HostCache;

/// How long to wait for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Offsets of lines are less than this: 40 bits of a place.
const OFFSET_BITS: u32 = 40;
/// The first offset that has no place.
const OFFSET_END: u64 = 1 << OFFSET_BITS;
/// Ids of logs are less than this: the other bits of a place, less its sign.
const LOG_ID_END: i64 = 1 << 23;

/// A log that the store knows. Asked for by [`Store::log`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(i64);

/// A filter as it is defined at one time. Asked for by [`Store::filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterId(i64);

/// A jail, or none. Asked for by [`Store::jail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JailId(i64);

impl JailId {
    /// No jail: failures found by a scan with a filter alone.
    pub const NONE: Self = Self(0);
}

/// The store of one writer; reads are those of its [`Reader`].
#[derive(Debug)]
pub struct Store {
    // Dropped first: who closes a store last copies what is left of its log, if nobody is at it.
    checkpoints: Checkpoints,
    reader: Reader,
    hosts: HostCache,
    turns: Turns,
}

impl Store {
    /// Opens the store at `path`; makes it, with its folder, if it isn't there.
    ///
    /// # Errors
    ///
    /// The folder or file can't be made or written; the file is damaged, another program's, or made by
    /// a newer f2b; another process keeps it locked for more than five seconds. The file is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = open::writer(path)?;
        let (checkpoints, hosts) = (Checkpoints::default(), HostCache::default());
        Ok(Self { checkpoints, reader: Reader::of(conn, path), hosts, turns: Turns::of(path) })
    }

    /// The reads, on this connection.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }

    /// Forgets what is kept in memory of the file; it is read again when it is needed.
    pub fn shrink(&self) {
        open::shrink(&self.reader.conn);
    }

    fn explain(&self, source: rusqlite::Error) -> StoreError {
        StoreError::explain(self.path(), source)
    }
}
