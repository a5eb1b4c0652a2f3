//! What other tools print of who is banned, read and written: `ipset save`, `nft list` as text and as JSON, `fail2ban-client banned` and
//! `fail2ban-client get JAIL banip`.
//!
//! fail2ban's sets are named for their jails; a set of another name counts for the default jail, and only if it is the only
//! one: the others of a machine are not all of banned hosts.

mod fail2ban;
mod ipset;
mod nft;
mod nft_json;
mod sets;
#[cfg(test)]
mod tests;
mod write;

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use self::sets::Sets;
pub use self::write::DumpWriter;
use super::stream::{Bounded, Bounds, Lines};
use super::{Defaults, Format, ListError};
use crate::model::{Addr, Ban, Zone};

/// Which tool has printed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// `ipset save`.
    Ipset,
    /// `nft list set`, `nft list ruleset`, also with `-j`.
    Nft,
    /// `fail2ban-client banned`, `get JAIL banned`.
    Banned,
    /// `fail2ban-client get JAIL banip`, also with `--with-time`.
    Banip,
}

/// What a text is that doesn't say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// A database of SQLite.
    Database,
    /// A list.
    List(Format),
    /// What a tool has printed.
    Dump(Dump),
}

impl Dump {
    /// Reads it and hands over its bans, until something is wrong with it or `take` refuses one. Times without a zone
    /// are of `zone`.
    pub fn read<E: From<ListError>>(
        self,
        from: impl Read,
        defaults: &Defaults,
        zone: Zone,
        take: impl FnMut(Ban) -> Result<(), E>,
    ) -> Result<(), E> {
        let bounds = Bounds::default();
        let from = Bounded::new(from, &bounds);
        match self {
            Self::Ipset => ipset::read(Lines::new(from, &bounds), defaults, take),
            Self::Nft => {
                let mut from = io::BufReader::new(from);
                let head = from
                    .fill_buf()
                    .map_err(|error| bounds.trouble_or(ListError::Reading(error)))?;
                if head.trim_ascii_start().starts_with(b"{") {
                    return nft_json::read(
                        Pieces { from, bounds: &bounds },
                        &bounds,
                        defaults,
                        take,
                    );
                }
                let whole = Bounded::new(from, &bounds);
                nft::read(Lines::new(whole, &bounds), defaults, take)
            }
            Self::Banned => {
                fail2ban::read_banned(Pieces { from, bounds: &bounds }, &bounds, defaults, take)
            }
            Self::Banip => fail2ban::read_banip(Lines::new(from, &bounds), defaults, zone, take),
        }
    }
}

/// What a text is that begins so; `None` if nothing is known that does.
pub fn detect(head: &[u8]) -> Option<Detected> {
    if head.starts_with(super::fail2ban::MAGIC) {
        return Some(Detected::Database);
    }
    let text = String::from_utf8_lossy(head.strip_prefix(super::BOM).unwrap_or(head));
    let dump = |dump| Some(Detected::Dump(dump));
    let list = |format| Some(Detected::List(format));
    match text.trim_start().chars().next()? {
        '{' if text.contains("\"nftables\"") => return dump(Dump::Nft),
        '{' => return list(Format::Json),
        '[' if !text.trim_start().contains("]:") => return dump(Dump::Banned),
        _ => {}
    }
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let line = lines.find(|line| !line.trim().is_empty())?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_host = |word: &&str| word.parse::<Addr>().is_ok();
    match words.as_slice() {
        ["create", _, kind, ..] if kind.contains(':') => dump(Dump::Ipset),
        ["add", _, entry, ..] if entry.split('-').all(|host| is_host(&host)) => dump(Dump::Ipset),
        ["table", .., "{"] | ["set", _, "{"] => dump(Dump::Nft),
        [_, .., "+", _, "=", _, _] => dump(Dump::Banip),
        [host, rest @ ..] if is_host(host) => match rest.first() {
            Some(next) if is_host(next) => dump(Dump::Banip),
            Some(next) if !next.starts_with('#') => None,
            _ => list(Format::IpDeny),
        },
        _ if line.split(',').any(|title| title.trim() == "host") => list(Format::Csv),
        _ if line.contains(':') => list(Format::HostsDeny),
        _ => None,
    }
}

/// A text in which pieces have no ends of their own: where a comma is, one may be.
struct Pieces<'b, R> {
    from: R,
    bounds: &'b Bounds,
}

impl<R: Read> Read for Pieces<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(into)?;
        if into.get(..len).is_some_and(|read| read.contains(&b',')) {
            self.bounds.piece();
        }
        Ok(len)
    }
}

/// The number of an element, from 1.
#[derive(Default)]
struct Nth(Cell<u64>);

impl Nth {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}
