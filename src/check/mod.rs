//! Is this configuration usable, and does it mean what its author thinks? All findings at once.
//!
//! Loads every jail as it would be run: options, filter, expressions, dates, logs. A finding about one jail
//! says nothing about the others. What comes out is data; nothing is printed here and nothing is run.

mod ignored;
mod inject;
mod logs;
mod place;
mod report;
mod tags;

use std::path::PathBuf;
use std::sync::mpsc;

use crate::config::{Config, Draft, explain_indented};
use crate::date::YearWindow;
use crate::diag::{Diagnostic, Severity};
use crate::engine::own_log::OwnLog;
use crate::engine::{Calendars, Jail, Overrides};
use crate::filter::Filter;
use crate::model::Time;
pub use inject::greedy_before_host;
pub use place::{Excerpt, Sources};
pub use report::{Checked, Finding, Report};
use report::{in_order, merged};

/// Which jails are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'n> {
    /// Those that are enabled.
    Enabled,
    /// All, as if they were.
    All,
    /// Those of these names, as if they were.
    Named(&'n [String]),
}

impl Scope<'_> {
    fn has(self, name: &str, is_enabled: bool) -> bool {
        match self {
            Self::Enabled => is_enabled,
            Self::All => true,
            Self::Named(names) => names.iter().any(|named| named == name),
        }
    }
}

/// What a look at a jail needs beside it.
struct Looking<'l> {
    calendars: Calendars,
    /// Where programs without a path are looked for.
    folders: &'l [PathBuf],
    /// What the administrator writes.
    own_files: Vec<PathBuf>,
    own_log: OwnLog,
}

/// Looks at the jails of `config` as of `now`; programs without a path would be looked for in `folders`.
pub fn check(config: &Config, scope: Scope<'_>, now: Time, folders: &[PathBuf]) -> Report {
    let mut jails = Vec::new();
    let names = config.jail_names();
    let mut findings = in_order(config.server().findings);
    findings.extend(in_order(names.findings.into_iter().chain(config.slips()).collect()));
    let names = names.value.unwrap_or_default();
    let calendars = Calendars::new(YearWindow::around(now));
    let (own_files, own_log) = (config.own_files(), OwnLog::of(config));
    let looking = Looking { calendars, folders, own_files, own_log };
    for (checked, found) in look_at_all(config, names, scope, &looking) {
        jails.extend(checked);
        findings.extend(found);
    }
    let has_files = !findings.iter().any(|found| found.id == "no-jails");
    if jails.is_empty() && scope == Scope::Enabled && has_files {
        findings.push(none_enabled());
    }
    let names: Vec<_> = jails.iter().map(|jail| jail.name.as_str()).collect();
    findings.extend(config.shadowed(&names));
    let mut findings = merged(findings);
    let mut sources = Sources::default();
    for found in &mut findings {
        sources.locate(&mut found.diagnostic);
    }
    Report { findings, jails }
}

fn none_enabled() -> Diagnostic {
    Diagnostic::new(
        "none-enabled",
        Severity::Warning,
        "no jail is enabled, so that nobody is ever banned",
    )
    .with_help("write 'enabled = true' into the sections of those to run; --all looks at all")
}

/// The jails in scope and what is wrong with each; of the others what they seem to be off for.
fn look_at_all(
    config: &Config,
    names: Vec<String>,
    scope: Scope<'_>,
    looking: &Looking<'_>,
) -> impl Iterator<Item = (Option<Checked>, Vec<Diagnostic>)> + use<> {
    // Compiling takes most of the time: it begins while the next jails are still being read.
    let (sender, looked) = mpsc::channel();
    rayon::in_place_scope(|jobs| {
        for (place, name) in names.into_iter().enumerate() {
            let Ok(draft) = config.draft(&name) else { continue };
            if scope.has(&name, draft.jail.enabled || !draft.is_clear) {
                let sender = sender.clone();
                jobs.spawn(move |_| {
                    let (checked, findings) = look_at(draft, name, looking);
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
    looked.into_iter().map(|(_, checked, findings)| (checked, in_order(findings)))
}

/// One jail and what is wrong with it.
fn look_at(draft: Draft, name: String, looking: &Looking<'_>) -> (Checked, Vec<Diagnostic>) {
    let mut findings = draft.findings;
    let (jail, wrong) = Jail::compile(&draft.jail, &Overrides::default(), &looking.calendars);
    findings.extend(wrong);
    let filter = &draft.jail.filter;
    let all = filter.prefregex.iter().chain(&filter.failregex).chain(&filter.ignoreregex);
    findings.extend(all.flat_map(tags::findings));
    findings.extend(filter.failregex.iter().filter_map(inject::finding));
    findings.extend(ignored::findings(&draft.jail, looking.folders));
    findings.extend(logs::findings(&draft.jail, &looking.own_files, &looking.own_log));
    explain_indented(&mut findings);
    let is_fatal = |finding: &Diagnostic| {
        finding.severity == Severity::Error && finding.id != "unknown-action"
    };
    let is_usable = draft.is_usable && !findings.iter().any(is_fatal);
    for finding in findings.iter_mut().filter(|finding| finding.subject.is_none()) {
        finding.subject = Some(name.clone());
    }
    let backtracking = jail.map(|jail| backtracking(&jail.filter)).unwrap_or_default();
    (Checked { name, is_enabled: draft.jail.enabled, is_usable, backtracking }, findings)
}

/// The expressions that need the backtracking engine, and why.
fn backtracking(filter: &Filter) -> Vec<(String, Vec<&'static str>)> {
    let all = filter.prefregex().into_iter().chain(filter.failregex());
    let all = all.chain(filter.ignoreregex()).filter(|pattern| !pattern.narrowing().is_empty());
    all.map(|pattern| (pattern.source().to_owned(), pattern.narrowing().to_vec())).collect()
}
