//! A line as it is looked at.

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
}

/// A line without the carriage returns at its end.
pub(super) fn without_cr(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}
