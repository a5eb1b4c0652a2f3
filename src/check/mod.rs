//! Is this configuration usable, and does it mean what its author thinks? All findings at once.
//!
//! Loads every jail as it would be run: options, filter, expressions, dates, logs. A finding about one jail
//! says nothing about the others. What comes out is data; nothing is printed here and nothing is run.

mod inject;
mod place;
mod tags;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, mpsc};

use crate::config::{Config, Draft, JailDef, Text, WithoutLogs};
use crate::date::{Templates, YearWindow};
use crate::decide::IgnoreList;
use crate::diag::{Diagnostic, Location, Severity};
use crate::filter::{CompileOptions, Filter};
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
    report.findings.extend(config.slips());
    let names = names.value.unwrap_or_default();
    for (checked, findings) in look_at_all(config, names, scope, now) {
        report.jails.push(checked);
        report.findings.extend(findings);
    }
    let names: Vec<_> = report.jails.iter().map(|jail| jail.name.as_str()).collect();
    report.findings.extend(config.shadowed(&names));
    // Jails share filters and defaults: what is wrong there is wrong once.
    let mut seen = HashSet::new();
    report.findings.retain(|finding| seen.insert(finding.to_string()));
    let mut sources = Sources::default();
    report.findings.iter_mut().for_each(|finding| sources.locate(finding));
    report
}

/// The jails in scope and what is wrong with each.
fn look_at_all(
    config: &Config,
    names: Vec<String>,
    scope: Scope,
    now: Time,
) -> impl Iterator<Item = (Checked, Vec<Diagnostic>)> {
    // Compiling takes most of the time: it begins while the next jails are still being read.
    let (sender, looked) = mpsc::channel();
    let mut dates: HashMap<Vec<String>, Arc<DateVerdict>> = HashMap::new();
    rayon::in_place_scope(|jobs| {
        for (place, name) in names.into_iter().enumerate() {
            let Ok(draft) = config.draft(&name) else { continue };
            if scope == Scope::All || draft.jail.enabled || !draft.is_clear {
                let sender = sender.clone();
                let patterns = draft.jail.filter.datepattern.iter();
                let patterns = patterns.map(|text| text.value.clone()).collect();
                let dates = Arc::clone(dates.entry(patterns).or_default());
                jobs.spawn(move |_| {
                    let (checked, findings) = look_at(draft, name, now, &dates);
                    sender.send((place, checked, findings)).expect("it is received below");
                });
            }
        }
    });
    drop(sender);
    let mut looked: Vec<_> = looked.into_iter().collect();
    looked.sort_by_key(|(place, ..)| *place);
    looked.into_iter().map(|(_, checked, findings)| (checked, findings))
}

/// What is wrong with date patterns that several jails may have in common, if anything, once that is known.
type DateVerdict = OnceLock<Option<Diagnostic>>;

/// One jail and what is wrong with it.
fn look_at(
    draft: Draft,
    name: String,
    now: Time,
    dates: &DateVerdict,
) -> (Checked, Vec<Diagnostic>) {
    let mut findings = draft.findings;
    let backtracking = check_jail(&draft.jail, &mut findings);
    check_dates(&draft.jail, now, dates, &mut findings);
    let is_fatal = |finding: &Diagnostic| {
        finding.severity == Severity::Error && finding.id != "unknown-action"
    };
    let is_usable = draft.is_usable && !findings.iter().any(is_fatal);
    for finding in findings.iter_mut().filter(|finding| finding.subject.is_none()) {
        finding.subject = Some(name.clone());
    }
    (Checked { name, is_usable, backtracking }, findings)
}

fn check_jail(jail: &JailDef, findings: &mut Vec<Diagnostic>) -> Vec<(String, Vec<&'static str>)> {
    let options = CompileOptions { usedns: jail.usedns, maxlines: jail.maxlines, raw: false };
    let mut backtracking = Vec::new();
    match Filter::compile(&jail.filter, &options) {
        // That is said already, or its filter can't be read.
        Err(_) if jail.filter.failregex.is_empty() => {}
        Err(wrong) => findings.extend(wrong),
        Ok(filter) => {
            let all = filter.prefregex().into_iter().chain(filter.failregex());
            for pattern in all.chain(filter.ignoreregex()).filter(|p| !p.narrowing().is_empty()) {
                backtracking.push((pattern.source().to_owned(), pattern.narrowing().to_vec()));
            }
        }
    }
    let filter = &jail.filter;
    let all = filter.prefregex.iter().chain(&filter.failregex).chain(&filter.ignoreregex);
    findings.extend(all.flat_map(tags::findings));
    findings.extend(filter.failregex.iter().filter_map(inject::finding));
    check_logs(jail, findings);
    let ignored = jail.ignoreip.iter().map(|text| (text.value.as_str(), Some(text.at.clone())));
    let (_, wrong) = IgnoreList::parse(ignored, &[], source::read_list);
    findings.extend(wrong);
    backtracking
}

fn check_dates(jail: &JailDef, now: Time, known: &DateVerdict, findings: &mut Vec<Diagnostic>) {
    let Some(first) = jail.filter.datepattern.first() else { return };
    let compile = || {
        let patterns: Vec<&str> = jail.filter.datepattern.iter().map(|text| &*text.value).collect();
        match Templates::from_patterns(&patterns, YearWindow::around(now)) {
            Err(error) => {
                let found = error_at("invalid-datepattern", error.to_string(), None);
                Some(found.with_text(error.pattern()))
            }
            Ok(templates) => templates.without_date().map(|pattern| {
                let message = format!("the date pattern '{}' has no date", shown(pattern));
                Diagnostic::new("dateless-datepattern", Severity::Warning, message).with_help(
                    "its lines are of today's first second, too old for findtime most of the day; \
                     write %Y, %H and so on, or {NONE} if the lines have no date",
                ).with_text(pattern)
            }),
        }
    };
    // Of two that are the same the second is wrong.
    let place = |pattern: Option<&str>| {
        let is_it = |text: &&Text| pattern == Some(&*text.value);
        jail.filter.datepattern.iter().rfind(is_it).unwrap_or(first).at.clone()
    };
    findings.extend(known.get_or_init(compile).clone().map(|found| {
        let at = place(found.text.as_deref());
        found.with_location(at)
    }));
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
