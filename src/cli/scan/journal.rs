//! The journal, which `f2b scan` doesn't read itself: what to write instead.

use super::super::target::Subject;
use crate::config::{Backend, FilterDef, JailDef};
use crate::diag::{Diagnostic, Severity};
use crate::text::shown;

/// What fail2ban-regex calls the journal, where a log's name may be.
const OPERAND: &str = "systemd-journal";

/// The finding about a jail that reads the journal where its own logs were to be scanned.
pub(super) fn of_jail(jail: &JailDef) -> Diagnostic {
    let message = format!("jail '{}' reads the journal, as its backend says", shown(&jail.name));
    let pipe = pipe(Some(jail), &jail.filter, &jail_option(jail));
    let instead = jail.unread_logpath.as_ref().map(|log| {
        let path = shown(&log.value);
        format!(", or 'backend = auto' to have its logpath '{path}' read ({})", log.at)
    });
    let help = format!("write {pipe}{}", instead.unwrap_or_default());
    let found = Diagnostic::new("journal", Severity::Error, message).with_help(help);
    Diagnostic { at: jail.backend_at.clone(), ..found }
}

/// What scans the journal for a jail that reads logs, if its filter says which entries are meant.
pub(super) fn in_place_of_logs(jail: &JailDef) -> Option<String> {
    let knows_entries = !jail.filter.journalmatch.is_empty();
    knows_entries.then(|| pipe(Some(jail), &jail.filter, &jail_option(jail)))
}

/// The finding about the journal among the logs that were named.
pub(super) fn named(operand: &str, subject: &Subject) -> Option<Diagnostic> {
    let rest = operand.strip_prefix(OPERAND)?;
    let is_journal = rest.is_empty() || rest.starts_with('[');
    let jail = Some(&subject.jail).filter(|jail| !jail.name.is_empty());
    let filter = &subject.jail.filter;
    is_journal.then(|| {
        let target = jail.map_or_else(|| filter_operand(filter), jail_option);
        let message = "the journal is not read by f2b scan itself";
        Diagnostic::new("journal", Severity::Error, message)
            .with_help(format!("write {}", pipe(jail, filter, &target)))
    })
}

fn jail_option(jail: &JailDef) -> String {
    format!("--jail {}", quoted(&jail.name))
}

fn filter_operand(filter: &FilterDef) -> String {
    match &filter.failregex[..] {
        [regex] if filter.name.is_empty() => quoted(&regex.value),
        _ => quoted(&filter.name),
    }
}

/// The command line that scans what the journal has.
fn pipe(jail: Option<&JailDef>, filter: &FilterDef, target: &str) -> String {
    let mut words = vec!["journalctl -o short-iso".to_owned()];
    if let Some(Backend::Journal(source)) = jail.map(|jail| &jail.backend) {
        words.extend(
            source.path.iter().map(|path| format!("-D {}", quoted(&path.to_string_lossy()))),
        );
        words.extend(source.files.iter().map(|file| format!("--file={}", quoted(file))));
        words.extend(source.namespace.iter().map(|name| format!("--namespace={}", quoted(name))));
    }
    let groups = filter.journalmatch.iter().flat_map(|line| &line.groups);
    let groups = groups.map(|terms| {
        let terms = terms.iter().map(|term| quoted(&format!("{}={}", term.field, term.value)));
        terms.collect::<Vec<_>>().join(" ")
    });
    let groups = groups.collect::<Vec<_>>().join(" + ");
    words.extend(Some(groups).filter(|groups| !groups.is_empty()));
    words.push(format!("| f2b scan - {target}"));
    words.join(" ")
}

/// As a shell reads it; nothing in it reaches a terminal as a control.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@+,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let word = shown(word);
    shlex::try_quote(&word).map_or_else(|_| word.to_string(), std::borrow::Cow::into_owned)
}
