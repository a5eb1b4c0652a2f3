//! The path of the data, assembled: logs through dates and filters to failures, decisions, store.
//!
//! [`Jail`] is a jail ready to run; a [`JailSet`] those that read a log together. [`Stream`] is the path of
//! one log's lines, however they come; [`Scan`] runs it over whole logs, in parallel, [`Live`] over one log as it
//! is written. Who owns what: the
//! tasks of the rayon pool own a stream and the piece they work on; the calling thread owns everything
//! that has an order: the state of connections, the totals, the [`Sink`] and with it the store's write
//! connection. Nothing is shared but what is immutable, the [`Control`] and the cache of host names.
//!
//! - [`jail`], [`set`]: what runs; [`scan`]: the run
//! - `drive`: the tasks and the order of their results; `reading`: how a log's blocks come; `opened`: a
//!   log; `fold`: what is done in order
//! - [`stream`]: the loop over lines; `dating`, `lane`: when a line was written, what a jail makes of it;
//!   `judge`: what the hits of a line come to; [`piece`]: what came of a block
//! - [`timeline`], `years`: years of stamps that name none
//! - [`follow`]: logs as they are written; [`own_log`]: which jails count bans, for which the store is one
//! - [`writer`]: the one room where the state changes: orders, and the matches of a scan with the bans that
//!   they lead to; `deciding`: failures of a jail into bans; `watching`: the same as they come; `past`: what a host's earlier bans make of them; [`ignore`]: whom the jail ignores; `ask`:
//!   questions that take long

mod ask;
mod control;
mod dating;
mod deciding;
mod drive;
mod finding;
mod fold;
pub mod follow;
pub mod ignore;
pub mod jail;
mod judge;
mod lane;
mod line;
pub mod live;
pub mod lookup;
pub mod muster;
mod opened;
pub mod outcome;
pub mod own_log;
mod past;
pub mod piece;
pub mod projection;
pub mod proposal;
mod reading;
pub mod roster;
pub mod scan;
mod seen;
pub mod set;
pub mod stream;
mod tallies;
pub mod timeline;
pub mod totals;
pub mod tuning;
pub mod wanted;
mod watching;
pub mod writer;
mod years;

#[cfg(test)]
mod tests;

pub use control::Control;
pub use follow::{Follower, Ground, Reach};
pub use jail::{Calendars, Jail, Overrides};
pub use live::Live;
pub use lookup::Names;
pub use muster::Muster;
pub use outcome::{Counted, LogInfo, Outcome, Sink, Unread};
pub use roster::Roster;
pub use scan::{Reading, Scan};
pub use set::JailSet;
pub use stream::Stream;
pub use totals::{SampleLimits, Totals};
pub use tuning::{Refusal, RefusalKind, Tuning};
pub use wanted::{Manner, Wanted};
pub use writer::Writer;
