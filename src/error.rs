//! The errors that a person sees, and the exit status they lead to.
//!
//! Each module has its own errors; this one joins them for the faces. One line each: *where: what;
//! what to do*.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::diag::Diagnostic;
use crate::engine::writer::WriterError;
use crate::exchange::{FileError, ListError};
use crate::model::duration::DurationError;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::text::{printable, shown};

/// Why a command failed. Every variant leads to exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration folder can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A filter or jail can't be used; all that is wrong with it.
    #[error("{}", lines(.0))]
    Findings(Vec<Diagnostic>),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A log can't be found.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An option that is a duration is none.
    #[error("--{option}: {source}")]
    Duration {
        /// Which option.
        option: &'static str,
        /// Why.
        source: DurationError,
    },
    /// `--now` is no time.
    #[error("--now: '{}' is not a time; write 2026-11-01T12:00:00+01:00, 2026-11-01 or @SECONDS", shown(.0))]
    Now(String),
    /// `--timezone` is no zone.
    #[error("--timezone: '{}' is not a time zone; write Europe/Rome, +01:00 or UTC", shown(.0))]
    Zone(String),
    /// No log or no filter on the command line.
    #[error("nothing to scan: write LOG... FILTER, or --jail NAME")]
    NoOperands,
    /// A filter but no log.
    #[error("no log to scan before the filter '{}'; write LOG... FILTER", shown(.0))]
    NoLog(String),
    /// No jail is enabled, or none of them can be used.
    #[error("{}: no jail that is enabled can be used; f2b check --all says why", printable(&.0.to_string_lossy()))]
    NoJails(PathBuf),
    /// A jail none of whose logs exist.
    #[error(
        "{location}jail '{jail}' has no log to scan; name logs, or give it a logpath that matches one"
    )]
    JailWithoutLog {
        /// The jail.
        jail: String,
        /// Where its logpath is written, and a colon; empty if it has none.
        location: String,
    },
    /// A network of all hosts.
    #[error("'{}' is everyone; a ban of everyone is none", shown(.0))]
    Everyone(String),
    /// A text that should be a host.
    #[error("'{}' is not an IP address or network{}", shown(.0), host_hint(.0))]
    NotAHost(String),
    /// Something that is neither known to the configuration nor to the store.
    #[error("there is no jail '{}' in {}{}", shown(.name), .config.display(), did_you_mean(.nearest.as_deref()))]
    UnknownJail {
        /// What was asked for.
        name: String,
        /// The configuration folder.
        config: PathBuf,
        /// The nearest jail.
        nearest: Option<String>,
    },
    /// A list to import is wrong.
    #[error("{}:{source}; nothing was imported", printable(&.file.to_string_lossy()))]
    List {
        /// The file.
        file: PathBuf,
        /// What is wrong, beginning with the line.
        source: ListError,
    },
    /// A word that should be a format.
    #[error("'{}' is not a list format; write ip.deny, hosts.deny, csv or json", shown(.0))]
    ListFormat(String),
    /// No file to import.
    #[error("which file? write f2b import FORMAT FILE")]
    NoList,
    /// Reading or writing a list failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Standard output failed for another reason than a closed pipe.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Whether standard output was closed by its reader, which is no error worth a word.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<WriterError> for Error {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Store(error) => error.into(),
            WriterError::File(error) => error.into(),
        }
    }
}

fn lines(findings: &[Diagnostic]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nf2b: ")
}

/// A mask that is no prefix, or an address with a port, is worth a word of its own.
fn host_hint(text: &str) -> &'static str {
    if text.contains('/') {
        "; a network is written ADDRESS/LENGTH"
    } else {
        "; write one like 192.0.2.1, 2001:db8::1 or 192.0.2.0/24"
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean '{}'?", shown(name))).unwrap_or_default()
}
