//! The export format of the journal, as it comes: a `NAME=value` or `NAME`, a length and as many bytes for each field,
//! and an empty line behind each entry (systemd.io/JOURNAL_EXPORT_FORMATS).
//!
//! What comes may be anything: lines that are no field are passed over, as are entries without cursor or time.
//! Memory is bounded by [`FIELD_MAX_BYTES`] and [`ENTRY_MAX_BYTES`].

use memchr::{memchr, memchr2};

use super::entry::{Entry, micros};
use crate::model::Time;
use crate::model::journal::{FIELD_NAME_MAX_BYTES, is_field_name};
use crate::source::LINE_MAX_BYTES;

/// So much of a field is kept; the one byte says that there was more.
pub(super) const FIELD_MAX_BYTES: usize = LINE_MAX_BYTES + 1;

/// So much of all fields of an entry is kept; journald takes some 1 MiB a field and a thousand fields.
const ENTRY_MAX_BYTES: usize = 4 * FIELD_MAX_BYTES;

/// What a field costs beside its bytes, lest a million empty ones be kept.
const FIELD_COST_BYTES: usize = 128;

/// No field is longer (systemd's own bound). What seems to be is no length: something else was written in between.
const LENGTH_MAX_BYTES: u64 = 768 << 20;

/// Bytes in any pieces to entries.
#[derive(Default)]
pub(super) struct Parser {
    state: State,
    /// Of the field that is being read.
    name: Vec<u8>,
    value: Vec<u8>,
    fields: Vec<(String, Vec<u8>)>,
    cursor: Option<String>,
    received: Option<Time>,
    /// What the fields of this entry take.
    used_bytes: usize,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// In a name, or at the beginning of a line.
    #[default]
    Name,
    /// In a value that ends with the line.
    Text,
    /// In the length of a value: so many bytes of it were read.
    Length(u32, u64),
    /// In a value with a length: so many bytes are to come.
    Binary(u64),
    /// Behind such a value, before its line end.
    BinaryEnd,
    /// In a line that is no field.
    Junk,
}

impl Parser {
    /// Reads the next bytes, and adds the entries that end in them to `entries`.
    pub(super) fn push(&mut self, mut bytes: &[u8], entries: &mut Vec<Entry>) {
        while !bytes.is_empty() {
            let used = match self.state {
                State::Name => self.name(bytes, entries),
                State::Text => self.text(bytes),
                State::Length(count, length) => self.length(bytes[0], count, length),
                State::Binary(left) => self.binary(bytes, left),
                State::BinaryEnd => self.binary_end(bytes[0]),
                State::Junk => self.junk(bytes),
            };
            bytes = &bytes[used..];
        }
    }

    fn name(&mut self, bytes: &[u8], entries: &mut Vec<Entry>) -> usize {
        let end = memchr2(b'=', b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        // One more than a name has: too long.
        let room = (FIELD_NAME_MAX_BYTES + 1).saturating_sub(self.name.len());
        self.name.extend(&part[..part.len().min(room)]);
        let Some(end) = end else { return bytes.len() };
        let is_line = bytes[end] == b'\n';
        self.state = match (is_field_name(&self.name), is_line) {
            (true, true) => State::Length(0, 0),
            (true, false) => State::Text,
            (false, true) => {
                if self.name.is_empty() {
                    entries.extend(self.entry());
                }
                State::Name
            }
            (false, false) => State::Junk,
        };
        if matches!(self.state, State::Name | State::Junk) {
            self.name.clear();
        }
        end + 1
    }

    fn text(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes);
        self.keep(&bytes[..end.unwrap_or(bytes.len())]);
        let Some(end) = end else { return bytes.len() };
        self.field();
        end + 1
    }

    fn length(&mut self, byte: u8, count: u32, length: u64) -> usize {
        let length = length | u64::from(byte) << (8 * count);
        self.state = match count {
            0..7 => State::Length(count + 1, length),
            _ if length > LENGTH_MAX_BYTES => {
                self.name.clear();
                State::Junk
            }
            _ if length == 0 => State::BinaryEnd,
            _ => State::Binary(length),
        };
        1
    }

    fn binary(&mut self, bytes: &[u8], left: u64) -> usize {
        let len = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.keep(&bytes[..len]);
        let left = left - len as u64;
        self.state = if left == 0 { State::BinaryEnd } else { State::Binary(left) };
        len
    }

    fn binary_end(&mut self, byte: u8) -> usize {
        if byte == b'\n' {
            self.field();
            return 1;
        }
        self.name.clear();
        self.value.clear();
        self.state = State::Junk;
        0
    }

    fn junk(&mut self, bytes: &[u8]) -> usize {
        let Some(end) = memchr(b'\n', bytes) else { return bytes.len() };
        self.state = State::Name;
        end + 1
    }

    fn keep(&mut self, part: &[u8]) {
        let room = FIELD_MAX_BYTES.saturating_sub(self.value.len());
        self.value.extend(&part[..part.len().min(room)]);
    }

    /// The end of a field.
    fn field(&mut self) {
        self.state = State::Name;
        let name = String::from_utf8_lossy(&std::mem::take(&mut self.name)).into_owned();
        let value = std::mem::take(&mut self.value);
        match name.as_str() {
            "__CURSOR" => self.cursor = String::from_utf8(value).ok(),
            "__REALTIME_TIMESTAMP" => self.received = micros(&value).map(Time::from_micros),
            _ => {
                let cost = value.len() + FIELD_COST_BYTES;
                if let Some(used) =
                    self.used_bytes.checked_add(cost).filter(|used| *used <= ENTRY_MAX_BYTES)
                {
                    self.used_bytes = used;
                    self.fields.push((name, value));
                }
            }
        }
    }

    /// The end of an entry.
    fn entry(&mut self) -> Option<Entry> {
        let fields = std::mem::take(&mut self.fields);
        self.used_bytes = 0;
        let (cursor, received) = (self.cursor.take(), self.received.take());
        Some(Entry::new(cursor?, received?, fields))
    }
}
