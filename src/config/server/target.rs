//! Where the server's own log goes: `/var/log/fail2ban.log[padding=off]`, `SYSLOG[facility=auth]`.

use std::fmt;
use std::path::PathBuf;

use super::layout::{Layout, LayoutError};
use crate::config::options::truth;
use crate::config::spec::{Spec, SpecError};
use crate::diag::nearest;
use crate::text;

/// A target and how a line looks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// Where.
    pub to: LogTo,
    /// How.
    pub layout: Layout,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// A file, which may be a pipe or a device.
    File(PathBuf),
    /// The server's standard output.
    Stdout,
    /// Its standard error.
    Stderr,
    /// Standard output that somebody else gives the time, as systemd does.
    Sysout,
    /// The system's log, over its socket.
    Syslog(Facility),
    /// systemd's journal.
    Journal,
}

/// Which part of the system a line of the system's log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

/// Their names by number, as of syslog(3); Linux has none between 12 and 15.
const FACILITIES: [&str; 24] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV",
    "FTP", "", "", "", "", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6",
    "LOCAL7",
];

const OPTIONS: [&str; 4] = ["padding", "datetime", "format", "facility"];

/// A text that names no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing before the options.
    #[error(
        "there is no log target; write a path, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL"
    )]
    Empty,
    /// The brackets.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The value of `format`.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Neither yes nor no.
    #[error("the log target's {option} is '{}'; write on or off", text::shown(value))]
    Truth {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// The value of `facility`.
    #[error("there is no syslog facility '{}'; write DAEMON, AUTH, AUTHPRIV, USER or LOCAL0 to LOCAL7", text::shown(.0))]
    Facility(String),
    /// An option that means nothing.
    #[error("the log target has no option '{}'; {}", text::shown(.0), nearest(.0, OPTIONS).map_or_else(|| "write padding, datetime, format or facility".to_owned(), |near| format!("did you mean '{near}'?")))]
    Unknown(String),
}

impl LogTarget {
    /// Reads a target with its options; the reserved words in any case.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let spec = Spec::parse(text)?;
        let mut target = Self::named(&spec.name)?;
        if let Some((unknown, _)) =
            spec.options.iter().find(|(name, _)| !OPTIONS.contains(&name.as_str()))
        {
            return Err(TargetError::Unknown(unknown.clone()));
        }
        if let (LogTo::Syslog(facility), Some(name)) = (&mut target.to, spec.option("facility")) {
            *facility = Facility::parse(name)?;
        }
        if let Some(format) = spec.option("format") {
            target.layout = Layout::parse(format)?;
        } else if let Some((padding, datetime)) = target.to.columns() {
            let padding = switch(&spec, "padding", padding)?;
            target.layout = Layout::columns(padding, switch(&spec, "datetime", datetime)?);
        }
        Ok(target)
    }

    /// The target of a name, with nothing said about how lines look.
    pub(super) fn named(name: &str) -> Result<Self, TargetError> {
        let name = name.trim();
        let to = match name.to_uppercase().as_str() {
            "" => return Err(TargetError::Empty),
            "STDOUT" => LogTo::Stdout,
            "STDERR" => LogTo::Stderr,
            "SYSOUT" => LogTo::Sysout,
            "SYSLOG" => LogTo::Syslog(Facility::DAEMON),
            "SYSTEMD-JOURNAL" => LogTo::Journal,
            _ => LogTo::File(PathBuf::from(name)),
        };
        let layout = match to.columns() {
            Some((padding, datetime)) => Layout::columns(padding, datetime),
            None => Layout::message(),
        };
        Ok(Self { to, layout })
    }
}

impl LogTo {
    /// Whether columns are filled up, and begin with the time; the journal has fields instead.
    fn columns(&self) -> Option<(bool, bool)> {
        match self {
            Self::File(_) | Self::Stdout | Self::Stderr => Some((true, true)),
            Self::Sysout => Some((true, false)),
            Self::Syslog(_) => Some((false, false)),
            Self::Journal => None,
        }
    }
}

impl fmt::Display for LogTo {
    /// As fail2ban names it: without options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&text::printable(&path.to_string_lossy())),
            Self::Stdout => f.write_str("STDOUT"),
            Self::Stderr => f.write_str("STDERR"),
            Self::Sysout => f.write_str("SYSOUT"),
            Self::Syslog(_) => f.write_str("SYSLOG"),
            Self::Journal => f.write_str("SYSTEMD-JOURNAL"),
        }
    }
}

impl Facility {
    /// Servers, which is what holds if nothing else is said.
    pub const DAEMON: Self = Self(3);

    fn parse(name: &str) -> Result<Self, TargetError> {
        let upper = name.to_uppercase();
        let found = (0u8..).zip(FACILITIES).find(|(_, known)| !known.is_empty() && *known == upper);
        found.map(|(number, _)| Self(number)).ok_or_else(|| TargetError::Facility(name.to_owned()))
    }

    /// The number as of syslog(3).
    pub const fn number(self) -> u8 {
        self.0
    }
}

fn switch(spec: &Spec, option: &'static str, otherwise: bool) -> Result<bool, TargetError> {
    let Some(value) = spec.option(option) else { return Ok(otherwise) };
    truth(value).ok_or_else(|| TargetError::Truth { option, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_parse_knows_the_reserved_words_in_any_case() {
        for (text, to, layout) in [
            ("stdout", LogTo::Stdout, Layout::columns(true, true)),
            ("STDERR", LogTo::Stderr, Layout::columns(true, true)),
            ("SysOut", LogTo::Sysout, Layout::columns(true, false)),
            ("SYSLOG", LogTo::Syslog(Facility(3)), Layout::columns(false, false)),
            ("SYSLOG[facility=auth]", LogTo::Syslog(Facility(4)), Layout::columns(false, false)),
            (
                "syslog[facility=local7, padding=on]",
                LogTo::Syslog(Facility(23)),
                Layout::columns(true, false),
            ),
            ("systemd-journal", LogTo::Journal, Layout::message()),
            ("/a/b.log", LogTo::File("/a/b.log".into()), Layout::columns(true, true)),
            (
                "/a [datetime=off][padding=no]",
                LogTo::File("/a".into()),
                Layout::columns(false, false),
            ),
            ("/a[format=json]", LogTo::File("/a".into()), Layout::Json),
            ("/a[format=\"%(message)s\"]", LogTo::File("/a".into()), Layout::message()),
        ] {
            assert_eq!(LogTarget::parse(text), Ok(LogTarget { to, layout }), "{text}");
        }
    }

    #[test]
    fn err_parse_says_what_to_write() {
        for (text, expected) in [
            (
                " ",
                "there is no log target; write a path, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL",
            ),
            ("/a[padding=maybe]", "the log target's padding is 'maybe'; write on or off"),
            ("/a[pading=off]", "the log target has no option 'pading'; did you mean 'padding'?"),
            (
                "SYSLOG[facility=foo]",
                "there is no syslog facility 'foo'; write DAEMON, AUTH, AUTHPRIV, USER or LOCAL0 to LOCAL7",
            ),
            (
                "SYSLOG[facility=]",
                "there is no syslog facility ''; write DAEMON, AUTH, AUTHPRIV, USER or LOCAL0 to LOCAL7",
            ),
            ("/a[format=\"%(nme)s\"]", "the log's format has no 'nme'; did you mean 'name'?"),
            ("/a[x", "'/a[x' isn't of the form name[option=value, ...]"),
        ] {
            assert_eq!(LogTarget::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_target_is_shown_without_its_options() {
        let shown = |text| LogTarget::parse(text).unwrap().to.to_string();
        assert_eq!(shown("/a[padding=off]"), "/a");
        assert_eq!(shown("syslog[facility=auth]"), "SYSLOG");
    }
}
