//! Sets of a packet filter: whose they are, and what their elements mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::exchange::{Defaults, ListError, parse_addr};
use crate::model::{Addr, Ban, BanTime};

/// How fail2ban's actions name their sets, before the jail.
const PREFIXES: [&str; 3] = ["f2b-", "addr-set-", "addr6-set-"];

/// The sets that were seen.
#[derive(Default)]
pub(super) struct Sets {
    names: Vec<String>,
    /// One that no jail has named, with the line of its first element.
    other: Option<(String, u64)>,
}

impl Sets {
    /// A set begins.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), ListError> {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        self.sole()
    }

    /// The jail of the elements of a set.
    pub(super) fn jail(
        &mut self,
        name: &str,
        is_v6: bool,
        line: u64,
        defaults: &Defaults,
    ) -> Result<String, ListError> {
        if let Some(jail) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            // iptables-ipset-proto6 calls the set of IPv6 so; a jail whose name ends in 6 has it twice.
            let is_six = is_v6 && name.starts_with("f2b-");
            return Ok(jail.strip_suffix('6').filter(|_| is_six).unwrap_or(jail).to_owned());
        }
        self.other.get_or_insert_with(|| (name.to_owned(), line));
        self.sole().map(|()| defaults.jail.clone())
    }

    fn sole(&self) -> Result<(), ListError> {
        match &self.other {
            Some((name, line)) if self.names.len() > 1 => {
                Err(ListError::WhichSet { line: *line, name: name.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// How long an element lasts from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    /// As long as it is said of all.
    Unsaid,
    /// So long.
    For(BanTime),
}

/// The ban that an element is.
pub(super) fn ban(addr: Addr, jail: &str, lasts: Lasts, defaults: &Defaults) -> Ban {
    let mut ban = defaults.ban(addr);
    jail.clone_into(&mut ban.jail);
    if let Lasts::For(length) = lasts {
        ban.until = length.until(ban.at);
    }
    ban
}

/// The addresses and networks that an element is: an address, a network, or `FIRST-LAST`.
pub(super) fn addrs(text: &str, line: u64) -> Result<Vec<Addr>, ListError> {
    let Some((first, last)) = text.split_once('-') else {
        return Ok(vec![parse_addr(text, line)?]);
    };
    let found = match (first.trim().parse(), last.trim().parse()) {
        (Ok(IpAddr::V4(first)), Ok(IpAddr::V4(last))) => {
            let ip = |bits: u128| u32::try_from(bits).map(|bits| Ipv4Addr::from(bits).into()).ok();
            cover(u32::from(first).into(), u32::from(last).into(), 32, ip)
        }
        (Ok(IpAddr::V6(first)), Ok(IpAddr::V6(last))) => {
            cover(first.into(), last.into(), 128, |bits| Some(Ipv6Addr::from(bits).into()))
        }
        _ => Vec::new(),
    };
    match found.iter().find(|addr| addr.is_everyone()) {
        Some(_) => Err(ListError::Everyone { line, text: text.to_owned() }),
        None if found.is_empty() => Err(ListError::NotAnAddress { line, text: text.to_owned() }),
        None => Ok(found),
    }
}

/// The fewest networks that hold all from `first` to `last` and no other.
fn cover(first: u128, last: u128, width: u32, ip: impl Fn(u128) -> Option<IpAddr>) -> Vec<Addr> {
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(begin) = next.filter(|begin| *begin <= last) {
        // As large as its begin allows, and no further than the end.
        let mut bits = begin.trailing_zeros().min(width);
        let end = |bits: u32| begin | (1_u128.checked_shl(bits).unwrap_or(0)).wrapping_sub(1);
        while bits > 0 && end(bits) > last {
            bits -= 1;
        }
        let prefix = u8::try_from(width - bits).unwrap_or_default();
        found.extend(ip(begin).and_then(|ip| Addr::network(ip, prefix)));
        next = end(bits).checked_add(1);
    }
    found
}
