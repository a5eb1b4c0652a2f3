//! What is wanted of the journal: `FIELD=value` words, quoted as for a shell, and `+` between alternatives.
//!
//! The words are systemd's (sd_journal_add_match(3), systemd.journal-fields(7)); fail2ban gives them on.

use super::traced::Text;
use crate::diag::{Diagnostic, Severity};
use crate::model::JournalTerm;
use crate::text::shown;

/// A line of a `journalmatch`: entries that agree with one of its groups are read. Several lines are
/// alternatives, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalMatch {
    /// As it is written.
    pub text: Text,
    /// At least one group, each of at least one term. An entry agrees with a group if it has, for each field
    /// that the group names, one of the values that the group has for it.
    pub groups: Vec<Vec<JournalTerm>>,
}

/// The id of what [`JournalMatch::read`] finds.
pub(super) const BAD: &str = "bad-journalmatch";

impl JournalMatch {
    /// Of words that are given while the program runs, as of a `journalmatch`.
    ///
    /// # Errors
    /// What can't be read of them.
    pub fn of_words(words: &[String]) -> Result<Self, Vec<Diagnostic>> {
        // A NUL, which no shell can quote, is in no field.
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self::read(Text::at_run_time(&shlex::try_join(words).unwrap_or_default()))
    }

    /// Its groups, each by itself.
    pub fn split(self) -> impl Iterator<Item = Self> {
        let Self { text, groups } = self;
        groups.into_iter().map(move |group| Self { text: text.clone(), groups: vec![group] })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Warnings about what can't be read; to a jail that reads the journal they are errors.
    pub(super) fn read(text: Text) -> Result<Self, Vec<Diagnostic>> {
        let bad = |message: String, part: &str, help: &str| {
            Diagnostic::new(BAD, Severity::Warning, message)
                .with_location(text.at.clone())
                .with_text(part)
                .with_help(help)
        };
        let Some(words) = shlex::split(&text.value) else {
            let message = "a quote of this journalmatch is never closed".to_owned();
            return Err(vec![bad(
                message,
                &text.value,
                "close it, or write a backslash before it",
            )]);
        };
        let example = "write for instance _SYSTEMD_UNIT=sshd.service";
        let mut groups = vec![Vec::new()];
        let mut findings = Vec::new();
        for word in &words {
            match (word.as_str(), groups.last_mut(), JournalTerm::parse(word)) {
                ("+", ..) => groups.push(Vec::new()),
                (_, Some(group), Some(term)) => group.push(term),
                _ => {
                    let message = format!("'{}' in journalmatch is no FIELD=value", shown(word));
                    findings.push(bad(message, word, example));
                }
            }
        }
        groups.retain(|group| !group.is_empty());
        if groups.is_empty() && findings.is_empty() {
            let message = "this journalmatch has no FIELD=value".to_owned();
            findings.push(bad(message, &text.value, example));
        }
        if findings.is_empty() { Ok(Self { text, groups }) } else { Err(findings) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Location;

    fn read(value: &str) -> Result<String, Vec<String>> {
        let text = Text { value: value.to_owned(), at: Location::new("f", 1) };
        let read = JournalMatch::read(text).map(|read| {
            let groups = read.groups.iter();
            let groups = groups.map(|group| {
                group.iter().map(JournalTerm::to_string).collect::<Vec<_>>().join(" & ")
            });
            groups.collect::<Vec<_>>().join(" | ")
        });
        read.map_err(|found| found.into_iter().map(|found| found.message).collect())
    }

    #[test]
    fn words_are_groups_of_terms() {
        for (text, wanted) in [
            ("_SYSTEMD_UNIT=sshd.service + _COMM=sshd", "_SYSTEMD_UNIT=sshd.service | _COMM=sshd"),
            ("_A=1 _B=2 + _A=3", "_A=1 & _B=2 | _A=3"),
            ("_COMM='a b' \"SYSLOG=x\\\"y\"", "_COMM=a b & SYSLOG=x\"y"),
            ("A=", "A="),
            ("A=b=c", "A=b=c"),
            ("+ _A=1 + + _B=2 +", "_A=1 | _B=2"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn err_other_words() {
        let quote = "a quote of this journalmatch is never closed".to_owned();
        assert_eq!(read("_COMM='a"), Err(vec![quote]));
        assert_eq!(read("+"), Err(vec!["this journalmatch has no FIELD=value".to_owned()]));
        for bad in ["_comm=a", "sshd", "=x", "1A=x", "++", "__CURSOR=x"] {
            let message = format!("'{bad}' in journalmatch is no FIELD=value");
            assert_eq!(read(&format!("_A=1 {bad}")), Err(vec![message]), "{bad}");
        }
    }
}
