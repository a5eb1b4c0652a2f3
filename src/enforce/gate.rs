//! Places in a packet filter where hosts are kept out.
//!
//! A [`Gate`] is what a packet filter action of a jail comes to for one family of addresses: parameters read, no text
//! left to interpret. Its name, the set's or the chain's, is what makes it f2b's own: two jails whose actions have the
//! same parameters share one, as fail2ban's would share the chain, and nothing with another name is ever touched.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::netfilter::{Chain, IpSet, NftSet};
use super::properties::Properties;
use super::stock::Stock;
use crate::config::ActionDef;
use crate::model::{Addr, Family};

/// A place where hosts are kept out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gate {
    /// Whom it can keep out.
    pub takes: Takes,
    /// Addresses of which family.
    pub family: Family,
    /// Where it is.
    pub place: Place,
}

/// Whom a gate can keep out.
///
/// DIFFERS: where fail2ban has one set for hosts and networks (nftables since 1.1), f2b has two. Adding a host to a
/// set of intervals takes time in proportion to its size (nft 1.0: 840 ms at 100,000), to a set of hosts it doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Takes {
    /// Single hosts.
    Hosts,
    /// Networks.
    Networks,
    /// Both.
    Both,
}

/// Where a gate is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In a set of nftables.
    Nftables(NftSet),
    /// In a chain of iptables.
    Iptables(Chain),
    /// In a set of ipset.
    Ipset(IpSet),
}

impl Gate {
    /// The gates of an action; `None` if it is no stock action, or one with parameters that only its own commands
    /// understand.
    pub fn of(action: &ActionDef) -> Option<Vec<Self>> {
        let stock = Stock::of(action.shape?)?;
        let mut gates = Vec::new();
        for family in Family::ALL {
            let properties = Properties::new(action, family.name());
            match stock {
                Stock::Nftables => {
                    let (hosts, networks) = NftSet::of(properties)?;
                    gates.push(Self::new(Takes::Hosts, family, Place::Nftables(hosts)));
                    gates.push(Self::new(Takes::Networks, family, Place::Nftables(networks)));
                }
                Stock::Iptables => {
                    gates.push(Self::new(
                        Takes::Both,
                        family,
                        Place::Iptables(Chain::of(properties)?),
                    ));
                }
                Stock::Ipset => {
                    let (hosts, networks) = IpSet::of(properties, family)?;
                    gates.push(Self::new(Takes::Hosts, family, Place::Ipset(hosts)));
                    gates.push(Self::new(Takes::Networks, family, Place::Ipset(networks)));
                }
            }
        }
        Some(gates)
    }

    fn new(takes: Takes, family: Family, place: Place) -> Self {
        Self { takes, family, place }
    }

    /// Whether this gate is the one for `addr`.
    pub fn is_for(&self, addr: Addr) -> bool {
        let takes = match self.takes {
            Takes::Hosts => addr.is_host(),
            Takes::Networks => !addr.is_host(),
            Takes::Both => true,
        };
        takes && addr.family() == self.family
    }

    /// Which packets come by it, each rule in the words of its packet filter: `tcp dport { 22 }`, `-p tcp --dport 22`.
    pub fn packets(&self) -> Vec<String> {
        match &self.place {
            Place::Nftables(set) => {
                let rule = |[before, _]: &[String; 2]| {
                    let words: Vec<&str> = before.split(' ').collect();
                    // Behind them are the address and whose it is.
                    words[..words.len().saturating_sub(2)].join(" ")
                };
                set.rules.iter().map(rule).collect()
            }
            Place::Iptables(Chain { jumps, .. }) | Place::Ipset(IpSet { jumps, .. }) => {
                jumps.rules.iter().map(|rule| rule.matches.join(" ")).collect()
            }
        }
    }

    /// Whether two gates have their hosts in the same place, however these are let in on it.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.family == other.family
            && match (&self.place, &other.place) {
                (Place::Nftables(one), Place::Nftables(other)) => one.is_same_set(other),
                (Place::Iptables(one), Place::Iptables(other)) => one.is_same_chain(other),
                (Place::Ipset(one), Place::Ipset(other)) => one.name == other.name,
                _ => false,
            }
    }

    /// Lets packets in on it that another gate in the same place is for, too.
    pub fn join(&mut self, other: &Self) {
        match (&mut self.place, &other.place) {
            (Place::Nftables(one), Place::Nftables(other)) => one.join(other),
            (Place::Iptables(one), Place::Iptables(other)) => one.jumps.join(&other.jumps),
            (Place::Ipset(one), Place::Ipset(other)) => one.jumps.join(&other.jumps),
            _ => {}
        }
    }

    /// What of this gate another in the same place has not; `None` if that is nothing that would be left behind.
    pub fn less(mut self, other: &Self) -> Option<Self> {
        let jumps = match (&mut self.place, &other.place) {
            (Place::Iptables(one), Place::Iptables(other)) => {
                one.jumps.less(&other.jumps);
                &one.jumps
            }
            (Place::Ipset(one), Place::Ipset(other)) => {
                // Rules that do something else with whom they find are others.
                if one.target == other.target {
                    one.jumps.less(&other.jumps);
                }
                &one.jumps
            }
            // Rules that name a set are exchanged as a whole, in the chain where they are to be.
            (Place::Nftables(one), Place::Nftables(other)) if one.chain != other.chain => {
                return Some(self);
            }
            _ => return None,
        };
        let is_left = !jumps.rules.is_empty();
        is_left.then_some(self)
    }
}

/// Where it is, as a user would look for it: `nftables inet f2b-table addr-set-sshd`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nftables(set) => {
                write!(f, "nftables {} {} {}", set.table_family, set.table, set.set)
            }
            Self::Iptables(chain) => write!(f, "{} {}", chain.jumps.program, chain.name),
            Self::Ipset(set) => write!(f, "ipset {}", set.name),
        }
    }
}
