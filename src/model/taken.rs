//! What another program has kept of bans, as it is taken over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BanTime, Host, Time};

/// The bans that another program has of a host in a jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostBans {
    /// The jail.
    pub jail: String,
    /// The host.
    pub host: Host,
    /// In the order in which they began, each at another time; one at least.
    pub bans: Vec<EarlierBan>,
    /// As the how many-th ban the last one counted: more than there are if older ones were forgotten.
    pub count: u64,
    /// Whether the last one is in force until its time is over; else it is history.
    pub newest: bool,
}

/// A ban that another program has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierBan {
    /// When it began.
    pub at: Time,
    /// For how long; `None` if nobody knows.
    pub bantime: Option<BanTime>,
    /// How many failures led to it.
    pub failures: u32,
    /// What was kept of it, to be read as [`Evidence`]; empty: nothing.
    #[serde(with = "crate::text::text_or_bytes")]
    pub data: Vec<u8>,
}

/// What fail2ban keeps of a ban besides its times: a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The lines that led to it, the newest last; the oldest may be left out.
    pub matches: Vec<String>,
    /// How many failures there were.
    pub failures: Option<u64>,
}

impl Evidence {
    /// Reads it as fail2ban does: what is no JSON says nothing. A line is a text, or a list of what stands before its
    /// date, the date, and what stands behind it.
    pub fn read(data: &[u8]) -> Self {
        let Ok(Value::Object(mut data)) = serde_json::from_slice(data) else {
            return Self::default();
        };
        let line = |line| match line {
            Value::String(text) => Some(text),
            Value::Array(parts) => Some(parts.iter().filter_map(Value::as_str).collect()),
            _ => None,
        };
        let matches = match data.remove("matches") {
            Some(Value::Array(lines)) => lines.into_iter().filter_map(line).collect(),
            _ => Vec::new(),
        };
        Self { matches, failures: data.get("failures").and_then(Value::as_u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_lines_are_texts_or_split_at_their_date() {
        let data =
            r#"{"matches": [["", "2026-11-26", " fail rööt"], "b", 3, ["x"]], "failures": 7}"#;
        let lines = ["2026-11-26 fail rööt", "b", "x"].map(str::to_owned).to_vec();
        assert_eq!(Evidence::read(data.as_bytes()), Evidence { matches: lines, failures: Some(7) });
    }

    #[test]
    fn ok_what_is_no_json_says_nothing() {
        for data in ["", "{}", "{", "[]", "null", r#"{"matches": 3, "failures": "x"}"#, "\u{0}"] {
            assert_eq!(Evidence::read(data.as_bytes()), Evidence::default(), "{data}");
        }
    }
}
