//! What a form of dates finds in a line.

use super::stamp::Stamp;

/// The part of a line that is its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where the date starts.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

/// A match before it is known whether it wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    /// The whole match, by which templates compete.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The text of the date.
    pub(super) cut: Cut,
    pub(super) stamp: Stamp,
}
