//! Lists of banned hosts as other programs keep them: `ip.deny`, `hosts.deny`, CSV, JSON.
//!
//! A [`ListWriter`] writes bans in the order in which they are handed over; [`read`] hands over the bans of a stream
//! until the first thing that is wrong with it, with its line. Neither holds a list in memory. `ip.deny` and `hosts.deny`
//! hold hosts only: what they don't say (jail, times) comes from the reader's [`Defaults`]. CSV and JSON hold all of it.

pub mod array;
mod csv_list;
pub mod dump;
pub mod fail2ban;
mod hosts_deny;
mod json_list;
mod others;
mod plain;
mod stream;
pub mod table;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::others::Others;
use self::stream::{Bounded, Bounds, Lines};
use crate::model::{Addr, Ban, BanTime, Host, Origin, Time};

/// A list's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One address or network a line; `#` begins a comment.
    IpDeny,
    /// TCP wrappers (hosts_access(5)): `ALL: ADDRESS`, IPv6 in brackets; read are lines of any daemon.
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

    /// Whether it says nothing of a ban but its host: each host stands in it once, if the bans come in the
    /// order of hosts.
    pub fn holds_hosts_only(self) -> bool {
        matches!(self, Self::IpDeny | Self::HostsDeny)
    }

    /// The format of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// How long a list may be: four million bans as CSV. An endless one is not read until memory ends.
pub const LIST_MAX_BYTES: u64 = 256_000_000;

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
    /// A line of `hosts.deny` that keeps nobody out.
    #[error("{line}: expected 'DAEMON: ADDRESS', found '{}'", crate::text::shown(.text))]
    NotADenial {
        /// Which line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A line of `hosts.deny` that lets somebody in, or does something.
    #[error(
        "{line}: a ban can't say '{}'; write 'DAEMON: ADDRESS', or take the line out",
        crate::text::shown(.word)
    )]
    Unsayable {
        /// Which line.
        line: u64,
        /// `EXCEPT`, or the option.
        word: String,
    },
    /// An element of no set, or no element.
    #[error("{line}: '{}' can't be read", crate::text::shown(.text))]
    NotAnElement {
        /// Which line or which element.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// One of several sets, of which it isn't known whether its elements are banned.
    #[error(
        "{line}: the set '{}' is not named for a jail of fail2ban, and not the only one; save it alone",
        crate::text::shown(.name)
    )]
    WhichSet {
        /// Where its first element stands.
        line: u64,
        /// Its name.
        name: String,
    },
    /// A CSV list without the column that names hosts.
    #[error("1: the header has no column 'host'")]
    NoHostColumn,
    /// A column that nobody knows: what it says would be lost.
    #[error("1: unknown column '{}'; {help}", crate::text::shown(.name))]
    UnknownColumn {
        /// Its title.
        name: String,
        /// The title that is meant, or those that there are.
        help: String,
    },
    /// A column that stands there twice: what one of them says would be lost.
    #[error("1: column '{0}' stands there twice")]
    ColumnTwice(&'static str),
    /// A number of failures that is none.
    #[error("{line}: '{}' is not a number of failures", crate::text::shown(.text))]
    NotANumber {
        /// Which line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// Not CSV.
    #[error(" not a CSV list: {0}")]
    Csv(#[from] csv::Error),
    /// Not JSON, or not of the form.
    #[error(" not a JSON list of bans: {}", crate::text::printable(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// More than [`LIST_MAX_BYTES`].
    #[error(" longer than {} MB; import it in parts", LIST_MAX_BYTES / 1_000_000)]
    TooLong,
    /// A line or an element that goes on beyond what one needs.
    #[error("{line}: longer than {} KiB; this is no list", stream::PIECE_MAX_BYTES / 1024)]
    LongPiece {
        /// Which line or which element.
        line: u64,
    },
    /// Bytes that are no text.
    #[error("{line}: not UTF-8")]
    NotText {
        /// Which line.
        line: u64,
    },
    /// The system's word.
    #[error(" reading failed: {0}")]
    Reading(io::Error),
}

/// Why the file of a list was not read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", crate::text::printable(&.file.to_string_lossy()))]
pub struct FileError {
    /// The file.
    pub file: PathBuf,
    /// What is the matter with it.
    pub why: FileTrouble,
}

/// What can be the matter with the file of a list.
#[derive(Debug, thiserror::Error)]
pub enum FileTrouble {
    /// The system's word.
    #[error("{}", reading(.0))]
    Reading(io::Error),
    /// The system's word.
    #[error("{}", writing(.0))]
    Writing(#[from] io::Error),
    /// Somebody else wrote into it, and the format has no place for that.
    #[error(
        "holds what f2b did not write, and {} has no place for it; remove the file or name another",
        .0.name()
    )]
    NotOwn(Format),
    /// It would have to be replaced, and its owner or group can't be given to what replaces it.
    #[error("is another user's and would become yours; run f2b as its owner or as root")]
    Owner,
    /// Something else than a file: what it is.
    #[error("is {0}; name a file")]
    NotAFile(&'static str),
    /// A named pipe without a reader.
    #[error("is a pipe that nobody reads; start its reader first")]
    Unread,
    /// It was written to again and again while its lines were read.
    #[error("changes all the time; stop what writes to it")]
    Restless,
}

fn reading(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => FileTrouble::NotAFile("a folder").to_string(),
        _ => format!("reading failed: {error}"),
    }
}

fn writing(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its folder is not there; make it, or name another".to_owned(),
        _ => format!("writing failed: {error}"),
    }
}

/// How many packets of a host were kept out by its ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packets {
    /// That is not told.
    Untold,
    /// So many; `None` if nobody knows.
    Counted(Option<u64>),
}

impl Packets {
    /// The number, if it is told and known.
    pub fn known(self) -> Option<u64> {
        match self {
            Self::Untold => None,
            Self::Counted(packets) => packets,
        }
    }
}

/// A list that is written ban by ban; nothing before the first of them, or the end.
pub struct ListWriter<'o> {
    form: Form<'o>,
    /// What else stands in a file of hosts.
    others: Others,
    bans: u64,
}

enum Form<'o> {
    Hosts(plain::Hosts<'o>),
    Csv(Box<csv_list::Rows<'o>>),
    Json(array::Array<'o>),
}

impl<'o> ListWriter<'o> {
    /// A list in `format`; bans of one of [hosts only](Format::holds_hosts_only) come in the order of hosts.
    pub fn new(format: Format, out: &'o mut dyn Write) -> Self {
        Self::of(format, Others::default(), out)
    }

    /// A list in a file that others write to as well, in a format of [hosts only](Format::holds_hosts_only).
    pub fn beside(others: Others, format: Format, out: &'o mut dyn Write) -> io::Result<Self> {
        others.begin(out)?;
        Ok(Self::of(format, others, out))
    }

    fn of(format: Format, others: Others, out: &'o mut dyn Write) -> Self {
        let form = match format {
            Format::IpDeny => Form::Hosts(plain::Hosts::new(out, plain::in_ip_deny)),
            Format::HostsDeny => Form::Hosts(plain::Hosts::new(out, plain::in_hosts_deny)),
            Format::Csv => Form::Csv(Box::new(csv_list::Rows::new(out))),
            Format::Json => Form::Json(json_list::begin(out)),
        };
        Self { form, others, bans: 0 }
    }

    /// Writes the next ban.
    pub fn ban(&mut self, ban: &Ban) -> io::Result<()> {
        self.counted(ban, Packets::Untold)
    }

    /// Writes the next ban with how many packets of its host were kept out, in a form that has a place for it. They are
    /// told of each ban of a list, or of none.
    pub fn counted(&mut self, ban: &Ban, packets: Packets) -> io::Result<()> {
        self.bans += 1;
        match &mut self.form {
            Form::Hosts(_) if ban.host.addr().is_some_and(|host| self.others.names(host)) => Ok(()),
            Form::Hosts(hosts) => hosts.ban(ban),
            Form::Csv(rows) => rows.ban(ban, packets),
            Form::Json(list) => json_list::write(ban, packets.known(), list),
        }
    }

    /// Ends the list; how many bans it was given.
    pub fn end(self) -> io::Result<u64> {
        match self.form {
            Form::Hosts(hosts) => self.others.end(hosts.end())?,
            Form::Csv(rows) => rows.end()?,
            Form::Json(list) => list.end()?,
        }
        Ok(self.bans)
    }
}

/// What some programs begin a text with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads a list and hands over its bans, of origin [`Origin::Import`] whatever the list says, until
/// something is wrong with it or `take` refuses one.
pub fn read<E: From<ListError>>(
    format: Format,
    mut from: impl Read,
    defaults: &Defaults,
    take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut head = Vec::new();
    from.by_ref().take(BOM.len() as u64).read_to_end(&mut head).map_err(ListError::Reading)?;
    let head = head.strip_prefix(BOM).unwrap_or(&head);
    let bounds = Bounds::default();
    let from = Bounded::new(head.chain(from), &bounds);
    match format {
        Format::IpDeny => plain::read_ip_deny(Lines::new(from, &bounds), defaults, take),
        Format::HostsDeny => hosts_deny::read(Lines::new(from, &bounds), defaults, take),
        Format::Csv => csv_list::read(from, &bounds, defaults, take),
        Format::Json => json_list::read(from, &bounds, defaults, take),
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
