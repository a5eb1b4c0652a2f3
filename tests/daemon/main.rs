//! The service as it runs: logs that are written and rotated, signals, kills, and the packets of those who are banned.
//! Everything happens in namespaces that go with the test; making them needs root.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

mod agreement;
mod crash;
mod faults;
mod harness;
mod life;
#[expect(dead_code, reason = "shared with tests/kernel, which uses all of it")]
#[path = "../kernel/harness.rs"]
mod machines;
mod memory;
mod migrate;
#[expect(dead_code, reason = "shared with tests/kernel, which uses all of it")]
#[path = "../kernel/net.rs"]
mod net;
mod recidive;
mod reload;
mod rotation;
mod settings;
mod take_over;
mod traffic;
mod tuning;
