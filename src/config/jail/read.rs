//! The options of a jail one by one: from their text to what it means.

use encoding_rs::Encoding;

use super::super::action::ActionDef;
use super::super::backend::Backend;
use super::super::filter::{FilterDef, UseDns};
use super::super::interpolate::Given;
use super::super::spec::Spec;
use super::super::traced::{Text, Traced};
use super::def::{IgnoreCache, JailDef, LogPath, Setting, WithoutLogs};
use super::increment::increment;
use super::values::{self, Values};
use crate::diag::{Diagnostic, Severity};
use crate::model::duration::parse_micros;
use crate::model::{self, BanTime, Zone};
use crate::text;

impl JailDef {
    /// A filter that is run without a section: enabled and without a name, logs and actions. Every option has the
    /// default of the options' table, unless the filter has it.
    pub fn of_filter(filter: FilterDef) -> Self {
        let none = Given::new();
        let nobody =
            Parts { name: String::new(), filter, journal_is_clear: true, ..Parts::default() };
        Self { enabled: true, ..jail(&mut Values::new(&none), nobody) }
    }
}

/// What a jail is made of beside the values of its options.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) filter: FilterDef,
    /// Whether all of its journalmatch could be read.
    pub(super) journal_is_clear: bool,
    pub(super) backend: Backend,
    pub(super) actions: Vec<ActionDef>,
    pub(super) settings: Vec<Setting>,
}

/// Reads the values.
pub(super) fn jail(values: &mut Values<'_>, parts: Parts) -> JailDef {
    let without_logs = without_logs(values, &parts);
    let Parts { name, filter, backend, actions, settings, .. } = parts;
    JailDef {
        name,
        enabled: values.flag("enabled"),
        usedns: filter.usedns.unwrap_or_else(|| values::default("usedns", UseDns::parse)),
        maxlines: filter.maxlines.unwrap_or_else(|| values::default("maxlines", values::number)),
        filter,
        logpaths: logpaths(values, &backend),
        unread_logpath: unread_logpath(values, &backend),
        // The text may come from another option, which is the one to be changed.
        backend_at: values.filled("backend").map(|value| value.place_of(0).location()),
        without_logs,
        backend,
        maxretry: values.number("maxretry"),
        maxmatches: values.number("maxmatches"),
        findtime_us: values.micros("findtime"),
        bantime: bantime(values),
        ignoreip: values.get("ignoreip").map_or(Vec::new(), Traced::lines),
        ignoreself: values.flag("ignoreself"),
        ignorecommand: values.text("ignorecommand"),
        ignorecache: ignorecache(values),
        logencoding: logencoding(values),
        logtimezone: logtimezone(values),
        increment: increment(values),
        actions,
        kill_connections: values.flag("kill_connections"),
        settings,
    }
}

pub(super) fn bantime(values: &mut Values<'_>) -> BanTime {
    let parse = |text: &str| BanTime::parse(text).ok();
    values.read("bantime", parse, |value| values::bad_time("bantime", value))
}

/// An encoding that nobody knows keeps a jail from being used: its filter would look for other letters.
pub(super) fn logencoding(values: &mut Values<'_>) -> &'static Encoding {
    values.read("logencoding", model::encoding, |value| {
        let message = format!("unknown encoding '{}'", text::shown(&value.value));
        Diagnostic::new("unknown-encoding", Severity::Error, message)
            .with_location(value.at.location())
            .with_text(&value.value)
            .with_help("write auto, UTF-8, ISO-8859-15 or the like")
    })
}

/// A zone that can't be read keeps a jail from being used: with times hours off, bans would be wrong.
pub(super) fn logtimezone(values: &mut Values<'_>) -> Option<Zone> {
    let value = values.filled("logtimezone")?;
    let zone = Zone::parse(&value.value);
    if zone.is_none() {
        let message = format!("unknown time zone '{}'", text::shown(&value.value));
        let found = Diagnostic::new("unknown-zone", Severity::Error, message);
        let found = found.with_location(value.at.location()).with_text(&value.value);
        let help = "write a name such as Europe/Paris, or an offset such as UTC+0200";
        values.fail(found.with_help(help));
    }
    zone
}

/// How answers of the ignorecommand are kept. What is written wrong is a warning: without it, all is
/// decided as well, only slower.
pub(super) fn ignorecache(values: &mut Values<'_>) -> Option<IgnoreCache> {
    let value = values.filled("ignorecache")?;
    let bad = |message: String| {
        Diagnostic::new("bad-ignorecache", Severity::Warning, message)
            .with_location(value.at.location())
            .with_text(&value.value)
            .with_help("write key=\"<ip>\", max-count=100, max-time=5m; answers aren't kept")
    };
    let cache = read_ignorecache(value);
    cache.map_err(|message| values.findings.push(bad(message))).ok()
}

/// The journal goes first if the jail or its filter says what to read there, and so that all of it can be read.
///
/// DIFFERS: to fail2ban 1.1 only what the jail itself says counts, and 1.0 doesn't start: the `sshd` of a Debian without
/// rsyslog has a filter that knows the journal, and no log.
fn without_logs(values: &mut Values<'_>, parts: &Parts) -> WithoutLogs {
    let says_what = !parts.filter.journalmatch.is_empty() && parts.journal_is_clear;
    let may_read = values.flag("systemd_if_nologs");
    let may_skip = values.flag("skip_if_nologs");
    if may_read && says_what && parts.backend == Backend::Auto {
        WithoutLogs::ReadsJournal
    } else if may_skip {
        WithoutLogs::IsSkipped
    } else {
        WithoutLogs::Fails
    }
}

fn logpaths(values: &mut Values<'_>, backend: &Backend) -> Vec<LogPath> {
    let lines = values.get("logpath").map(Traced::lines).unwrap_or_default();
    let mut paths = Vec::new();
    for line in lines.iter().filter(|_| !backend.reads_journal()) {
        match logpath(line) {
            Ok(path) => paths.push(path),
            Err(word) => {
                let message = format!("'{}' is behind a log's path", text::shown(word));
                let help = "write one path per line; after a path with blanks write ' head'";
                let found = Diagnostic::new("bad-logpath", Severity::Error, message);
                values.fail(found.with_location(line.at.clone()).with_text(word).with_help(help));
            }
        }
    }
    paths
}

/// The first path of a jail that has any in vain.
fn unread_logpath(values: &Values<'_>, backend: &Backend) -> Option<Text> {
    let value = values.filled("logpath").filter(|_| backend.reads_journal())?;
    let first = value.lines().into_iter().next()?;
    Some(Text { value: first.value, at: value.at.location() })
}

fn read_ignorecache(value: &Traced) -> Result<IgnoreCache, String> {
    let spec = Spec::parse_options(&value.value).map_err(|error| error.to_string())?;
    let key = spec.option("key").ok_or("ignorecache has no key")?;
    let max_count = spec.option("max-count").map_or(Ok(100), |text| {
        let count = text.trim().parse();
        count.map_err(|_| format!("max-count of ignorecache is '{}'", text::shown(text)))
    })?;
    let max_time_us = spec.option("max-time").map_or(Ok(300_000_000), |text| {
        parse_micros(text).map_err(|error| format!("max-time of ignorecache: {error}"))
    })?;
    let key = Text { value: key.to_owned(), at: value.at.location() };
    Ok(IgnoreCache { key, max_count, max_time_us })
}

/// `PATH`, `PATH head` or `PATH tail`.
fn logpath(line: &Text) -> Result<LogPath, &str> {
    let at = line.at.clone();
    let (glob, tail) = match line.value.rsplit_once(' ') {
        None => (line.value.as_str(), false),
        Some((glob, "head")) => (glob, false),
        Some((glob, "tail")) => (glob, true),
        Some((_, word)) => return Err(word),
    };
    Ok(LogPath { glob: glob.to_owned(), tail, at })
}
