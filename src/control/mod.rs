//! What can be asked of f2b and what it can be told to do, as data.
//!
//! A face (the command line; later fail2ban's protocol) turns what it is told into a [`Request`] and shows each
//! [`Reply`] that is handed to it. Answers are given here: a [`Question`] is answered from a
//! [`Reader`](crate::store::Reader), a [`Change`] is settled and given to the
//! [`Writer`](crate::engine::Writer) as orders. [`Direct`] does both without a daemon; [`socket`] takes
//! both to one.
//!
//! An answer is a sequence of replies, documented at each request. Long ones are handed over as they are read,
//! so that a list of a million bans is never held; a request that is long itself (the bans of a list) is made
//! in parts of [`PART_BANS`]. Nothing here prints, parses what a user typed, or asks what time it is.

mod change;
mod direct;
mod enforce;
mod guard;
mod jails;
mod keep;
mod purge;
mod question;
mod reply;
mod request;
pub mod socket;
#[cfg(test)]
mod tests;
mod tuning;

use std::io;

pub use self::change::{Settled, change};
pub use self::direct::Direct;
pub use self::enforce::follow;
pub use self::jails::{JailFolder, Jails};
pub use self::question::ask;
pub use self::reply::{
    Following, Happening, JailFollowing, JailStatus, LogFollowing, Overview, Reply, UnusableJail,
};
pub use self::request::{Change, Command, Guard, Question, Request, WhichBans, Whose};
pub use self::tuning::{ServerSettings, ServerTuning};
pub use crate::engine::follow::Resumed;
pub use crate::engine::projection::{Cause, GateFate, KILL_CONNECTIONS, Mode, Unenforced};
pub use crate::engine::tuning::{
    ActionSettings, CacheSettings, DateSettings, Deed, IncrementValue, JailSettings, JailState,
    Refusal, RefusalKind, Tuning,
};
pub use crate::engine::writer::{Exported, FileFate, Taken};
use crate::error::Error;
use crate::store::StoreError;

/// As many bans are changed in one transaction, and held in memory, at most (some 20 MB).
pub const PART_BANS: usize = 100_000;

/// Who is handed an answer, part by part; an error ends the answer.
pub type Take<'t> = dyn FnMut(Reply) -> io::Result<()> + 't;

/// Why an answer ended before it was through.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The request can't be fulfilled.
    #[error(transparent)]
    Refused(#[from] Error),
    /// Who was handed the answer did not take it.
    #[error(transparent)]
    Untaken(#[from] io::Error),
    /// The daemon that should have answered didn't.
    #[error(transparent)]
    Unanswered(#[from] socket::SocketError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}
