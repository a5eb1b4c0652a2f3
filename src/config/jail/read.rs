//! The options of a jail one by one: from their text to what it means.

use encoding_rs::{Encoding, UTF_8};

use super::super::Text;
use super::super::backend::Backend;
use super::super::interpolate::Overrides;
use super::super::journal;
use super::super::options::truth;
use super::super::spec::Spec;
use super::super::traced::Traced;
use super::Loader;
use super::def::{IgnoreCache, LogPath, WithoutLogs};
use crate::diag::{Diagnostic, Severity};
use crate::model::duration::parse_micros;
use crate::model::{self, BanTime, Zone};
use crate::text;

impl Loader<'_> {
    pub(super) fn flag(&mut self, values: &Overrides, name: &'static str, default: bool) -> bool {
        let Some(value) = values.get(name) else { return default };
        truth(&value.value).unwrap_or_else(|| {
            let message = format!("{name} is '{}', which counts as no", text::shown(&value.value));
            self.findings.push(
                Diagnostic::new("bad-boolean", Severity::Warning, message)
                    .with_location(value.at.location())
                    .with_text(&value.value)
                    .with_help("write true or false"),
            );
            false
        })
    }

    pub(super) fn number(&mut self, values: &Overrides, name: &'static str, default: u32) -> u32 {
        let Some(value) = values.get(name) else { return default };
        value.value.trim().parse().unwrap_or_else(|_| {
            let message = format!("{name} is '{}'", text::shown(&value.value));
            self.findings.push(
                Diagnostic::new("bad-number", Severity::Warning, message)
                    .with_location(value.at.location())
                    .with_text(&value.value)
                    .with_help(format!("write a whole number; {default} is used")),
            );
            default
        })
    }

    fn time(&mut self, values: &Overrides, name: &'static str) -> Option<i64> {
        let value = values.get(name)?;
        let micros = parse_micros(&value.value);
        micros.map_err(|_| self.bad_time(name, value)).ok()
    }

    /// The time within which failures count together, in microseconds.
    pub(super) fn findtime(&mut self, values: &Overrides) -> i64 {
        const DEFAULT_US: i64 = 600_000_000;
        let found = self.time(values, "findtime").unwrap_or(DEFAULT_US);
        if let Some(value) = values.get("findtime").filter(|_| found < 0) {
            self.bad_time("findtime", value);
        }
        found
    }

    pub(super) fn bantime(&mut self, values: &Overrides) -> BanTime {
        let default = BanTime::Micros(600_000_000);
        let Some(value) = values.get("bantime") else { return default };
        BanTime::parse(&value.value).unwrap_or_else(|_| {
            self.bad_time("bantime", value);
            default
        })
    }

    fn bad_time(&mut self, name: &str, value: &Traced) {
        let message = format!("{name} is '{}', which is no duration", text::shown(&value.value));
        let found = Diagnostic::new("bad-duration", Severity::Error, message)
            .with_location(value.at.location())
            .with_text(&value.value)
            .with_help("write seconds or units such as 600, 10m, 1d12h, 1w");
        self.fail(found);
    }

    /// A time from zero, in microseconds; an empty one is none.
    ///
    /// DIFFERS: to fail2ban one below zero is the longest ban all the same, which ends before it begins, or never.
    pub(super) fn positive_time(&mut self, values: &Overrides, name: &'static str) -> Option<i64> {
        let value = values.get(name).filter(|value| !value.value.trim().is_empty())?;
        let micros = parse_micros(&value.value).ok().filter(|micros| *micros >= 0);
        if micros.is_none() {
            self.bad_time(name, value);
        }
        micros
    }

    /// An encoding that nobody knows keeps a jail from being used: its filter would look for other letters.
    pub(super) fn logencoding(&mut self, values: &Overrides) -> &'static Encoding {
        let Some(value) = values.get("logencoding") else { return UTF_8 };
        model::encoding(&value.value).unwrap_or_else(|| {
            let message = format!("unknown encoding '{}'", text::shown(&value.value));
            let found = Diagnostic::new("unknown-encoding", Severity::Error, message);
            let found = found.with_location(value.at.location()).with_text(&value.value);
            self.fail(found.with_help("write auto, UTF-8, ISO-8859-15 or the like"));
            UTF_8
        })
    }

    /// A zone that can't be read keeps a jail from being used: with times hours off, bans would be wrong.
    pub(super) fn logtimezone(&mut self, values: &Overrides) -> Option<Zone> {
        let value = values.get("logtimezone").filter(|value| !value.value.trim().is_empty())?;
        let zone = Zone::parse(&value.value);
        if zone.is_none() {
            let message = format!("unknown time zone '{}'", text::shown(&value.value));
            let found = Diagnostic::new("unknown-zone", Severity::Error, message);
            let found = found.with_location(value.at.location()).with_text(&value.value);
            self.fail(
                found.with_help("write a name such as Europe/Paris, or an offset such as UTC+0200"),
            );
        }
        zone
    }

    /// How answers of the ignorecommand are kept. What is written wrong is a warning: without it, all is
    /// decided as well, only slower.
    pub(super) fn ignorecache(&mut self, values: &Overrides) -> Option<IgnoreCache> {
        let value = values.get("ignorecache").filter(|value| !value.value.is_empty())?;
        let bad = |message: String| {
            Diagnostic::new("bad-ignorecache", Severity::Warning, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help("write key=\"<ip>\", max-count=100, max-time=5m; answers aren't kept")
        };
        match ignorecache(value) {
            Ok(cache) => Some(cache),
            Err(message) => {
                self.findings.push(bad(message));
                None
            }
        }
    }

    /// The journal goes first if the jail itself says what to read there, and so that it can be read.
    pub(super) fn without_logs(&mut self, values: &Overrides, backend: &Backend) -> WithoutLogs {
        let is_bad = self.findings.iter().any(|found| found.id == journal::BAD);
        let matches = values.get("journalmatch").is_some_and(|value| !value.value.is_empty());
        let may_read = self.flag(values, "systemd_if_nologs", true);
        let may_skip = self.flag(values, "skip_if_nologs", false);
        if may_read && matches && !is_bad && *backend == Backend::Auto {
            WithoutLogs::ReadsJournal
        } else if may_skip {
            WithoutLogs::IsSkipped
        } else {
            WithoutLogs::Fails
        }
    }

    pub(super) fn logpaths(&mut self, values: &Overrides, backend: &Backend) -> Vec<LogPath> {
        let Some(value) = values.get("logpath") else { return Vec::new() };
        if backend.reads_journal() {
            return Vec::new();
        }
        let mut paths = Vec::new();
        for line in value.lines() {
            match logpath(&line) {
                Ok(path) => paths.push(path),
                Err(word) => {
                    let message = format!("'{}' is behind a log's path", text::shown(word));
                    let help = "write one path per line; after a path with blanks write ' head'";
                    let found = Diagnostic::new("bad-logpath", Severity::Error, message);
                    self.fail(found.with_location(line.at.clone()).with_text(word).with_help(help));
                }
            }
        }
        paths
    }
}

fn ignorecache(value: &Traced) -> Result<IgnoreCache, String> {
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
