//! Connections that a host has already when it is banned.
//!
//! A packet filter may let packets of established connections pass before it asks who is banned, and a rule for one port
//! leaves a connection to another alone. So what the kernel tracks of the host is forgotten, and the sockets of this
//! machine at whose other end it is are ended.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use super::netfilter::netlink::{self, CutError};
use crate::model::Addr;

/// Cuts the connections of hosts and networks; how many that were.
pub fn cut(addrs: &[Addr]) -> Result<u64, CutError> {
    let whose = Whose::new(addrs);
    netlink::cut(|ip| whose.has(ip))
}

/// Addresses and networks, to find one in which an address is among many.
struct Whose {
    addrs: HashSet<Addr>,
    /// How long their prefixes are.
    prefixes: BTreeSet<u8>,
}

impl Whose {
    fn new(addrs: &[Addr]) -> Self {
        let prefixes = addrs.iter().map(|addr| addr.prefix()).collect();
        Self { addrs: addrs.iter().copied().collect(), prefixes }
    }

    fn has(&self, ip: IpAddr) -> bool {
        let network = |prefix: &u8| Addr::network(ip, *prefix);
        self.prefixes.iter().filter_map(network).any(|network| self.addrs.contains(&network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_the_networks_that_it_is_in() {
        let addrs = ["192.0.2.1", "198.51.100.0/24", "2001:db8::/64"].map(|a| a.parse().unwrap());
        let whose = Whose::new(&addrs);
        for (ip, is_in) in [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("198.51.100.200", true),
            ("198.51.101.0", false),
            ("2001:db8::7", true),
            ("2001:db8:0:1::7", false),
        ] {
            assert_eq!(whose.has(ip.parse().unwrap()), is_in, "{ip}");
        }
    }
}
