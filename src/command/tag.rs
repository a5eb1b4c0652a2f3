//! The values of tags that say the same of a failure, a ban and a host that is about to be ignored, as fail2ban has them.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::model::{Addr, BanTime, Time};

/// Tags of actions that say something of a ban, and nothing of a failure.
pub const OF_BANS: [&str; 9] = [
    "bantime",
    "ipmatches",
    "ipjailmatches",
    "ipfailures",
    "ipjailfailures",
    "jail.banned",
    "jail.banned_total",
    "jail.found",
    "jail.found_total",
];

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stays as it is.
    Text(&'t str),
    /// `<NAME>`.
    Tag(&'t str),
}

/// The pieces of a template. A tag has no blank in it, and no bracket.
pub fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(close) = rest.find('>') {
        let (before, after) = (&rest[..close], &rest[close + 1..]);
        match before.rfind('<') {
            Some(open) if open + 1 < close && !before[open..].contains(char::is_whitespace) => {
                pieces.push(Piece::Text(&before[..open]));
                pieces.push(Piece::Tag(&before[open + 1..]));
            }
            _ => pieces.push(Piece::Text(&rest[..=close])),
        }
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// `<bantime>`: whole seconds, -1 for good.
pub fn bantime(time: BanTime) -> String {
    match time {
        BanTime::Permanent => "-1".to_owned(),
        BanTime::Micros(micros) => (micros / 1_000_000).to_string(),
    }
}

/// `<time>`: seconds as Python writes them.
pub fn seconds(time: Time) -> String {
    format!("{:?}", time.as_secs_f64())
}

/// `<ip-rev>`: an address as DNS has it, to have a domain behind it; the length of an IPv4 network stays where it is.
pub fn reversed(addr: Addr) -> String {
    let mut out = String::new();
    match addr.ip() {
        IpAddr::V4(_) => addr.to_string().rsplit('.').for_each(|part| {
            let _ = write!(out, "{part}.");
        }),
        IpAddr::V6(ip) => ip.octets().iter().rev().for_each(|octet| {
            let _ = write!(out, "{:x}.{:x}.", octet & 15, octet >> 4);
        }),
    }
    out
}

/// `<ip-host>`: the name of an address, if name servers know one; waits for them.
pub fn name_of(ip: IpAddr) -> Option<String> {
    // Where there is no name, the system gives the address.
    dns_lookup::lookup_addr(&ip).ok().filter(|name| name.parse::<IpAddr>().is_err())
}

/// `<sh-hostname>`: what this machine calls itself.
pub fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// `<fq-hostname>`: the same with its domain, if the machine's own lists or name servers know that.
pub fn own_full_name() -> String {
    let name = own_name();
    let hints = dns_lookup::AddrInfoHints { flags: libc::AI_CANONNAME, ..Default::default() };
    let found = dns_lookup::getaddrinfo(Some(&name), None, Some(hints));
    let mut names = found.into_iter().flatten().flatten().filter_map(|info| info.canonname);
    names.find(|name| name.contains('.')).unwrap_or(name)
}
