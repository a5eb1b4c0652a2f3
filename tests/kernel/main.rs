//! f2b and a real kernel: network namespaces, the packet filters in them, and packets of hosts that are banned and of
//! others. Everything happens in namespaces that go with the test; making them needs root.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

mod actions;
mod config;
mod connections;
mod crash;
mod effect;
mod foreign;
#[expect(dead_code, reason = "knocking is for tests/daemon")]
mod harness;
mod mail_server;
mod net;
mod parameters;
mod repair;
mod restore;
mod stock;
mod time;
