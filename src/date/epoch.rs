//! Dates that are numbers: seconds since 1970 and TAI64N labels.
//!
//! Ten digits are common in logs, so they are taken for a date only in a few places. The
//! look-behinds that say so in the regular expression are code here.

use super::dated::{Cut, Dated};
use super::stamp::{Stamp, StampKind, epoch_micros, tai_micros};

/// Seconds since 1970, in the places in which ten digits are taken for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    pub(super) anchored: bool,
    pub(super) long: bool,
}

impl Epoch {
    /// The expression this is written after.
    pub(super) fn regex(self) -> String {
        let begin = if self.anchored { r"^(?:\W{0,2})?" } else { r"(?:^|(?<=^\[)|(?<=\baudit\())" };
        let digits = if self.long {
            r"[0-9]{10,11}(?:[0-9]{3}(?:\.[0-9]{1,6}|[0-9]{3})?)?"
        } else {
            r"[0-9]{10,11}\b(?:\.[0-9]{3,6})?"
        };
        format!(r"{begin}({digits})(?:\b{{start-half}}|\b{{end-half}})")
    }

    /// The first match at or after `from`.
    pub(super) fn find(self, line: &[u8], from: usize) -> Option<Dated> {
        let start = if self.anchored { 0 } else { from };
        let hit = |at: usize| {
            let end = self.end(line, at)?;
            let stamp = epoch_micros(&line[at..end], self.long)
                .map_or(Stamp::IMPOSSIBLE, |micros| Stamp(StampKind::Epoch(micros)));
            let whole = if self.anchored { 0 } else { at };
            Some(Dated { start: whole, end, cut: Cut { start: at, end }, stamp })
        };
        if self.anchored {
            return (from == 0).then(|| hit(skip_nonword(line)))?;
        }
        let begin = usize::from(line.first() == Some(&b'['));
        if start <= begin
            && let Some(hit) = hit(begin)
        {
            return Some(hit);
        }
        memchr::memmem::find_iter(line, b"audit(")
            .filter(|at| at + 6 >= from && !ends_word(&line[..*at]))
            .find_map(|at| hit(at + 6))
    }

    /// Where the number at `at` ends, if it is one of these.
    fn end(self, line: &[u8], at: usize) -> Option<usize> {
        let digits = |at: usize| line[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let count = digits(at);
        let whole = at + count;
        let fraction = |least: usize, most: usize| {
            let fraction = if line.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
            let end = whole + 1 + fraction;
            ((least..=most).contains(&fraction) && !starts_word(&line[end..])).then_some(end)
        };
        if starts_word(&line[whole..]) {
            return None;
        }
        if !self.long {
            return matches!(count, 10 | 11).then(|| fraction(3, 6).unwrap_or(whole));
        }
        match count {
            13 | 14 => Some(fraction(1, 6).unwrap_or(whole)),
            10 | 11 | 16 | 17 => Some(whole),
            _ => None,
        }
    }
}

/// Whether a text starts inside a word, its first character being one of words.
fn starts_word(text: &[u8]) -> bool {
    match text.first() {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric() || *b == b'_',
        Some(_) => first_char(text).is_some_and(is_word),
    }
}

fn ends_word(text: &[u8]) -> bool {
    match text.last() {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric() || *b == b'_',
        Some(_) => {
            let tail = &text[text.len().saturating_sub(4)..];
            (0..tail.len())
                .find_map(|at| std::str::from_utf8(&tail[at..]).ok())
                .and_then(|text| text.chars().next_back())
                .is_some_and(is_word)
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_char(text: &[u8]) -> Option<char> {
    text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

/// The length of the at most two characters before a date at the beginning of a line.
fn skip_nonword(line: &[u8]) -> usize {
    let mut at = 0;
    for _ in 0..2 {
        match line.get(at) {
            Some(b) if b.is_ascii() && !(b.is_ascii_alphanumeric() || *b == b'_') => at += 1,
            Some(b) if !b.is_ascii() => match first_char(&line[at..]) {
                Some(c) if !is_word(c) => at += c.len_utf8(),
                _ => break,
            },
            _ => break,
        }
    }
    at
}

/// The hit of a TAI64N label at `at`.
pub(super) fn tai_hit(start: usize, at: usize, label: &[u8]) -> Dated {
    let end = at + label.len();
    Dated { start, end, cut: Cut { start: at, end }, stamp: tai_stamp(label) }
}

/// The label at the very beginning of a line.
pub(super) fn read_tai(line: &[u8]) -> Option<Dated> {
    let label = line.get(..25)?;
    let is_label = label[0] == b'@'
        && label[1..].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && !starts_word(&line[25..]);
    is_label.then(|| tai_hit(0, 0, label))
}

/// The instant of a label, for reader and engine alike.
fn tai_stamp(label: &[u8]) -> Stamp {
    tai_micros(label).map_or(Stamp::IMPOSSIBLE, |micros| Stamp(StampKind::Exact(micros)))
}
