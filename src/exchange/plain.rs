//! The two lists that hold nothing but hosts: `ip.deny` and TCP wrappers' `hosts.deny`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Defaults, ListError, parse_addr};
use crate::model::{Addr, Ban};

/// One line a host, however many jails ban it.
pub(super) fn write_ip_deny(bans: &[Ban], out: &mut dyn Write) -> io::Result<()> {
    each_once(bans).iter().try_for_each(|addr| writeln!(out, "{addr}"))
}

pub(super) fn write_hosts_deny(bans: &[Ban], out: &mut dyn Write) -> io::Result<()> {
    each_once(bans).iter().try_for_each(|addr| {
        if addr.ip().is_ipv4() {
            writeln!(out, "ALL: {addr}")
        } else if addr.is_host() {
            writeln!(out, "ALL: [{addr}]")
        } else {
            writeln!(out, "ALL: [{}]/{}", addr.ip(), addr.prefix())
        }
    })
}

/// Addresses in order; bans of names can't be said in these lists.
fn each_once(bans: &[Ban]) -> BTreeSet<Addr> {
    bans.iter().filter_map(|ban| ban.host.addr()).collect()
}

pub(super) fn read_ip_deny(text: &str, defaults: &Defaults) -> Result<Vec<Ban>, ListError> {
    entries(text).map(|(line, entry)| Ok(defaults.ban(parse_addr(entry, line)?))).collect()
}

pub(super) fn read_hosts_deny(text: &str, defaults: &Defaults) -> Result<Vec<Ban>, ListError> {
    let mut bans = Vec::new();
    for (line, entry) in entries(text) {
        let other = || ListError::NotForAll { line, text: entry.to_owned() };
        let (daemons, hosts) = entry.split_once(':').ok_or_else(other)?;
        if !daemons.trim().eq_ignore_ascii_case("all") {
            return Err(other());
        }
        for host in hosts.split([' ', '\t', ',']).filter(|host| !host.is_empty()) {
            let plain = host.replacen('[', "", 1).replacen(']', "", 1);
            bans.push(defaults.ban(parse_addr(&plain, line)?));
        }
    }
    Ok(bans)
}

/// Lines with their numbers, without comments and blanks.
fn entries(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| {
            (number, line.split_once('#').map_or(line, |(entry, _)| entry).trim())
        })
        .filter(|(_, entry)| !entry.is_empty())
}
