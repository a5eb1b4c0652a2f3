//! What can be wrong with a command line, and with where its output goes.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::background::NotStarted;
use super::compat::client::connection::NoContact;
use super::cover::NotCovered;
use super::output::failure::ShapeError;
use super::systemd;
use crate::config::{LevelError, TargetError};
use crate::control::Failed;
use crate::control::socket::SocketError;
use crate::daemon::ServiceError;
use crate::daemon::log::LogError;
use crate::error;
use crate::model::duration::DurationError;
use crate::text::{printable, shown};

/// Why a command failed. Every variant leads to exit status 2.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The server can't log as it is to.
    #[error(transparent)]
    Log(#[from] LogError),
    /// `--logtarget` is no target.
    #[error("--logtarget: {0}")]
    LogTarget(#[from] TargetError),
    /// `--loglevel` is no level.
    #[error("--loglevel: {0}")]
    LogLevel(#[from] LevelError),
    /// The service can't begin, or go on.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The command line is right, but what it asks for can't be done.
    #[error(transparent)]
    Domain(error::Error),
    /// The daemon can't be spoken to.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The daemon isn't ready.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// systemd doesn't start it.
    #[error(transparent)]
    Systemd(#[from] systemd::NotDone),
    /// The firewall is not covered while it changes hands.
    #[error(transparent)]
    NotCovered(#[from] NotCovered),
    /// fail2ban's server doesn't answer as it ought to.
    #[error("fail2ban's server: {0}")]
    NoContact(#[from] NoContact),
    /// fail2ban's server was told to end.
    #[error("fail2ban's server (pid {0}) was told to stop and goes on; its log says why")]
    StillThere(u32),
    /// fail2ban doesn't start.
    #[error("fail2ban has not started: {0}")]
    NoFail2ban(String),
    /// Going back would lose the bans.
    #[error(
        "fail2ban.conf names no dbfile, by which fail2ban would know f2b's bans; --force goes back without them"
    )]
    NotKnown,
    /// A change-over has come to bans that aren't in force.
    #[error("not all bans are in force: {0}; --force goes on all the same")]
    NotInForce(String),
    /// A change-over has stopped in the middle.
    #[error(
        "{why}\n{standing}; f2b migrate {option} goes on when that is mended, f2b migrate says what there is"
    )]
    Halfway {
        /// Why.
        why: Box<Self>,
        /// Who does the work now.
        standing: String,
        /// What was asked for.
        option: &'static str,
    },
    /// Links to be made have the names of others' programs.
    #[error("{}; nothing was done, --force replaces {}", of_others(.0), if .0.len() == 1 { "it" } else { "them" })]
    ForeignLinks(Vec<PathBuf>),
    /// A link can't be made or removed.
    #[error("{}: {}", printable(&.path.to_string_lossy()), link_trouble(source))]
    Link {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
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
    /// Logs but no filter.
    #[error("'{}' is a log, and no filter is named behind it; write LOG... FILTER, or --jail NAME", shown(.0))]
    NoFilter(String),
    /// A filter where the jail has one.
    #[error("'{}' is a filter, but with --jail all operands are logs: the jail has its filter", shown(.0))]
    FilterBesideJail(String),
    /// Bytes where only text can be meant.
    #[error("{what}: '{}' is no file, and not UTF-8, as anything else has to be", shown(&.text.to_string_lossy()))]
    NotText {
        /// Which argument.
        what: &'static str,
        /// What was typed.
        text: OsString,
    },
    /// Nothing to explain.
    #[error("--explain needs a jail; write f2b check --explain JAIL")]
    NothingToExplain,
    /// `--output` asks for what no failure has.
    #[error("--output: {0}")]
    Shape(#[source] ShapeError),
    /// `--failures` without a format that prints lines.
    #[error("--failures chooses among printed lines; add --format jsonl or csv")]
    NothingToChoose,
    /// A text that should be a host.
    #[error("'{}' is not an IP address or network{}", shown(.0), host_hint(.0))]
    NotAHost(String),
    /// A word that should be a format.
    #[error("'{}' is not a list format; write ip.deny, hosts.deny, csv, json, fail2ban, ipset, nft, banned or banip", shown(.0))]
    ListFormat(String),
    /// No file to import.
    #[error("which file? write f2b import FORMAT FILE")]
    NoList,
    /// fail2ban's database can't be printed.
    #[error(
        "a database can't be printed; write -o FILE, such as /var/lib/fail2ban/fail2ban.sqlite3"
    )]
    NoDatabaseFile,
    /// A dump has no place in a file that is kept up to date.
    #[error(
        "such a list is of one moment, and no file is kept equal to it; write > FILE in place of -o FILE"
    )]
    NotKept,
    /// A file whose form nobody has named, and that doesn't tell it.
    #[error(
        "{}: begins as no list does, and as no database of fail2ban; name its form: f2b import FORMAT FILE",
        crate::text::printable(&.0.to_string_lossy())
    )]
    UnknownList(PathBuf),
    /// Standard output failed for another reason than a closed pipe.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Whatever is an error of the domain.
impl<E: Into<error::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Domain(error.into())
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(error) => Self::Domain(error),
            Failed::Untaken(error) => Self::Output(error),
            Failed::Unanswered(error) => Self::Socket(error),
        }
    }
}

impl Error {
    /// Whether standard output was closed by its reader, which is no error worth a word.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What is the matter with the place of a link, and what to do.
fn link_trouble(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its folder is not there; make it, or name another".to_owned(),
        io::ErrorKind::NotADirectory => "what it was to be in is no folder; name one".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; run f2b as root, or name another folder".to_owned()
        }
        _ => error.to_string(),
    }
}

/// `/usr/bin/fail2ban-client is of others`.
fn of_others(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    printable(&format!("{} {verb} of others", names.join(", "))).into_owned()
}

/// A mask that is no prefix, or an address with a port, is worth a word of its own.
fn host_hint(text: &str) -> &'static str {
    if text.contains('/') {
        "; a network is written ADDRESS/LENGTH, the length at most 32, with IPv6 128"
    } else {
        "; write one like 192.0.2.1, 2001:db8::1 or 192.0.2.0/24"
    }
}
