//! An entry of the journal, and the line that filters see of it.

use super::Position;
use crate::model::Time;

/// What filters see of an entry; other fields are read only if a match names them.
pub(super) const SHOWN_FIELDS: [&str; 8] = [
    "MESSAGE",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "_COMM",
    "_HOSTNAME",
    "_PID",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
];

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, in journald's words.
    pub cursor: String,
    /// When it was written, as filters see it: by the clock of who wrote it (`_SOURCE_REALTIME_TIMESTAMP`), else as it
    /// was received.
    pub time: Time,
    /// When journald received it.
    pub received: Time,
    /// Its fields in the order of the journal; a name may occur several times.
    fields: Vec<(String, Vec<u8>)>,
}

impl Entry {
    pub(super) fn new(cursor: String, received: Time, fields: Vec<(String, Vec<u8>)>) -> Self {
        let mut entry = Self { cursor, time: received, received, fields };
        let written = entry.first("_SOURCE_REALTIME_TIMESTAMP").and_then(micros);
        entry.time = written.map_or(received, Time::from_micros);
        entry
    }

    /// The values of a field.
    pub fn values<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e [u8]> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| &**value)
    }

    /// Where reading goes on behind it.
    pub fn position(&self) -> Position {
        Position { cursor: self.cursor.clone(), received: self.received }
    }

    /// The text that filters see, without a date: `HOST IDENT[PID]: MESSAGE`, and what there isn't left out. A line
    /// end in it becomes the two characters `\n`; bytes that are no UTF-8 are as they are.
    ///
    /// Compared with fail2ban 1.0.2 on the same journal in the tests. DIFFERS: it stops at entries that have several
    /// hosts or identifiers, and writes several pids as a list of Python; the first of them is taken.
    pub fn line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        let ident = self.filled("SYSLOG_IDENTIFIER").or_else(|| self.filled("_COMM"));
        let pid = ["SYSLOG_PID", "_PID"].iter().find_map(|name| {
            // Nobody's pid.
            self.filled(name).filter(|pid| *pid != b"0")
        });
        if let Some(host) = self.filled("_HOSTNAME") {
            line.extend([host, b" "].concat());
        }
        if let Some(ident) = ident {
            line.extend(ident);
            if let Some(pid) = pid {
                line.extend([b"[", pid, b"]"].concat());
            }
            line.extend(b": ");
            if ident == b"kernel" && pid.is_none() {
                line.extend(self.uptime());
            }
        }
        line.extend(self.values("MESSAGE").collect::<Vec<_>>().join(&b' '));
        without_line_ends(line)
    }

    /// `[    4.000005] `, as the kernel's own log has it.
    fn uptime(&self) -> Vec<u8> {
        let first = ["_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP"];
        let Some(micros) = first.iter().find_map(|name| self.first(name).and_then(micros)) else {
            return Vec::new();
        };
        format!("[{:>5}.{:06}] ", micros / 1_000_000, micros % 1_000_000).into_bytes()
    }

    fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    fn filled(&self, name: &str) -> Option<&[u8]> {
        self.first(name).filter(|value| !value.is_empty())
    }
}

/// A number of microseconds since 1970 or since the machine's start.
pub(super) fn micros(value: &[u8]) -> Option<i64> {
    let micros = std::str::from_utf8(value).ok()?.parse().ok()?;
    (0..=Time::LAST.micros()).contains(&micros).then_some(micros)
}

fn without_line_ends(line: Vec<u8>) -> Vec<u8> {
    if memchr::memchr(b'\n', &line).is_none() {
        return line;
    }
    line.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\\n"[..])
}
