//! The server's own log, in fail2ban's format: other programs, its filter `recidive` among them, read it.
//!
//! ```text
//! log.event(…), log.info(…) ─▶ queue ─▶ thread ─▶ pen ─▶ file, stream, syslog, journal
//!      filtered by level      bounded   one a target
//! ```
//!
//! Whoever logs never waits: not for a disk that is full, a pipe or socket that nobody reads, a
//! file system that is gone. What can't be written is counted, and told when something can. Threads
//! don't survive a fork: start the log after it.

mod event;
mod lines;
mod pen;
mod queue;
mod record;
mod socket;

pub use event::Event;
pub use record::{Facts, Record};

pub use crate::config::{Level, LogTarget, LogTo};
