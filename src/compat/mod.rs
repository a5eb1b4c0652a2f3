//! The ways of speaking that fail2ban's tools have: the values they send each other, and the requests they make.
//!
//! `fail2ban-client`, exporters and web panels talk to a server in pickles of plain Python values. Here those are read,
//! made into [`Request`](crate::control::Request)s, and answered in kind: values in the order and of the types that those
//! tools read by position. [`Value`] is what travels, [`pickle`] is how, [`wire`] is where; [`Speaker`] knows what is meant.

mod command;
pub mod pickle;
pub mod python;
pub mod show;
pub mod stream;
mod value;
pub mod wire;

pub use self::command::{Speaker, VERSION};
pub use self::value::Value;
