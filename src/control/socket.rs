//! The daemon's socket: requests and replies between processes, as lines of JSON.
//!
//! A UNIX stream socket that only its owner may speak to. Whoever connects is told a [`Hello`]. A [`Request`] is one
//! line; its answer is a line for each [`Reply`](super::Reply), and one that ends it:
//!
//! ```text
//! ◀ {"f2b":"0.1.0","pid":812,"store":"/var/lib/f2b/f2b.sqlite3","config":"/etc/fail2ban"}
//! ▶ {"change":{"unban":{"hosts":{"these":[{"addr":"192.0.2.1"}]},"jail":null}}}
//! ◀ {"lifted":{"host":{"addr":"192.0.2.1"},"jails":["sshd"]}}
//! ◀ {"end":{"ok":null}}
//! ```
//!
//! An answer that fails ends in `{"end":{"error":"…"}}`: the words that the command line prints, without `f2b: `, for
//! exit status 2. Requests follow each other on a connection. One that is no request is told so, and the next may be
//! one; one that is too long or comes too slowly is told so and ends the connection.
//!
//! [`Listener`] and [`Server`] are the daemon's side, [`Client`] is the command line's. Nothing here knows what a request
//! means. What is said is a [`Conversation`]: [`InLines`] is that of above; fail2ban's tools have another one.
//!
//! [`Request`]: super::Request

mod client;
mod conversation;
mod error;
mod listener;
mod server;
mod stream;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::client::Client;
pub use self::conversation::InLines;
pub use self::error::SocketError;
pub use self::listener::Listener;
pub use self::server::{Conversation, Guest, Server, Stopped};
pub use self::stream::{PIECE_BYTES, Read, prepare, read, write};

/// A request is at most so long: [`PART_BANS`](super::PART_BANS) bans are a quarter of it.
pub const REQUEST_MAX_BYTES: usize = 64 << 20;
/// A request has to be whole within this time of the connection, or of the end of the answer before it.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Who reads nothing of his answer for so long is dropped.
pub const READ_WITHIN: Duration = Duration::from_secs(30);
/// So many are spoken to at once.
pub const CLIENTS_MAX: usize = 32;

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a daemon says of itself to whoever connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its version.
    pub f2b: String,
    /// Its process.
    pub pid: u32,
    /// Its store, an absolute path.
    #[serde(with = "crate::text::text_or_bytes")]
    pub store: PathBuf,
    /// Its configuration folder, an absolute path.
    #[serde(with = "crate::text::text_or_bytes")]
    pub config: PathBuf,
}

impl Hello {
    /// Of this process.
    pub fn new(store: &Path, config: &Path) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (store, config) = (absolute(store), absolute(config));
        Self { f2b: VERSION.to_owned(), pid: std::process::id(), store, config }
    }
}

/// The line that ends an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    end: End,
}

/// What an answer came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Ok(()),
    Error(String),
}

/// Where the line that ends an answer begins: no reply has this name.
const END: &[u8] = br#"{"end":"#;
