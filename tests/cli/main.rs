//! The real binary, run as a user runs it.

mod bad_input;
mod bans;
mod beside_fail2ban;
mod harness;
mod logs;
mod readme;
mod truth;
