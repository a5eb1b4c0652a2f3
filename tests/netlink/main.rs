//! The kernel's packet filter, for real: each test is alone in a network namespace of its own.
//!
//! They need root and a kernel with nf_tables; where they can't run, they fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod counters;
mod elements;
mod harness;
mod heads;
mod listening;
mod properties;
mod ranges;
mod rerun;
mod rules;
mod sets;
