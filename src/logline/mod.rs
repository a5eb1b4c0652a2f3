//! What the server tells of itself, as the lines of its log: in fail2ban's words and columns.
//!
//! An [`Event`] or a message is a [`Record`]; a [`Pen`] writes it as a line. Nothing is written anywhere here: the
//! daemon's log does that, and the engine makes the same lines of bans for jails that count them (`recidive`).

mod event;
mod pen;
mod record;

pub use event::Event;
pub use pen::{Pen, logger};
pub use record::{Facts, Record, without_bans};
