//! What is written in fail2ban.conf and its companions, which are about the server and not about jails.
//!
//! f2b takes nothing out of them. Whoever looks at a folder wants to know of them all the same: fail2ban
//! doesn't start for some of these mistakes.

pub mod layout;
mod level;
mod target;

pub use layout::Layout;
pub use level::{Level, LevelError};
pub use target::{Facility, LogTarget, LogTo, TargetError};

use super::folder::Folder;
use super::interpolate::{Given, Scope};
use super::merged::{DEFAULT, INCLUDES, Merged};
use super::options::{truth, unknown_option};
use super::traced::Traced;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::model::duration::parse_micros;
use crate::text;

const FILE: &str = "fail2ban";
const DEFINITION: &str = "Definition";
const THREAD: &str = "Thread";
const LEVELS: [&str; 9] =
    ["CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG", "TRACEDEBUG", "HEAVYDEBUG", "MSG"];

/// An option of the server: its section, its name, what it may be (all, if that isn't said), and how that is told.
type ServerOption = (&'static str, &'static str, Option<fn(&str) -> bool>, &'static str);

const OPTIONS: [ServerOption; 10] = [
    (
        DEFINITION,
        "loglevel",
        Some(is_level),
        "write CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG",
    ),
    (DEFINITION, "logtarget", None, ""),
    (DEFINITION, "syslogsocket", None, ""),
    (DEFINITION, "socket", None, ""),
    (DEFINITION, "pidfile", None, ""),
    (DEFINITION, "allowipv6", Some(is_auto_or_truth), "write auto, yes or no"),
    (DEFINITION, "dbfile", None, ""),
    (DEFINITION, "dbmaxmatches", Some(is_number), "write a whole number"),
    (DEFINITION, "dbpurgeage", Some(is_time), "write seconds or units such as 86400, 1d, 1w"),
    (THREAD, "stacksize", Some(is_number), "write a whole number of KiB; 0 is the system's"),
];

fn is_level(value: &str) -> bool {
    LEVELS.contains(&&*value.to_uppercase()) || is_number(value)
}

fn is_auto_or_truth(value: &str) -> bool {
    value.eq_ignore_ascii_case("auto") || truth(value).is_some()
}

fn is_number(value: &str) -> bool {
    value.parse::<u32>().is_ok()
}

fn is_time(value: &str) -> bool {
    parse_micros(value).is_ok()
}

/// Everything that is wrong with these files, none of which keeps a jail from being used.
pub(super) fn findings(folder: &Folder) -> Vec<Diagnostic> {
    if folder.candidates(FILE).is_empty() {
        return Vec::new();
    }
    let merged = folder.merged(FILE);
    let mut findings = merged.findings.clone();
    findings.extend(sections(&merged));
    findings.extend(names(&merged));
    let none = Given::new();
    for (section, name, is_right, help) in OPTIONS {
        match Scope::new(&merged, section, &none).fetch(name) {
            Ok(Some(value)) => {
                let is_wrong = is_right.is_some_and(|is_right| !is_right(&value.value));
                findings.extend(is_wrong.then(|| wrong(name, &value, help)));
            }
            Ok(None) => {}
            Err(error) => findings.push(error.diagnostic()),
        }
    }
    let harmless = |found| Diagnostic { severity: Severity::Warning, subject: None, ..found };
    findings.into_iter().map(harmless).collect()
}

fn wrong(name: &str, value: &Traced, help: &str) -> Diagnostic {
    let message = format!("{name} is '{}'", text::shown(&value.value));
    Diagnostic::new("bad-server-option", Severity::Warning, message)
        .with_location(value.at.location())
        .with_text(&value.value)
        .with_help(help)
}

/// Sections that mean nothing and look like ones that do.
fn sections(merged: &Merged) -> Vec<Diagnostic> {
    let known = [DEFINITION, THREAD, DEFAULT, INCLUDES];
    let unknown = merged.sections.iter().filter(|(name, ..)| !known.contains(&name.as_str()));
    let found = unknown.map(|(name, _, at)| {
        let message = format!("section [{}] means nothing", text::shown(name));
        let found = Diagnostic::new("unknown-section", Severity::Warning, message);
        let near = nearest(name, known).unwrap_or(DEFINITION);
        found.with_location(at.clone()).with_text(name).with_help(format!("did you mean [{near}]?"))
    });
    found.collect()
}

/// Options that nobody reads and that look like ones that the server does.
fn names(merged: &Merged) -> Vec<Diagnostic> {
    let own = [DEFINITION, THREAD].into_iter().filter_map(|name| merged.section(name));
    let mut findings = Vec::new();
    for (name, stack) in own.chain([&merged.defaults]).flatten() {
        let is_read = OPTIONS.iter().any(|(_, known, ..)| known == name) || merged.quotes(name);
        let near = nearest(name, OPTIONS.iter().map(|(_, known, ..)| *known));
        if let (Some(near), Some(value), false) = (near, stack.last(), is_read) {
            findings.push(unknown_option(name, near, value.at.location()));
        }
    }
    findings
}
