//! Texts that a user gave, and what fail2ban 1.0.2 says of those that it can't read.

use crate::config::JailDef;
use crate::diag::{Diagnostic, Severity};
use crate::engine::tuning::{Refusal, RefusalKind};
use crate::filter::expanded;
use crate::model::duration::parse_micros;

/// A text as Python's `repr` has it, if it holds nothing out of the ordinary.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

pub(super) fn value(text: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Value, text)
}

/// Whether a text is one that fail2ban takes for yes; everything else is no.
pub(super) fn truth(text: &str) -> bool {
    matches!(&*text.to_lowercase(), "1" | "on" | "true" | "yes")
}

/// A whole number as Python reads it, from 0.
///
/// # Errors
/// It is none.
pub fn number(text: &str) -> Result<u32, Refusal> {
    let text = text.trim();
    let is_number = text.parse::<i64>().is_ok();
    text.parse().map_err(|_| {
        value(if is_number {
            format!("{text} is no number from 0")
        } else {
            format!("invalid literal for int() with base 10: {}", quoted(text))
        })
    })
}

/// A duration in microseconds.
///
/// # Errors
/// It is none.
pub fn duration(text: &str) -> Result<i64, Refusal> {
    parse_micros(text).map_err(|_| {
        let syntax = |what: &str| Refusal::new(RefusalKind::Syntax, what);
        let text = text.trim();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        match text.chars().next() {
            None => syntax("invalid syntax (<string>, line 0)"),
            Some(first) if first.is_alphabetic() || first == '_' => {
                let word: String = text.chars().take_while(|c| is_word(*c)).collect();
                Refusal::new(RefusalKind::Name, format!("name '{word}' is not defined"))
            }
            Some(_) if text.chars().all(is_word) => {
                syntax("invalid decimal literal (<string>, line 1)")
            }
            Some(_) => syntax("invalid syntax (<string>, line 1)"),
        }
    })
}

/// The refusal of a jail that doesn't compile.
pub(super) fn refused(def: &JailDef, findings: &[Diagnostic]) -> Refusal {
    let mut errors = findings.iter().filter(|found| found.severity == Severity::Error);
    let Some(found) = errors.next_back() else { return value("it can't be used") };
    let text = found.text.as_deref().unwrap_or_default();
    match found.id {
        "no-host" => {
            Refusal::new(RefusalKind::Regex, format!("No failure-id group in {}", quoted(text)))
        }
        "invalid-regex" => {
            let reason = found.message.rsplit_once("': ").map_or("", |(_, reason)| reason);
            let regex = expanded(text, def.usedns);
            Refusal::new(
                RefusalKind::Regex,
                format!("Unable to compile regular expression '{regex}':\n{reason}"),
            )
        }
        "invalid-datepattern" => date(&def.filter.datepattern_text(), &found.message),
        _ => value(found.to_string()),
    }
}

/// The refusal of a date pattern.
fn date(pattern: &str, reason: &str) -> Refusal {
    let odd = pattern.chars().rev().take_while(|c| *c == '%').count() % 2 == 1;
    let reason = if odd { "incomplete format" } else { reason };
    let (pattern, kind) =
        (quoted(pattern), if odd { RefusalKind::Type } else { RefusalKind::Value });
    Refusal::new(
        kind,
        format!(
            "Failed to set datepattern {pattern} (may be an invalid format or unescaped percent char): {reason}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_duration_is_refused_in_fail2bans_words() {
        for (text, kind, wanted) in [
            ("abc", RefusalKind::Name, "name 'abc' is not defined"),
            ("", RefusalKind::Syntax, "invalid syntax (<string>, line 0)"),
            ("5x", RefusalKind::Syntax, "invalid decimal literal (<string>, line 1)"),
            ("1+", RefusalKind::Syntax, "invalid syntax (<string>, line 1)"),
            ("10m x", RefusalKind::Syntax, "invalid syntax (<string>, line 1)"),
        ] {
            assert_eq!(duration(text), Err(Refusal::new(kind, wanted)), "{text}");
        }
        assert_eq!(duration("5 5"), Ok(10_000_000));
    }

    #[test]
    fn what_is_no_number_is_refused_in_fail2bans_words() {
        let refusal = |text| number(text).unwrap_err().text;
        assert_eq!(refusal("x"), "invalid literal for int() with base 10: 'x'");
        assert_eq!(refusal("1.5"), "invalid literal for int() with base 10: '1.5'");
        assert_eq!(number(" 7 "), Ok(7));
    }

    #[test]
    fn a_text_is_quoted_as_python_quotes_it() {
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("'\"\\\n"), "'\\'\"\\\\\\n'");
    }
}
