//! Sets and their elements, as they are spoken of.

use std::fmt;
use std::net::IpAddr;

/// `nft`'s numbers of the types of keys.
const IPV4_ADDRESS: u32 = 7;
const IPV6_ADDRESS: u32 = 8;

/// A set: the family of its table, and its name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetName<'a> {
    /// `NFPROTO_*` of the table: 1 is `inet`, 2 `ip` and 10 `ip6`.
    pub table_family: u8,
    /// The table.
    pub table: &'a str,
    /// The set in the table.
    pub set: &'a str,
}

impl fmt::Display for SetName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = family_name(self.table_family);
        write!(f, "set '{}' of the table '{family} {}'", self.set, self.table)
    }
}

pub(super) fn family_name(family: u8) -> &'static str {
    match family {
        1 => "inet",
        2 => "ip",
        3 => "arp",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        _ => "?",
    }
}

/// What a set holds; its keys are to be addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetInfo {
    /// `nft`'s number of the keys' type: 7 is `ipv4_addr`, 8 `ipv6_addr`.
    pub key_type: u32,
    /// It holds ranges.
    pub is_interval: bool,
    /// Its elements may have timeouts.
    pub has_timeout: bool,
    /// Its elements count packets and bytes.
    pub has_counter: bool,
}

/// What an element of a set stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// One address; in a set of ranges, the range of that address alone.
    Host(IpAddr),
    /// From the first to the last address, both within, in a set of ranges; read back as `Host` if they are one.
    Range(IpAddr, IpAddr),
}

impl Key {
    /// The first and the last address.
    pub fn bounds(&self) -> (IpAddr, IpAddr) {
        match *self {
            Self::Host(host) => (host, host),
            Self::Range(first, last) => (first, last),
        }
    }

    /// All from `first` to `last`.
    pub(super) fn between(first: IpAddr, last: IpAddr) -> Self {
        if first == last { Self::Host(first) } else { Self::Range(first, last) }
    }

    /// Whether the other key's addresses are all among this one's.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let ((first, last), (other_first, other_last)) = (self.bounds(), other.bounds());
        first <= other_first && other_last <= last
    }

    /// The key, written in one way, if a set can have it.
    pub(super) fn in_set(&self, set: SetInfo) -> Option<Self> {
        let (first, last) = self.bounds();
        let is_of_type = |address: IpAddr| match address {
            IpAddr::V4(_) => set.key_type == IPV4_ADDRESS,
            IpAddr::V6(_) => set.key_type == IPV6_ADDRESS,
        };
        let is_in_order = if set.is_interval { first <= last } else { first == last };
        let can_be = is_in_order && is_of_type(first) && is_of_type(last);
        can_be.then(|| Self::between(first, last))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "{host}"),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

/// An element of a set as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// What it stands for.
    pub key: Key,
    /// How long it was to stay, in milliseconds; for good if none.
    pub timeout_ms: Option<u64>,
    /// How long it is still to stay, in milliseconds.
    pub expires_ms: Option<u64>,
    /// Packets that met it, if it counts.
    pub packets: Option<u64>,
    /// Their bytes, if it counts.
    pub bytes: Option<u64>,
}
