//! Making what keeps hosts out equal to the bans that ought to be in force.
//!
//! [`plan`] compares who is to be kept out with who is, and says what has to change. Nothing here knows the store or asks
//! what time it is: the bans and the instant are handed in.

pub mod netfilter;
mod plan;

pub use plan::{Added, Changes, Held, Key, hold, plan, ranges};
