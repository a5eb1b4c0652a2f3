//! Why something that was asked for can't be done, whoever asked for it and however.
//!
//! Each module has its own errors; this one joins them for the faces. One line each: *where: what;
//! what to do*. What can be wrong with a command line is the command line's business
//! ([`cli`](crate::cli)).

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::diag::Diagnostic;
use crate::engine::projection::ProjectionError;
use crate::engine::tuning::Refusal;
use crate::engine::writer::WriterError;
use crate::exchange::fail2ban::DatabaseError;
use crate::exchange::{FileError, ListError};
use crate::source::SourceError;
use crate::store::StoreError;
use crate::text::{printable, shown};

/// Why a request can't be fulfilled.
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
    /// No jail is enabled, or none of them can be used.
    #[error("{}: no jail that is enabled can be used; f2b check --all says why", printable(&.0.to_string_lossy()))]
    NoJails(PathBuf),
    /// Jails of which none has a log.
    #[error("none of the {jails} jails has a log to scan; {}", instead_of_logs(*.of_journal))]
    NoLogs {
        /// How many there are.
        jails: usize,
        /// How many of them read the journal.
        of_journal: usize,
    },
    /// A network of all hosts.
    #[error("'{}' is everyone; a ban of everyone is none", shown(.0))]
    Everyone(String),
    /// Whom nobody bans on purpose.
    #[error("{} {why}; --force bans it all the same", shown(.host))]
    Spared {
        /// Who.
        host: String,
        /// Why not, beginning with a verb.
        why: String,
    },
    /// Something that is neither known to the configuration nor to the store.
    #[error("there is no jail '{}' in {}{}", shown(.name), .config.display(), instead(.nearest.as_deref(), .known))]
    UnknownJail {
        /// What was asked for.
        name: String,
        /// The configuration folder.
        config: PathBuf,
        /// The nearest jail.
        nearest: Option<String>,
        /// All jails.
        known: Vec<String>,
    },
    /// A list to import is wrong.
    #[error("{}:{source}; nothing was imported", printable(&.file.to_string_lossy()))]
    List {
        /// The file.
        file: PathBuf,
        /// What is wrong, beginning with the line.
        source: ListError,
    },
    /// fail2ban's database can't be taken over.
    #[error("{}: {source}; nothing was imported", printable(&.file.to_string_lossy()))]
    Database {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: DatabaseError,
    },
    /// A database for fail2ban can't be written.
    #[error("{}: {source}; nothing was exported", printable(&.file.to_string_lossy()))]
    NoDatabase {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: DatabaseError,
    },
    /// Reading or writing a list failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A daemon goes on with the configuration that it has.
    #[error("the configuration is not taken, all goes on as it was: {0}")]
    NotReloaded(String),
    /// Something of a running jail, or of the server, can't be changed or told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A daemon is to do what only a daemon can.
    #[error("no daemon is running; start it with f2b daemon")]
    NoDaemon,
    /// A daemon refused, in the words that it would have been refused in without one.
    #[error("{0}")]
    Remote(String),
    /// Nothing could be carried out.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
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

fn instead_of_logs(of_journal: usize) -> String {
    match of_journal {
        0 => "f2b check says which are missing, or name logs".to_owned(),
        1 => "one reads the journal, and f2b scan --jail NAME says how it is scanned".to_owned(),
        more => format!("{more} read the journal, and f2b scan --jail NAME says how it is scanned"),
    }
}

/// So many jails are named where none is like the one that isn't there.
const JAILS_MAX: usize = 5;

fn instead(nearest: Option<&str>, known: &[String]) -> String {
    if let Some(name) = nearest {
        return format!("; did you mean '{}'?", shown(name));
    }
    let list = |names: &[String]| {
        let names = names.iter().map(|name| shown(name));
        names.collect::<Vec<_>>().join(", ")
    };
    match known {
        [] => "; it has none, name another folder with -c/--config".to_owned(),
        [one] => format!("; there is {}", shown(one)),
        [first @ .., _] if first.len() < JAILS_MAX => format!("; there are {}", list(known)),
        [..] => {
            let (named, others) = known.split_at(JAILS_MAX);
            format!("; there are {} and {} more", list(named), others.len())
        }
    }
}
