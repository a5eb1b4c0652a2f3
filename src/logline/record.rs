//! A line of the log before it is one.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::thread::{self, Thread};

use crate::config::Level;
use crate::model::Time;
use crate::text;

/// Longer messages are cut: so that they fit into a datagram, and the queue holds many.
const MESSAGE_MAX_BYTES: usize = 16 * 1024;

/// Something to be told.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it happened.
    pub time: Time,
    /// Which part of the server tells it, as fail2ban names its own: `actions`, `filter`, `jail`, `server`.
    pub logger: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What is told: one line, in which control characters are escaped.
    pub message: String,
    /// The same for programs, where it is an event of a jail.
    pub facts: Option<Facts>,
    /// Who tells it.
    pub thread: Thread,
    /// The same, as the kernel counts.
    pub thread_number: i32,
}

/// What happened to whom.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// `ban`, `unban`, `found` …
    pub event: &'static str,
    /// The jail.
    pub jail: String,
    /// The address or other identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Record {
    /// A record of the calling thread; `message` may be anything.
    pub fn new(time: Time, logger: &'static str, level: Level, message: &str) -> Self {
        Self {
            time,
            logger,
            level,
            message: one_line(message),
            facts: None,
            thread: thread::current(),
            thread_number: rustix::thread::gettid().as_raw_nonzero().get(),
        }
    }

    /// What it takes of the queue.
    pub fn len_bytes(&self) -> usize {
        let facts = self.facts.as_ref();
        let host = facts.and_then(|facts| facts.host.as_ref()).map_or(0, String::len);
        size_of::<Self>() + self.message.len() + host + facts.map_or(0, |facts| facts.jail.len())
    }
}

/// `message` with nothing in it that `recidive` and its like take for a ban: to them `] Ban 192.0.2.1` is one,
/// wherever it stands, and a message may quote what a stranger wrote.
pub fn without_bans(message: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in message.match_indices("Ban") {
        let before = &message[from..at];
        let blank = before.chars().next_back().filter(|c| c.is_whitespace());
        if let Some(blank) = blank.filter(|_| before.trim_end().ends_with(']')) {
            out.push_str(&before[..before.len() - blank.len_utf8()]);
            // A string takes any format without an error.
            let _ = write!(out, "\\x{:02x}", u32::from(blank));
            from = at;
        }
    }
    if from == 0 {
        return Cow::Borrowed(message);
    }
    out.push_str(&message[from..]);
    Cow::Owned(out)
}

/// The text without control characters, cut if it is long.
pub(super) fn one_line(message: &str) -> String {
    let message = message.trim_end_matches(['\n', '\r']);
    if message.len() <= MESSAGE_MAX_BYTES {
        return text::printable(message).into_owned();
    }
    let cut = message.floor_char_boundary(MESSAGE_MAX_BYTES);
    format!("{}…", text::printable(&message[..cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let message = |text| Record::new(Time::default(), "filter", Level::INFO, text).message;
        assert_eq!(
            message("a\nb\r\x1b[2J\0\u{2028}c\td\n"),
            "a\\x0ab\\x0d\\x1b[2J\\x00\\x2028c\td"
        );
        let long = message(&"é".repeat(MESSAGE_MAX_BYTES));
        assert_eq!(long.len(), MESSAGE_MAX_BYTES + "…".len());
    }

    #[test]
    fn a_ban_that_is_quoted_is_none() {
        for (message, expected) in [
            ("failed: '[j] Ban 192.0.2.1'", "failed: '[j]\\x20Ban 192.0.2.1'"),
            ("x] Ban a]\u{a0} \u{2003}Ban b", "x]\\x20Ban a]\u{a0} \\x2003Ban b"),
            ("Ban a, ]Ban b, ] Restore Ban c", "Ban a, ]Ban b, ] Restore Ban c"),
        ] {
            assert_eq!(without_bans(message), expected);
        }
    }
}
