//! Is this configuration usable, and does it mean what its author thinks? All findings at once.
//!
//! Loads every jail as it would be run: options, filter, expressions, dates, logs. A finding about one jail
//! says nothing about the others. What comes out is data; nothing is printed here and nothing is run.

mod ignored;
mod inject;
mod place;
mod tags;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc;

use crate::config::{Config, Draft, JailDef, WithoutLogs, explain_indented};
use crate::date::YearWindow;
use crate::diag::{Diagnostic, Location, Severity};
use crate::engine::{Calendars, Jail, Overrides};
use crate::filter::Filter;
use crate::model::Time;
use crate::source;
use crate::text::shown;
pub use place::{Excerpt, Sources};

/// Which jails are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that are enabled.
    Enabled,
    /// All, as if they were.
    All,
}

/// Where the jails would run.
#[derive(Clone, Copy)]
struct Machine<'m> {
    now: Time,
    folders: &'m [PathBuf],
}

/// What a look at the configuration came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Everything that was found, jail by jail; what several jails share is said once.
    pub findings: Vec<Diagnostic>,
    /// The jails that were looked at.
    pub jails: Vec<Checked>,
}

/// A jail that was looked at.
#[derive(Debug)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Whether it could be run.
    pub is_usable: bool,
    /// Its expressions that need the backtracking engine, each with the constructs for which it does.
    pub backtracking: Vec<(String, Vec<&'static str>)>,
}

impl Report {
    /// How many findings are at least this bad.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Looks at the jails of `config` as of `now`; programs without a path would be looked for in `folders`.
pub fn check(config: &Config, scope: Scope, now: Time, folders: &[PathBuf]) -> Report {
    let mut report = Report::default();
    let names = config.jail_names();
    report.findings.extend(names.findings);
    report.findings.extend(config.slips());
    let names = names.value.unwrap_or_default();
    for (checked, findings) in look_at_all(config, names, scope, Machine { now, folders }) {
        report.jails.extend(checked);
        report.findings.extend(findings);
    }
    let has_files = !report.findings.iter().any(|found| found.id == "no-jails");
    if report.jails.is_empty() && scope == Scope::Enabled && has_files {
        report.findings.push(none_enabled());
    }
    let names: Vec<_> = report.jails.iter().map(|jail| jail.name.as_str()).collect();
    report.findings.extend(config.shadowed(&names));
    report.findings = merged(report.findings);
    let mut sources = Sources::default();
    report.findings.iter_mut().for_each(|finding| sources.locate(finding));
    report
}

fn none_enabled() -> Diagnostic {
    Diagnostic::new(
        "none-enabled",
        Severity::Warning,
        "no jail is enabled, so that nobody is ever banned",
    )
    .with_help("write 'enabled = true' into the sections of those to run; --all looks at all")
}

/// Jails share filters and defaults: what is wrong there is wrong once, as badly as it is for one of them.
fn merged(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut places = HashMap::new();
    let mut merged: Vec<Diagnostic> = Vec::new();
    for found in findings {
        let place = *places.entry(found.to_string()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(known) => known.severity = known.severity.max(found.severity),
            None => merged.push(found),
        }
    }
    merged
}

/// The jails in scope and what is wrong with each; of the others what they seem to be off for.
fn look_at_all(
    config: &Config,
    names: Vec<String>,
    scope: Scope,
    machine: Machine<'_>,
) -> impl Iterator<Item = (Option<Checked>, Vec<Diagnostic>)> {
    // Compiling takes most of the time: it begins while the next jails are still being read.
    let (sender, looked) = mpsc::channel();
    let calendars = Calendars::new(YearWindow::around(machine.now));
    rayon::in_place_scope(|jobs| {
        for (place, name) in names.into_iter().enumerate() {
            let Ok(draft) = config.draft(&name) else { continue };
            if scope == Scope::All || draft.jail.enabled || !draft.is_clear {
                let (sender, calendars) = (sender.clone(), &calendars);
                jobs.spawn(move |_| {
                    let (checked, findings) = look_at(draft, name, calendars, machine.folders);
                    sender.send((place, Some(checked), findings)).expect("it is received below");
                });
            } else {
                let slips = config.slips_of(&draft);
                sender.send((place, None, slips)).expect("it is received below");
            }
        }
    });
    drop(sender);
    let mut looked: Vec<_> = looked.into_iter().collect();
    looked.sort_by_key(|(place, ..)| *place);
    looked.into_iter().map(|(_, checked, findings)| (checked, findings))
}

/// One jail and what is wrong with it.
fn look_at(
    draft: Draft,
    name: String,
    calendars: &Calendars,
    folders: &[PathBuf],
) -> (Checked, Vec<Diagnostic>) {
    let mut findings = draft.findings;
    let (jail, wrong) = Jail::compile(&draft.jail, &Overrides::default(), calendars);
    findings.extend(wrong);
    let filter = &draft.jail.filter;
    let all = filter.prefregex.iter().chain(&filter.failregex).chain(&filter.ignoreregex);
    findings.extend(all.flat_map(tags::findings));
    findings.extend(filter.failregex.iter().filter_map(inject::finding));
    findings.extend(ignored::findings(&draft.jail, folders));
    check_logs(&draft.jail, &mut findings);
    explain_indented(&mut findings);
    let is_fatal = |finding: &Diagnostic| {
        finding.severity == Severity::Error && finding.id != "unknown-action"
    };
    let is_usable = draft.is_usable && !findings.iter().any(is_fatal);
    for finding in findings.iter_mut().filter(|finding| finding.subject.is_none()) {
        finding.subject = Some(name.clone());
    }
    let backtracking = jail.map(|jail| backtracking(&jail.filter)).unwrap_or_default();
    (Checked { name, is_usable, backtracking }, findings)
}

/// The expressions that need the backtracking engine, and why.
fn backtracking(filter: &Filter) -> Vec<(String, Vec<&'static str>)> {
    let all = filter.prefregex().into_iter().chain(filter.failregex());
    let all = all.chain(filter.ignoreregex()).filter(|pattern| !pattern.narrowing().is_empty());
    all.map(|pattern| (pattern.source().to_owned(), pattern.narrowing().to_vec())).collect()
}

/// A jail watches something, or it is no use.
fn check_logs(jail: &JailDef, findings: &mut Vec<Diagnostic>) {
    if jail.backend.reads_journal() {
        return;
    }
    let exists = |glob: &str| source::expand(&[glob.to_owned()]).is_ok_and(|logs| !logs.is_empty());
    let missing: Vec<_> = jail.logpaths.iter().filter(|log| !exists(&log.glob)).collect();
    let is_blind = missing.len() == jail.logpaths.len();
    if jail.logpaths.is_empty() {
        let found = error_at("no-log", "no log to watch".to_owned(), None);
        findings.push(found.with_help("set logpath, or backend = systemd"));
    }
    for log in missing {
        let message = format!("no log matches '{}'", shown(&log.glob));
        let found = error_at("no-log", message, Some(log.at.clone())).with_text(&log.glob);
        findings.push(match jail.without_logs {
            _ if !is_blind => Diagnostic { severity: Severity::Note, ..found },
            WithoutLogs::Fails => found,
            WithoutLogs::IsSkipped => Diagnostic { severity: Severity::Warning, ..found }
                .with_help("the jail is left out, as skip_if_nologs says"),
            WithoutLogs::ReadsJournal => Diagnostic { severity: Severity::Warning, ..found }
                .with_help("the jail reads the journal, as systemd_if_nologs says"),
        });
    }
}

fn error_at(id: &'static str, message: String, at: Option<Location>) -> Diagnostic {
    let found = Diagnostic::new(id, Severity::Error, message);
    match at {
        Some(at) => found.with_location(at),
        None => found,
    }
}
