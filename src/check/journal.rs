//! What a jail wants of the journal: `FIELD=value` words, quoted as for a shell, and `+` between alternatives.
//!
//! The words are systemd's (sd_journal_add_match(3), systemd.journal-fields(7)); fail2ban gives them on.

use crate::config::Text;
use crate::diag::{Diagnostic, Severity};
use crate::text::shown;

/// What is wrong with a journalmatch; less so if the jail doesn't read the journal.
pub(super) fn findings(line: &Text, is_read: bool) -> Vec<Diagnostic> {
    let bad = |message: String, text: &str, help: &str| {
        Diagnostic::new("bad-journalmatch", Severity::Error, message)
            .with_location(line.at.clone())
            .with_text(text)
            .with_help(help)
    };
    let Some(words) = shlex::split(&line.value) else {
        let message = "a quote of this journalmatch is never closed".to_owned();
        return vec![bad(message, &line.value, "close it, or write a backslash before it")];
    };
    let wrong = words.iter().filter(|word| *word != "+" && !is_match(word));
    let finding = |word: &String| {
        let message = format!("'{}' in journalmatch is no FIELD=value", shown(word));
        let found = bad(message, word, "write for instance _SYSTEMD_UNIT=sshd.service");
        if is_read { found } else { Diagnostic { severity: Severity::Warning, ..found } }
    };
    wrong.map(finding).collect()
}

/// Whether it begins with the name of a field: capitals, digits and `_`, at most 64, no digit first.
fn is_match(word: &str) -> bool {
    let Some((field, _)) = word.split_once('=') else { return false };
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (1..=64).contains(&field.len())
        && field.chars().all(is_part)
        && !field.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Location;

    fn messages(value: &str) -> Vec<String> {
        let text = Text { value: value.to_owned(), at: Location::new("f", 1) };
        findings(&text, true).into_iter().map(|found| found.message).collect()
    }

    #[test]
    fn words_of_the_journal() {
        for good in
            ["_SYSTEMD_UNIT=sshd.service + _COMM=sshd", "_COMM='a b' \"SYSLOG=x\\\"y\"", "A="]
        {
            assert_eq!(messages(good), [""; 0], "{good}");
        }
        assert_eq!(messages("_COMM='a"), ["a quote of this journalmatch is never closed"]);
        for bad in ["_comm=a", "sshd", "=x", "1A=x", "++"] {
            assert_eq!(messages(bad), [format!("'{bad}' in journalmatch is no FIELD=value")]);
        }
    }
}
