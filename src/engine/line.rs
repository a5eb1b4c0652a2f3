//! A line as it is looked at.

use crate::source::LINE_MAX_BYTES;

/// A line that is neither blank nor a comment.
#[derive(Clone, Copy)]
pub(super) struct Line<'l> {
    /// Its bytes without the line end and the carriage returns before it.
    pub(super) text: &'l [u8],
    /// With its line end, if it has one.
    pub(super) raw: &'l [u8],
    /// Where it begins in its log.
    pub(super) offset: u64,
    /// Whether it has a text that one of the jails asks for.
    pub(super) is_candidate: bool,
    /// Whether it goes on behind what is looked at.
    pub(super) is_cut: bool,
}

/// A line without the carriage returns at its end.
fn without_cr(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}

/// What is looked at of a line, and whether that is not all of it.
pub(super) fn looked_at(line: &[u8]) -> (&[u8], bool) {
    if is_cut(line) { (beginning(line), true) } else { (without_cr(line), false) }
}

/// Whether a line is longer than what is looked at.
pub(super) fn is_cut(line: &[u8]) -> bool {
    line.len() > LINE_MAX_BYTES
}

/// What is looked at of a line that is longer, with its last character whole.
#[cold]
fn beginning(line: &[u8]) -> &[u8] {
    up_to(line, LINE_MAX_BYTES)
}

/// At most `len` bytes of a text, without half a character.
pub(super) fn up_to(text: &[u8], len: usize) -> &[u8] {
    const CHARACTER_MAX_BYTES: usize = 4;
    if text.len() <= len {
        return text;
    }
    let goes_on = |end: usize| text[end] & 0xc0 == 0x80;
    let whole =
        (len.saturating_sub(CHARACTER_MAX_BYTES - 1)..=len).rev().find(|end| !goes_on(*end));
    &text[..whole.unwrap_or(len)]
}

/// Whether a stored text may be what was looked at of a longer line.
pub(super) fn may_be_cut(text: &[u8]) -> bool {
    text.len() + 4 > LINE_MAX_BYTES
}

/// DIFFERS: a line is not looked at as a whole, whatever its length.
///
/// Ends the beginning of a line so that nothing takes its end for the line's: without the last word, which may be
/// half an address, and with a byte behind it that is neither a blank nor the end.
pub(super) fn leave_open(text: &mut Vec<u8>) {
    let word = text.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    text.truncate(word);
    text.push(0);
}
