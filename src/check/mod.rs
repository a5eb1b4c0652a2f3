//! Is this configuration usable, and does it mean what its author thinks? All findings at once.
//!
//! Loads every jail as it would be run: options, filter, expressions, dates, logs. A finding about one jail
//! says nothing about the others. What comes out is data; nothing is printed here and nothing is run.

mod inject;

use std::collections::HashSet;

use rayon::prelude::*;

use crate::config::{Config, JailDef, Loaded};
use crate::date::{Templates, YearWindow, parse_log_zone};
use crate::decide::IgnoreList;
use crate::diag::{Diagnostic, Location, Severity};
use crate::filter::{CompileOptions, Filter};
use crate::model::Time;
use crate::source;

/// Which jails are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that are enabled.
    Enabled,
    /// All, as if they were.
    All,
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

/// Looks at the jails of `config` as of `now`.
pub fn check(config: &Config, scope: Scope, now: Time) -> Report {
    let mut report = Report::default();
    let names = config.jail_names();
    report.findings.extend(names.findings);
    let names = names.value.unwrap_or_default();
    // What can't be loaded can't say that it is off.
    let is_wanted = |loaded: &Loaded<JailDef>| {
        loaded.value.as_ref().is_none_or(|jail| jail.enabled || scope == Scope::All)
    };
    let loaded = names.into_iter().map(|name| (config.jail(&name), name));
    let wanted: Vec<_> = loaded.filter(|(loaded, _)| is_wanted(loaded)).collect();
    // Compiling takes most of the time.
    let looked = wanted.into_par_iter().map(|(loaded, name)| look_at(loaded, name, now));
    for (checked, findings) in looked.collect::<Vec<_>>() {
        report.jails.push(checked);
        report.findings.extend(findings);
    }
    // Jails share filters and defaults: what is wrong there is wrong once.
    let mut seen = HashSet::new();
    report.findings.retain(|finding| seen.insert(finding.to_string()));
    report
}

/// One jail and what is wrong with it.
fn look_at(loaded: Loaded<JailDef>, name: String, now: Time) -> (Checked, Vec<Diagnostic>) {
    let mut findings = loaded.findings;
    let backtracking =
        loaded.value.as_ref().map(|jail| check_jail(jail, now, &mut findings)).unwrap_or_default();
    let is_usable = loaded.value.is_some()
        && findings
            .iter()
            .all(|finding| finding.severity < Severity::Error || finding.id == "unknown-action");
    for finding in findings.iter_mut().filter(|finding| finding.subject.is_none()) {
        finding.subject = Some(name.clone());
    }
    (Checked { name, is_usable, backtracking }, findings)
}

fn check_jail(
    jail: &JailDef,
    now: Time,
    findings: &mut Vec<Diagnostic>,
) -> Vec<(String, Vec<&'static str>)> {
    let maxlines = jail.filter.maxlines.unwrap_or(1);
    let options = CompileOptions { usedns: jail.usedns, maxlines, raw: false };
    let mut backtracking = Vec::new();
    match Filter::compile(&jail.filter, &options) {
        Err(wrong) => findings.extend(wrong),
        Ok(filter) => {
            let all = filter.prefregex().into_iter().chain(filter.failregex());
            for pattern in all.chain(filter.ignoreregex()).filter(|p| !p.narrowing().is_empty()) {
                backtracking.push((pattern.source().to_owned(), pattern.narrowing().to_vec()));
            }
        }
    }
    findings.extend(jail.filter.failregex.iter().filter_map(inject::finding));
    check_dates(jail, now, findings);
    check_logs(jail, findings);
    let ignored = jail.ignoreip.iter().map(|text| (text.value.as_str(), Some(text.at.clone())));
    let (_, wrong) = IgnoreList::parse(ignored, &[], |path| std::fs::read_to_string(path));
    findings.extend(wrong);
    backtracking
}

fn check_dates(jail: &JailDef, now: Time, findings: &mut Vec<Diagnostic>) {
    let patterns: Vec<&str> = jail.filter.datepattern.iter().map(|text| &*text.value).collect();
    if !patterns.is_empty()
        && let Err(error) = Templates::from_patterns(&patterns, YearWindow::around(now))
    {
        let at = jail.filter.datepattern.first().map(|text| text.at.clone());
        findings.push(error_at("invalid-datepattern", error.to_string(), at));
    }
    if let Some(zone) = jail.logtimezone.as_ref().filter(|zone| !zone.value.is_empty())
        && parse_log_zone(&zone.value).is_none()
    {
        let message = format!("unknown time zone '{}'", crate::text::shown(&zone.value));
        let found = error_at("unknown-zone", message, Some(zone.at.clone()));
        findings.push(found.with_help("write an offset such as UTC+0200 or -03:30"));
    }
    if let Some(encoding) = &jail.logencoding
        && !matches!(encoding.value.as_str(), "auto" | "")
        && encoding_rs::Encoding::for_label(encoding.value.replace('_', "-").as_bytes()).is_none()
    {
        let message = format!("unknown encoding '{}'", crate::text::shown(&encoding.value));
        findings.push(error_at("unknown-encoding", message, Some(encoding.at.clone())));
    }
}

/// A jail watches something, or it is no use.
fn check_logs(jail: &JailDef, findings: &mut Vec<Diagnostic>) {
    if jail.backend.starts_with("systemd") {
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
        let message = format!("no log matches '{}'", crate::text::shown(&log.glob));
        let mut found = error_at("no-log", message, Some(log.at.clone()));
        if !is_blind {
            found.severity = Severity::Note;
        }
        findings.push(found);
    }
}

fn error_at(id: &'static str, message: String, at: Option<Location>) -> Diagnostic {
    let found = Diagnostic::new(id, Severity::Error, message);
    match at {
        Some(at) => found.with_location(at),
        None => found,
    }
}
