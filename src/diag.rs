//! Findings about text that someone wrote: a configuration file, a filter, a regular expression.
//!
//! A diagnostic is not an error: loading gives what is usable *and* all findings at once; the caller
//! decides whether one of them stops it. Rendering is one line, *where: what; what to do*.

use std::fmt;
use std::path::PathBuf;

/// Where a piece of configuration was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 if the finding is about the whole file.
    pub line: u32,
    /// The column in characters, from 1; 0 if unknown.
    pub column: u32,
}

impl Location {
    /// A place in a file, without a column.
    pub fn new(file: impl Into<PathBuf>, line: u32) -> Self {
        Self { file: file.into(), line, column: 0 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", crate::text::printable(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing changes.
    Note,
    /// Probably not what was meant; f2b goes on.
    Warning,
    /// The jail or filter can't be used.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable identifier in kebab-case, for instance `unknown-action`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where, if it is anywhere.
    pub at: Option<Location>,
    /// The jail or filter it concerns, if any.
    pub subject: Option<String>,
    /// What is wrong: lower case, no full stop, outside text already escaped.
    pub message: String,
    /// What to do about it, or the nearest known name.
    pub help: Option<String>,
    /// The offending text as it was written, to be found in the line.
    pub text: Option<String>,
}

impl Diagnostic {
    /// A finding with the given identity and message; refine it with the `with_…` functions.
    pub fn new(id: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { id, severity, at: None, subject: None, message, help: None, text: None }
    }

    /// Whether it may be why a jail is missing: it is an error, or it says that a whole file is passed over, which is a
    /// warning as fail2ban goes on without that file, too.
    pub fn may_hide_jails(&self) -> bool {
        self.severity == Severity::Error || matches!(self.id, "not-utf8" | "unreadable-file")
    }

    /// The same finding, located.
    #[must_use]
    pub fn with_location(mut self, at: Location) -> Self {
        self.at = Some(at);
        self
    }

    /// The same finding, about a jail or filter.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The same finding about this part of its line.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The same finding with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// `jail.conf:12: unknown action 'sendmailwhois'; did you mean 'sendmail-whois'?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The name in `known` nearest to `name`, if one is near enough to be a slip of the pen.
///
/// Near means a Damerau-Levenshtein distance of at most a third of the length (at least 1), blanks
/// and dashes being cheap to forget.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_place_and_advice() {
        let found = Diagnostic::new("unknown-action", Severity::Error, "unknown action 'x'")
            .with_location(Location::new("/etc/jail.conf", 12))
            .with_help("did you mean 'y'?");
        assert_eq!(found.to_string(), "/etc/jail.conf:12: unknown action 'x'; did you mean 'y'?");
    }

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["sendmail", "sendmail-whois", "mail-whois"];
        assert_eq!(nearest("sendmailwhois", known), Some("sendmail-whois"));
        assert_eq!(nearest("nftables", known), None);
    }
}
