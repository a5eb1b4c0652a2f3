//! What can go wrong with a daemon's socket.

use std::io;
use std::path::PathBuf;

use super::VERSION;
use crate::text::{printable, shown};

/// Why a socket can't be listened at, or a daemon not be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody else listens there.
    #[error("another f2b daemon{} listens at {}; f2b stop ends it", of_pid(*.pid), at(.path))]
    Living {
        /// The socket.
        path: PathBuf,
        /// Its process; `None` if it doesn't say.
        pid: Option<u32>,
    },
    /// Somebody who is no f2b daemon listens there.
    #[error("{} is listened at already, most likely by fail2ban's server, which is left alone", at(.path))]
    Others {
        /// The socket.
        path: PathBuf,
    },
    /// What is there is no socket, and nobody's to remove.
    #[error("{} is there and is no socket; remove it, or name another with --socket", at(.path))]
    NoSocket {
        /// What.
        path: PathBuf,
    },
    /// It can't be listened there.
    #[error("{}: {source}; a daemon can't listen there, name another socket with --socket", at(.path))]
    Listening {
        /// The socket, or what it needs.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("no daemon listens at {}; start it with f2b daemon, or name its socket with --socket", at(.path))]
    Nobody {
        /// The socket.
        path: PathBuf,
    },
    /// Who asks may not speak to it.
    #[error("{}: permission denied; who may not write to the store may not speak to its daemon", at(.path))]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// It can't be connected to.
    #[error("{}: {source}; the daemon can't be spoken to", at(.path))]
    Connecting {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Who listens there says nothing.
    #[error("{}: who listens there does not answer; see what became of the daemon", at(.path))]
    Silent {
        /// The socket.
        path: PathBuf,
    },
    /// Who listens there is somebody else.
    #[error("{}: who listens there is no f2b daemon; name its socket with --socket", at(.path))]
    Foreign {
        /// The socket.
        path: PathBuf,
    },
    /// The daemon was gone before its answer was through.
    #[error(
        "the f2b daemon (pid {pid}) went away in the middle of its answer; f2b status shows what was done"
    )]
    Gone {
        /// Its process.
        pid: u32,
    },
    /// The answer is none.
    #[error("the daemon is f2b {} and this is f2b {VERSION}, which does not know '{}'; use one version of both", shown(.version), shown(.line))]
    Unknown {
        /// The daemon's version.
        version: String,
        /// What it said.
        line: String,
    },
    /// The request can't be said.
    #[error("the daemon can't be told that: {0}")]
    Unsayable(#[source] serde_json::Error),
}

fn of_pid(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn at(path: &std::path::Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}
