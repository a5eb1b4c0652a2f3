//! What arrives, cut into requests.

use memchr::{memchr, memmem};

use super::opcode::{instruction, is_in_lines, op};
use super::{Malformed, PROTOCOL_MAX, PROTOCOL_MIN, REQUEST_MAX, decode};
use crate::compat::Value;

/// Ends each request and each reply.
pub const MARKER: &[u8] = b"<F2B_END_COMMAND>";

/// A request that is no pickle: the client goes.
pub const CLOSE: &[u8] = b"<F2B_CLOSE_COMMAND>";

/// What came before a marker.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A pickle, or what was meant to be one.
    Request {
        /// What it says.
        value: Result<Value, Malformed>,
        /// In what protocol its reply can be read, within [`PROTOCOL_MIN`] and [`PROTOCOL_MAX`].
        protocol: u8,
    },
    /// [`CLOSE`]: it gets no reply.
    Close,
}

/// More than [`REQUEST_MAX`] bytes came without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request is longer than {REQUEST_MAX} bytes")]
pub struct TooLong;

/// The bytes of a connection, in pieces of any size, as frames.
///
/// DIFFERS: a frame ends with its pickle's last instruction and the marker that follows. fail2ban's server cuts at each
/// marker, so that a log line that is passed on and contains one is obeyed from there on. Only what is no pickle ends at
/// the first marker, as there.
#[derive(Debug, Default)]
pub struct Frames {
    held: Vec<u8>,
    state: State,
    /// The highest that was announced on the connection: a reader of it reads those before, too.
    protocol: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The instruction that begins at `at` is to be followed; `seen` bytes did not complete it.
    Within { at: usize, seen: usize },
    /// The pickle ended at `end`; its marker is not within the `seen` first bytes.
    Behind { end: usize, seen: usize },
    /// There is no pickle; the marker is not within the `seen` first bytes.
    Lost { seen: usize },
}

impl Default for State {
    fn default() -> Self {
        Self::Within { at: 0, seen: 0 }
    }
}

impl Frames {
    /// Takes in what has arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Whether nothing of a frame has come yet.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The next frame; `None` if it is not complete.
    ///
    /// # Errors
    ///
    /// It is too long. What comes after it can't be told apart from it.
    pub fn frame(&mut self) -> Result<Option<Frame>, TooLong> {
        self.walk();
        let (end, seen) = match self.state {
            State::Within { .. } => (None, None),
            State::Behind { end, seen } => (Some(end), Some(seen)),
            State::Lost { seen } => (None, Some(seen)),
        };
        if let Some(seen) = seen {
            if let Some(marker) = self.marker(seen) {
                return Ok(Some(self.cut(end.unwrap_or(marker), marker)));
            }
            // The beginning of a marker may have come.
            let seen = self.held.len().saturating_sub(MARKER.len() - 1).max(seen);
            self.state = end.map_or(State::Lost { seen }, |end| State::Behind { end, seen });
        }
        if self.held.len() > REQUEST_MAX { Err(TooLong) } else { Ok(None) }
    }

    /// The frame that the first marker ends, whatever its pickle says is still to come: for when nothing comes any more.
    /// `None` if there is no marker.
    pub fn give_up(&mut self) -> Option<Frame> {
        let marker = self.marker(0)?;
        Some(self.cut(marker, marker))
    }

    /// Follows the pickle as far as it has come.
    fn walk(&mut self) {
        let State::Within { mut at, seen } = self.state else { return };
        let new = self.held.get(seen..).unwrap_or_default();
        // A long line in small pieces is not searched from its beginning each time.
        if seen > at
            && self.held.get(at).is_some_and(|code| is_in_lines(*code))
            && memchr(b'\n', new).is_none()
        {
            self.state = State::Within { at, seen: self.held.len() };
            return;
        }
        loop {
            match instruction(&self.held, at) {
                Ok(Some(next)) => {
                    if let (op::PROTO, [protocol]) = (next.code, next.argument) {
                        self.protocol = self.protocol.max(*protocol);
                    }
                    if next.code == op::STOP {
                        self.state = State::Behind { end: next.end, seen: next.end };
                        return;
                    }
                    at = next.end;
                }
                Ok(None) => {
                    self.state = State::Within { at, seen: self.held.len() };
                    return;
                }
                Err(_) => {
                    self.state = State::Lost { seen: 0 };
                    return;
                }
            }
        }
    }

    fn marker(&self, from: usize) -> Option<usize> {
        Some(from + memmem::find(self.held.get(from..)?, MARKER)?)
    }

    /// The frame that ends at `end`, before the marker at `marker`; what follows is the next one's.
    fn cut(&mut self, end: usize, marker: usize) -> Frame {
        let rest = self.held.split_off((marker + MARKER.len()).min(self.held.len()));
        let mut frame = std::mem::replace(&mut self.held, rest);
        self.state = State::default();
        frame.truncate(end);
        if frame == CLOSE {
            return Frame::Close;
        }
        let protocol = self.protocol.clamp(PROTOCOL_MIN, PROTOCOL_MAX);
        Frame::Request { value: decode(&frame), protocol }
    }
}
