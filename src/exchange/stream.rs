//! A list as a stream: neither it nor any piece of it is ever held without a bound.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use super::{LIST_MAX_BYTES, ListError};

/// About how long a piece, a line or an element, may be: a host with all that is said of it takes 200 bytes.
pub(super) const PIECE_MAX_BYTES: u64 = 65_536;

/// How far a list was read, and why it ended early: a parser that reads it only tells of an error of reading.
#[derive(Default)]
pub(super) struct Bounds {
    bytes: Cell<u64>,
    /// Those since the last piece was whole, to a buffer's length.
    piece_bytes: Cell<u64>,
    pieces: Cell<u64>,
    trouble: Cell<Option<ListError>>,
}

impl Bounds {
    /// A line or an element was read to its end.
    pub(super) fn piece(&self) {
        self.piece_bytes.set(0);
        self.pieces.set(self.pieces.get() + 1);
    }

    /// Which bound was met or what failed, in place of what a parser made of it; else its own error.
    pub(super) fn trouble_or(&self, error: impl Into<ListError>) -> ListError {
        self.trouble.take().unwrap_or_else(|| error.into())
    }

    fn count(&self, bytes: usize) -> Result<(), ListError> {
        for count in [&self.bytes, &self.piece_bytes] {
            count.set(count.get() + bytes as u64);
        }
        if self.piece_bytes.get() > PIECE_MAX_BYTES {
            return Err(ListError::LongPiece { line: self.pieces.get() + 1 });
        }
        if self.bytes.get() > LIST_MAX_BYTES { Err(ListError::TooLong) } else { Ok(()) }
    }
}

/// Bytes that end with an error where a list can't be one any more.
pub(super) struct Bounded<'b, R> {
    from: R,
    bounds: &'b Bounds,
}

impl<'b, R: Read> Bounded<'b, R> {
    pub(super) fn new(from: R, bounds: &'b Bounds) -> Self {
        Self { from, bounds }
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into);
        // Whoever reads tries once more after this one.
        if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            return read;
        }
        let counted = read.map_err(ListError::Reading).and_then(|len| {
            self.bounds.count(len)?;
            Ok(len)
        });
        counted.map_err(|trouble| {
            self.bounds.trouble.set(Some(trouble));
            io::ErrorKind::InvalidData.into()
        })
    }
}

/// The lines of a list with their numbers.
pub(super) struct Lines<'b, R> {
    from: BufReader<Bounded<'b, R>>,
    bounds: &'b Bounds,
    buffer: Vec<u8>,
}

impl<'b, R: Read> Lines<'b, R> {
    pub(super) fn new(from: Bounded<'b, R>, bounds: &'b Bounds) -> Self {
        Self { from: BufReader::new(from), bounds, buffer: Vec::new() }
    }

    /// The next line with its number, from 1, without what ends it.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, ListError> {
        self.buffer.clear();
        let read = self.from.read_until(b'\n', &mut self.buffer);
        if read.map_err(|error| self.bounds.trouble_or(ListError::Reading(error)))? == 0 {
            return Ok(None);
        }
        self.bounds.piece();
        let line = self.bounds.pieces.get();
        let text = str::from_utf8(&self.buffer).map_err(|_| ListError::NotText { line })?;
        Ok(Some((line, text.trim_end_matches(['\n', '\r']))))
    }
}
