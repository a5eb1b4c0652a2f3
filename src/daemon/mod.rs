//! The server: what runs for as long as the machine does.
//!
//! ```text
//!  inotify, signals, requests ─▶ service ─▶ Follower::step ─▶ store ─▶ enforcer, a thread or more ─▶ kernel, commands
//!                                   │                                                       ▲
//!                                   └─ log (a thread a target)            requests: a thread each, by control::Direct
//! ```
//!
//! One thread reads, decides and stores ([`service`]); it waits for nothing but the next thing that happens, and has no
//! interval at which it looks. What has to be carried out is done elsewhere ([`enforcer`]), from what the store says.
//! Requests of users are answered as without a daemon, from the store and by the same code; the service is only told
//! that something has changed ([`wake`]). There is no other state, so that whoever is killed has lost nothing.

mod alarm;
mod audience;
mod desk;
mod enforcer;
mod error;
pub mod log;
pub mod memory;
mod notify;
mod server;
mod service;
mod settings;
mod signals;
mod tell;
mod tuner;
mod wake;

pub use error::ServiceError;
pub use service::run;
pub use settings::{Fail2banSocket, Settings};
