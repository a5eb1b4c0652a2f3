//! The path of the data, assembled: logs through dates and filters to failures, decisions, store.
//!
//! [`Scan`] runs it once over whole logs, in parallel. Who owns what: the tasks of the rayon pool own
//! a detector, a matcher and the piece they work on; the calling thread owns everything that has an
//! order: the state of connections, the totals, the [`Sink`] and with it the store's write
//! connection. Nothing is shared but what is immutable, the [`Control`] and the cache of host names.
//!
//! - [`scan`]: the tasks and the order of their results; `opened`: a log and its tasks; `fold`: what is
//!   done in order
//! - `piece`: the hot loop over the lines of one piece; `judge`: what the hits of a line come to
//! - [`timeline`]: years of stamps that name none
//! - [`persist`]: matches into the store; [`verdict`]: failures of a jail into bans;
//!   [`ignore`]: whom it ignores

mod fold;
pub mod ignore;
mod judge;
pub mod lookup;
mod opened;
pub mod persist;
mod piece;
pub mod scan;
pub mod timeline;
pub mod totals;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use lookup::Names;
pub use scan::{Control, LogInfo, Outcome, Scan, Sink, Unread};
pub use totals::{SampleLimits, Totals};
