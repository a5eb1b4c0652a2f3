//! fail2ban's own tools, speaking to f2b: Debian's `fail2ban-client` and the Python module that others use, with a real
//! `fail2ban-server` on the same configuration beside it. Everything happens in namespaces that go with the test; making
//! them needs root.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

mod beside;
mod clients;
mod commands;
#[expect(dead_code, reason = "shared with tests/daemon, which uses all of it")]
#[path = "../daemon/harness.rs"]
mod harness;
#[expect(dead_code, reason = "shared with tests/kernel, which uses all of it")]
#[path = "../kernel/harness.rs"]
mod machines;
#[expect(dead_code, reason = "shared with tests/kernel, which uses all of it")]
#[path = "../kernel/net.rs"]
mod net;
mod servers;
