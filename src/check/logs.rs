//! What the jails read: is it there, is it what their author thinks.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::config::{JailDef, LogPath, WithoutLogs};
use crate::diag::{Diagnostic, Location, Severity};
use crate::engine::own_log::OwnLog;
use crate::source::{self, SourceError};
use crate::text::shown;

/// What a jail does that would read f2b's own log, where that isn't written.
const COUNTS_BANS: &str = "it counts the bans of f2b's store";

/// A jail watches something, or it is no use. `own` are the files that its administrator writes, `own_log` is f2b's.
pub(super) fn findings(jail: &JailDef, own: &[PathBuf], own_log: &OwnLog) -> Vec<Diagnostic> {
    let is_shown_bans = own_log.shown_to(jail).is_some();
    if jail.backend.reads_journal() {
        return if is_shown_bans { vec![counts_bans(jail)] } else { of_journal(jail, own) };
    }
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    for log in &jail.logpaths {
        if Path::new(&log.glob).is_dir() {
            findings.push(folder(log));
            continue;
        }
        match logs_at(&log.glob) {
            Ok(true) => {}
            Ok(false) => missing.push(log),
            Err(error) => findings.push(unreadable(log, &error)),
        }
    }
    let is_blind = missing.len() == jail.logpaths.len();
    if jail.logpaths.is_empty() {
        let found = error_at("no-log", "no log to watch".to_owned(), None);
        findings.push(found.with_help("set logpath, or backend = systemd"));
    }
    for log in missing {
        let message = format!("no log matches '{}'", shown(&log.glob));
        let found = error_at("no-log", message, Some(log.at.clone())).with_text(&log.glob);
        findings.push(match jail.without_logs {
            _ if is_shown_bans => Diagnostic {
                severity: Severity::Note,
                message: format!("{}: {COUNTS_BANS}", found.message),
                ..found
            },
            _ if !is_blind => Diagnostic { severity: Severity::Note, ..found },
            WithoutLogs::Fails => {
                found.with_help("set logpath to a log that is there, or backend = systemd")
            }
            WithoutLogs::IsSkipped => Diagnostic { severity: Severity::Warning, ..found }
                .with_help("the jail is left out, as skip_if_nologs says"),
            WithoutLogs::ReadsJournal => Diagnostic { severity: Severity::Warning, ..found }
                .with_help("the jail reads the journal, as systemd_if_nologs says"),
        });
    }
    findings
}

/// Whether a pattern has logs; an error if they can't be read.
fn logs_at(glob: &str) -> Result<bool, SourceError> {
    let logs = match source::expand(&[glob.to_owned()]) {
        Ok(logs) => logs,
        Err(error) if error.absent().is_some() => return Ok(false),
        Err(error) => return Err(error),
    };
    for log in &logs {
        let opened =
            if log.kind.can_be_reread() { File::open(&log.path).map(drop) } else { Ok(()) };
        opened.map_err(|source| SourceError::Unreadable { path: log.path.clone(), source })?;
    }
    Ok(!logs.is_empty())
}

/// Whoever runs the jails may have more rights than who looks at them.
fn unreadable(log: &LogPath, error: &SourceError) -> Diagnostic {
    let message = format!("log {error}");
    let found = Diagnostic::new("unreadable-log", Severity::Warning, message)
        .with_location(log.at.clone())
        .with_text(&log.glob);
    match error {
        SourceError::Unreadable { .. } => found.with_help("let whoever runs f2b read it"),
        _ => Diagnostic { severity: Severity::Error, ..found },
    }
}

/// A scan reads the logs in a folder, but nobody follows it.
fn folder(log: &LogPath) -> Diagnostic {
    let path = shown(&log.glob);
    let message = format!("'{path}' is a folder, in which no log is followed");
    let found = Diagnostic::new("logpath-folder", Severity::Warning, message);
    let path = path.trim_end_matches('/');
    found
        .with_location(log.at.clone())
        .with_text(&log.glob)
        .with_help(format!("name the logs, for instance with {path}/*.log"))
}

/// The jail asks the journal for what f2b tells there, or fail2ban would.
fn counts_bans(jail: &JailDef) -> Diagnostic {
    let message = format!("the journal is not read: {COUNTS_BANS}");
    let found = Diagnostic::new("no-log", Severity::Note, message);
    Diagnostic { at: jail.backend_at.clone(), ..found }
}

/// A jail that reads the journal has no need of logs; whoever gives it one doesn't know that it does. That the stock
/// files have a logpath for each jail is no such sign, if the journal is told apart from all others by a journalmatch.
fn of_journal(jail: &JailDef, own: &[PathBuf]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let reads_all = jail.filter.journalmatch.is_empty();
    let backend = jail.backend_at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    if let Some(log) =
        jail.unread_logpath.as_ref().filter(|log| reads_all || own.contains(&log.at.file))
    {
        let path = shown(&log.value);
        let message =
            format!("'{path}' is not read: backend is systemd{backend}, so the journal is");
        findings.push(
            Diagnostic::new("unread-logpath", Severity::Warning, message)
                .with_location(log.at.clone())
                .with_text(&log.value)
                .with_help(
                    "write 'backend = auto' into the section, or take the logpath out of it",
                ),
        );
    }
    if reads_all {
        let found = Diagnostic::new(
            "no-journalmatch",
            Severity::Note,
            "every entry of the journal is searched, for there is no journalmatch",
        );
        let found =
            found.with_help("write for instance 'journalmatch = _SYSTEMD_UNIT=NAME.service'");
        findings.push(Diagnostic { at: jail.backend_at.clone(), ..found });
    }
    findings
}

fn error_at(id: &'static str, message: String, at: Option<Location>) -> Diagnostic {
    let found = Diagnostic::new(id, Severity::Error, message);
    match at {
        Some(at) => found.with_location(at),
        None => found,
    }
}
