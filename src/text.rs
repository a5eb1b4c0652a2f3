//! Showing bytes that a stranger wrote: on a terminal, in a message, in a table cell.
//!
//! A log line may hold escape sequences that move the cursor or rename the window. Everything that
//! came from a log or a configuration passes through here before a person sees it.

pub mod text_or_bytes;

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

/// The same for what may not be text: bytes that are none as `\\xff`.
pub fn printable_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&printable(chunk.valid()));
        // A string takes any text without an error.
        let _ = write!(out, "{}", chunk.invalid().escape_ascii());
    }
    out
}

/// The same for a text of several lines, whose ends stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    Cow::Owned(lines.join("\n"))
}

/// A JSON document whose strings show what would be hidden, or hide others, as `\u202e`: the same document to
/// whoever parses it.
pub fn json_shown(document: &str) -> Cow<'_, str> {
    // Only strings have other characters than ASCII's, and their controls are escaped by whoever wrote them.
    let is_hidden = |c: char| c >= '\x7f' && is_hostile(c);
    if document.bytes().all(|byte| byte < 0x7f) || !document.chars().any(is_hidden) {
        return Cow::Borrowed(document);
    }
    let mut out = String::with_capacity(document.len() + 16);
    for c in document.chars() {
        if is_hidden(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
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
            // Python shows no blank but this one as it is.
            c if c.is_whitespace() && c != ' ' && u32::from(c) < 0x100 => {
                out.extend(format!("\\x{:02x}", u32::from(c)).chars());
            }
            c if is_hostile(c) || (c.is_whitespace() && c != ' ') => {
                out.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Control characters, what reorders the text that is read, and what can't be seen: marks, joiners and spaces without
/// a width, line ends of Unicode. None is beyond U+FFFF.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\tc"), "a\\x1b[31mb\tc");
        assert_eq!(printable("\u{202e}x"), "\\x202ex");
        assert_eq!(printable_bytes(b"\xc3\xa9\xff\n\xc3"), "é\\xff\\x0a\\xc3");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
        assert_eq!(shown("short"), "short");
    }
}
