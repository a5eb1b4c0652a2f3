//! The nouns of f2b, without I/O: addresses, times, durations, and what is recorded of a log line.
//!
//! Every other module speaks in these types. Nothing here reads a file, asks the clock or knows
//! SQLite; the one exception is [`time::SystemClock`], the only place that asks what time it is.

pub mod addr;
pub mod duration;
mod encoding;
mod fields;
mod head;
pub mod journal;
pub mod matched;
pub mod record;
mod taken;
pub mod time;
pub mod zone;

pub use addr::{Addr, Family, Host};
pub use duration::BanTime;
pub use encoding::encoding;
pub use fields::Fields;
pub use head::{HEAD_MAX_BYTES, Head};
pub use journal::JournalTerm;
pub use matched::{Match, Matches, NoFailure, Place};
pub use record::{Ban, EndReason, Origin, Prolongation};
pub use taken::{EarlierBan, Evidence, HostBans};
pub use time::{Clock, SystemClock, Time};
pub use zone::Zone;
