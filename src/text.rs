//! Showing bytes that a stranger wrote: on a terminal, in a message, in a table cell.
//!
//! A log line may hold escape sequences that move the cursor or rename the window. Everything that
//! came from a log or a configuration passes through here before a person sees it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Texts longer than this many characters are cut in messages.
const SHOWN_MAX_CHARS: usize = 80;

/// `text` with control characters escaped and, past 80 characters, shortened: for messages.
pub fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", printable(&text[..end]))),
        None => printable(text),
    }
}

/// What a regular expression engine says is wrong: it draws the pattern and points into it, and the verdict is on
/// the last line.
pub fn verdict(error: &impl ToString) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    printable(line.strip_prefix("error: ").unwrap_or(line)).into_owned()
}

/// `text` with control characters (but not tabs) escaped as `\x1b`: for a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A text as Python writes it.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => out.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Control characters, and the bidirectional overrides that reorder what is read.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\tc"), "a\\x1b[31mb\tc");
        assert_eq!(printable("\u{202e}x"), "\\x202ex");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
        assert_eq!(shown("short"), "short");
    }
}
