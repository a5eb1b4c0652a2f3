//! Lists of banned hosts as other programs keep them: `ip.deny`, `hosts.deny`, CSV, JSON.
//!
//! Writing gives the whole list in the order it was handed over; reading gives all bans of a text or
//! the first thing that is wrong with it, with its line. `ip.deny` and `hosts.deny` hold hosts only:
//! what they don't say (jail, times) comes from the reader's [`Defaults`]. CSV and JSON hold all of it.

mod csv_list;
mod json_list;
mod plain;

use std::io::{self, Write};

use crate::model::{Addr, Ban, BanTime, Host, Origin, Time};

/// A list's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One address or network a line; `#` begins a comment.
    IpDeny,
    /// TCP wrappers (hosts_access(5)): `ALL: ADDRESS`, IPv6 in brackets.
    HostsDeny,
    /// RFC 4180 with the header `host,jail,banned_at,banned_until,origin,failures`.
    Csv,
    /// `{"bans": [{"host": …, "jail": …, "banned_at": …, "banned_until": … or null, …}]}`.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::IpDeny, Self::HostsDeny, Self::Csv, Self::Json];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::IpDeny => "ip.deny",
            Self::HostsDeny => "hosts.deny",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The format of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What a list of hosts does not say.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The jail.
    pub jail: String,
    /// When the bans begin.
    pub at: Time,
    /// How long they last.
    pub bantime: BanTime,
}

impl Defaults {
    fn ban(&self, addr: Addr) -> Ban {
        Ban {
            host: Host::Addr(addr),
            jail: self.jail.clone(),
            at: self.at,
            until: self.bantime.until(self.at),
            origin: Origin::Import,
            failures: 0,
            ended: None,
        }
    }
}

/// What is wrong with a list; lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not an address.
    #[error("{line}: '{}' is not an IP address or network", crate::text::shown(.text))]
    NotAnAddress {
        /// Which line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A network of all hosts.
    #[error("{line}: '{}' is everyone; a ban of everyone is none", crate::text::shown(.text))]
    Everyone {
        /// Which line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A time that can't be read.
    #[error("{line}: '{}' is not a time; expected one like 2026-11-01T12:00:00Z", crate::text::shown(.text))]
    NotATime {
        /// Which line or which element.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A line of `hosts.deny` for some daemons only.
    #[error("{line}: expected 'ALL: ADDRESS', found '{}'", crate::text::shown(.text))]
    NotForAll {
        /// Which line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A CSV list without the column that names hosts.
    #[error("1: the header has no column 'host'")]
    NoHostColumn,
    /// Not CSV.
    #[error(" not a CSV list: {0}")]
    Csv(#[from] csv::Error),
    /// Not JSON, or not of the form.
    #[error(" not a JSON list of bans: {0}")]
    Json(#[from] serde_json::Error),
    /// Bytes that are no text.
    #[error(" not UTF-8 at byte {0}")]
    NotText(usize),
}

/// Writes the whole list.
pub fn write(format: Format, bans: &[Ban], out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::IpDeny => plain::write_ip_deny(bans, out),
        Format::HostsDeny => plain::write_hosts_deny(bans, out),
        Format::Csv => csv_list::write(bans, out),
        Format::Json => json_list::write(bans, out),
    }
}

/// Reads a whole list; bans are of origin [`Origin::Import`] whatever the list says.
pub fn read(format: Format, bytes: &[u8], defaults: &Defaults) -> Result<Vec<Ban>, ListError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|e| ListError::NotText(e.valid_up_to()))?;
    match format {
        Format::IpDeny => plain::read_ip_deny(text, defaults),
        Format::HostsDeny => plain::read_hosts_deny(text, defaults),
        Format::Csv => csv_list::read(text, defaults),
        Format::Json => json_list::read(text, defaults),
    }
}

fn parse_addr(text: &str, line: u64) -> Result<Addr, ListError> {
    match text.parse::<Addr>() {
        Ok(addr) if addr.is_everyone() => Err(ListError::Everyone { line, text: text.to_owned() }),
        Ok(addr) => Ok(addr),
        Err(_) => Err(ListError::NotAnAddress { line, text: text.to_owned() }),
    }
}

fn parse_time(text: &str, line: u64) -> Result<Time, ListError> {
    let found = Time::parse(text, crate::model::Zone::utc());
    found.ok_or_else(|| ListError::NotATime { line, text: text.to_owned() })
}

#[cfg(test)]
mod tests;
