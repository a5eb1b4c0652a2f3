//! Who a failure or a ban is about: an address, a network, or (where a filter names its failures by
//! something else) a text.
//!
//! An [`Addr`] is canonical from birth: IPv4-mapped IPv6 is IPv4 and the host bits of a network are
//! zero, so that equality of values is equality of hosts. Its binary [key](Host::key) sorts as
//! addresses sort, IPv4 before IPv6, a network before the hosts in it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A host or a network, IPv4 or IPv6, in canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addr {
    ip: IpAddr,
    prefix: u8,
}

/// A family of addresses, by the name that an action's `[Init?family=inet6]` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Inet4,
    /// IPv6.
    Inet6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inet4, Self::Inet6];

    /// `inet4` or `inet6`, as fail2ban's tag `<family>` says.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
        }
    }
}

/// A text that should have been an address or a network and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is not an IP address or network", crate::text::shown(.0))]
pub struct AddrError(pub String);

/// The address behind one; `None` behind the last of its family.
pub fn behind(ip: IpAddr) -> Option<IpAddr> {
    Some(match ip {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_add(1)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_add(1)?).into(),
    })
}

/// The address before one; `None` before the first of its family.
pub fn before(ip: IpAddr) -> Option<IpAddr> {
    Some(match ip {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_sub(1)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_sub(1)?).into(),
    })
}

impl Addr {
    /// The address of one host; IPv4-mapped IPv6 becomes IPv4.
    pub fn host(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        Self { ip, prefix: width(ip) }
    }

    /// The network of `ip` with `prefix` bits, host bits cleared; `None` if the family has fewer bits.
    pub fn network(ip: IpAddr, prefix: u8) -> Option<Self> {
        let (ip, prefix) = match (ip, ip.to_canonical()) {
            (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if prefix >= 96 => (v4, prefix - 96),
            (IpAddr::V6(_), IpAddr::V4(_)) => (ip, prefix),
            (_, ip) => (ip, prefix),
        };
        if prefix > width(ip) {
            return None;
        }
        let ip = match ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
            }
        };
        Some(Self { ip, prefix })
    }

    /// The address or network that a filter's `<F-ID>` or a word of `ignoreip` means to fail2ban, where a length
    /// beyond the family's width is none; `None` for other texts, and for networks of everyone.
    pub fn of_id(text: &str) -> Option<Self> {
        let (addr, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let host: Self = addr.parse().ok()?;
        let Some(length) = length else { return Some(host) };
        match prefix_length(length) {
            Some(0) => None,
            Some(bits) => Self::network(host.ip, bits).or(Some(host)),
            None => length.bytes().all(|b| b.is_ascii_digit()).then_some(host),
        }
    }

    /// The (first) address.
    pub fn ip(self) -> IpAddr {
        self.ip
    }

    /// Length of the network part in bits; the family's width for a single host.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its family.
    pub fn family(self) -> Family {
        if self.ip.is_ipv4() { Family::Inet4 } else { Family::Inet6 }
    }

    /// The last address of the network; the address itself for a single host.
    pub fn last_ip(self) -> IpAddr {
        match self.ip {
            IpAddr::V4(ip) => {
                let hosts = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(ip) | hosts))
            }
            IpAddr::V6(ip) => {
                let hosts = u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(ip) | hosts))
            }
        }
    }

    /// Whether this is one host rather than a network.
    pub fn is_host(self) -> bool {
        self.prefix == width(self.ip)
    }

    /// Whether this is the network of all addresses of its family: nobody bans that on purpose.
    pub fn is_everyone(self) -> bool {
        self.prefix == 0
    }

    /// Whether every address of `other` lies in this network; families never match across.
    pub fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix
            && Self::network(other.ip, self.prefix).is_some_and(|net| net.ip == self.ip)
            && self.ip.is_ipv4() == other.ip.is_ipv4()
    }
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Addr {
    type Err = AddrError;

    /// Reads `ADDRESS`, `ADDRESS/LENGTH` or (IPv4) `ADDRESS/MASK`; brackets around an address are
    /// dropped, as `<ADDR>` of a filter does.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        let fail = || AddrError(text.to_owned());
        let (addr, prefix) = match text.split_once('/') {
            Some((addr, prefix)) => (addr, Some(prefix)),
            None => (text, None),
        };
        let addr = addr.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(addr);
        let ip: IpAddr = addr.parse().map_err(|_| fail())?;
        match prefix {
            None => Ok(Self::host(ip)),
            Some(prefix) => {
                let bits = prefix_length(prefix).ok_or_else(fail)?;
                Self::network(ip, bits).ok_or_else(fail)
            }
        }
    }
}

/// `24`, `255.255.255.0` or `ffff:ffff::` as a number of bits.
fn prefix_length(text: &str) -> Option<u8> {
    if !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (ones, rest) = match text.parse().ok()? {
        IpAddr::V4(mask) => {
            let bits = u32::from(mask);
            (bits.leading_ones(), bits.checked_shl(bits.leading_ones()).unwrap_or(0) != 0)
        }
        IpAddr::V6(mask) => {
            let bits = u128::from(mask);
            (bits.leading_ones(), bits.checked_shl(bits.leading_ones()).unwrap_or(0) != 0)
        }
    };
    (!rest).then(|| u8::try_from(ones).ok()).flatten()
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() {
            f.pad(&self.ip.to_string())
        } else {
            f.pad(&format!("{}/{}", self.ip, self.prefix))
        }
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As a text: `192.0.2.1`, `2001:db8::/32`.
impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Addr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What identifies a failure or a ban: fail2ban's *id*.
///
/// Almost always an address; a text where a filter says `<F-ID>` or where names are kept as they
/// are (`usedns = raw`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// An address or a network.
    Addr(Addr),
    /// A name that was not resolved, or any other text.
    Name(Box<str>),
}

impl Host {
    /// Reads an address or network; every other text is a name.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.into()), Self::Addr)
    }

    /// The address, if it is one.
    pub fn addr(&self) -> Option<Addr> {
        match self {
            Self::Addr(addr) => Some(*addr),
            Self::Name(_) => None,
        }
    }

    /// Bytes that are equal for equal hosts and sort as hosts sort.
    ///
    /// `4`, four octets, prefix; or `6`, sixteen octets, prefix; or `255` and the name in UTF-8.
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(18);
        self.write_key(&mut key);
        key
    }

    /// Makes `key` the host's [key](Self::key), whatever it was, for who needs many.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        key.clear();
        match self {
            Self::Addr(addr) => {
                match addr.ip {
                    IpAddr::V4(ip) => {
                        key.push(4);
                        key.extend_from_slice(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        key.push(6);
                        key.extend_from_slice(&ip.octets());
                    }
                }
                key.push(addr.prefix);
            }
            Self::Name(name) => {
                key.push(255);
                key.extend_from_slice(name.as_bytes());
            }
        }
    }

    /// The host of a [key](Self::key); `None` for bytes that are no key.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (tag, rest) = key.split_first()?;
        let addr = |ip, prefix| Addr::network(ip, prefix).map(Self::Addr);
        match (tag, rest.split_last()) {
            (4, Some((prefix, ip))) => addr(<[u8; 4]>::try_from(ip).ok()?.into(), *prefix),
            (6, Some((prefix, ip))) => addr(<[u8; 16]>::try_from(ip).ok()?.into(), *prefix),
            (255, _) => Some(Self::Name(std::str::from_utf8(rest).ok()?.into())),
            _ => None,
        }
    }
}

impl From<Addr> for Host {
    fn from(addr: Addr) -> Self {
        Self::Addr(addr)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => fmt::Display::fmt(addr, f),
            Self::Name(name) => f.pad(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        text.parse().unwrap()
    }

    #[test]
    fn ok_networks_clear_their_host_bits() {
        assert_eq!(addr("192.0.2.77/24").to_string(), "192.0.2.0/24");
        assert_eq!(addr("192.0.2.77/255.255.255.0").to_string(), "192.0.2.0/24");
        assert_eq!(addr("2001:db8::1/32").to_string(), "2001:db8::/32");
        assert_eq!(addr("0.0.0.0/0").prefix(), 0);
    }

    #[test]
    fn ok_mapped_addresses_are_ipv4() {
        assert_eq!(addr("::ffff:192.0.2.1"), addr("192.0.2.1"));
        assert_eq!(addr("::ffff:192.0.2.0/120"), addr("192.0.2.0/24"));
        assert_eq!(addr("[2001:DB8::1]").to_string(), "2001:db8::1");
    }

    #[test]
    fn err_other_texts_are_no_addresses() {
        for text in ["", "999.1.2.3", "192.0.2.012", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "a", "/8"]
        {
            assert!(text.parse::<Addr>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_contains_its_hosts_and_no_other_family() {
        assert!(addr("192.0.2.0/24").contains(addr("192.0.2.9")));
        assert!(!addr("192.0.2.0/24").contains(addr("192.0.3.9")));
        assert!(!addr("192.0.2.9").contains(addr("192.0.2.0/24")));
        assert!(!addr("0.0.0.0/0").contains(addr("::1")));
    }

    #[test]
    fn keys_round_trip_and_sort_as_hosts_sort() {
        let mut hosts: Vec<Host> =
            ["10.0.0.9", "9.0.0.0/8", "9.1.2.3", "2001:db8::1", "::1", "zeta", "alpha"]
                .map(Host::parse)
                .into();
        hosts.sort();
        let mut by_key = hosts.clone();
        by_key.sort_by_key(Host::key);
        assert_eq!(hosts, by_key);
        for host in hosts {
            assert_eq!(Host::from_key(&host.key()), Some(host));
        }
    }
}
