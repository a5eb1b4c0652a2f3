//! The two lists that hold nothing but hosts, `ip.deny` and TCP wrappers' `hosts.deny`, as they are written.

use std::io::{self, Read, Write};

use super::stream::Lines;
use super::{Defaults, ListError, parse_addr};
use crate::model::{Addr, Ban};

/// One line a host, however many jails ban it: of bans in the order of hosts.
pub(super) struct Hosts<'o> {
    out: &'o mut dyn Write,
    /// How an address is spelt.
    spell: fn(Addr) -> String,
    last: Option<Addr>,
}

impl<'o> Hosts<'o> {
    pub(super) fn new(out: &'o mut dyn Write, spell: fn(Addr) -> String) -> Self {
        Self { out, spell, last: None }
    }

    /// Bans of names can't be said in these lists.
    pub(super) fn ban(&mut self, ban: &Ban) -> io::Result<()> {
        let Some(addr) = ban.host.addr().filter(|addr| self.last != Some(*addr)) else {
            return Ok(());
        };
        self.last = Some(addr);
        writeln!(self.out, "{}", (self.spell)(addr))
    }

    /// Where it was written to.
    pub(super) fn end(self) -> &'o mut dyn Write {
        self.out
    }
}

pub(super) fn in_ip_deny(addr: Addr) -> String {
    addr.to_string()
}

pub(super) fn in_hosts_deny(addr: Addr) -> String {
    if addr.ip().is_ipv4() {
        format!("ALL: {addr}")
    } else if addr.is_host() {
        format!("ALL: [{addr}]")
    } else {
        format!("ALL: [{}]/{}", addr.ip(), addr.prefix())
    }
}

pub(super) fn read_ip_deny<E: From<ListError>>(
    mut lines: Lines<'_, impl Read>,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    while let Some((line, text)) = lines.next()? {
        let entry = without_comment(text);
        if !entry.is_empty() {
            take(defaults.ban(parse_addr(entry, line)?))?;
        }
    }
    Ok(())
}

/// What stands before a comment, without blanks around it.
pub(super) fn without_comment(line: &str) -> &str {
    line.split_once('#').map_or(line, |(entry, _)| entry).trim()
}
