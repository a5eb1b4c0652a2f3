//! Noticing that others have changed the packet filters.
//!
//! nf_tables tells whoever listens what was done, iptables-nft's rules included. What this process has done itself, or
//! a tool that it ran, doesn't count. Of ipset and iptables-legacy nobody is told: they are looked at from time to time,
//! with [`Foreign::untold`] for what may have happened.
//!
//! Only what takes something away is listened for: of what others put in, nothing lets a host in that is banned, but for
//! rules before ours, which are an administrator's business, and rules in a chain of iptables that is f2b's own.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::gate::{Gate, Place};
use super::kernel::KernelError;
use super::netfilter::netlink::{Event, Listener, Touched};
use super::netfilter::nftables::table_family;
use super::netfilter::{Jumps, NftSet};
use crate::model::Addr;

/// Listens to what others do to nf_tables of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Monitor {
    listener: Listener,
}

/// What others have changed, or may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// More than is known.
    is_everything: bool,
    /// Whatever nobody is told of.
    is_untold: bool,
    changes: BTreeSet<Change>,
}

/// Something of a table that was changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    /// `NFPROTO_*` of the table.
    family: u8,
    table: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Table,
    /// Rules were taken out of this chain, or all of it.
    Chain(String),
    /// Rules were put into this chain.
    Rules(String),
    Set(String),
    /// Elements were taken out of this set.
    Elements(String),
    /// This one was.
    Element(String, IpAddr),
}

/// Of more changes than this at once, elements are not remembered one by one.
const CHANGES_MAX: usize = 1000;

/// What a change means to a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Nothing.
    No,
    /// Its sets, chains or rules may have changed.
    Rules,
    /// The same, and some hosts may not be kept out: [`Foreign::hosts`].
    Some,
    /// Whom it keeps out may have changed as well.
    Hosts,
}

impl Monitor {
    /// Begins to listen, for which a process needs CAP_NET_ADMIN.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self { listener: Listener::open()? })
    }

    /// Becomes readable when something was done, perhaps by this process itself.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.listener.fd()
    }

    /// What others have done since the last time. Doesn't wait.
    pub fn read(&mut self) -> io::Result<Foreign> {
        let mut foreign = Foreign::default();
        let is_all = self.listener.read(|event| foreign.add(event))?;
        foreign.is_everything = !is_all;
        Ok(foreign)
    }
}

impl Foreign {
    /// Anything may have changed.
    pub fn everything() -> Self {
        Self { is_everything: true, ..Self::default() }
    }

    /// What nobody is told of may have changed: sets of ipset, rules of iptables-legacy.
    pub fn untold() -> Self {
        Self { is_untold: true, ..Self::default() }
    }

    /// Whether nothing has changed.
    pub fn is_nothing(&self) -> bool {
        !self.is_everything && !self.is_untold && self.changes.is_empty()
    }

    fn add(&mut self, event: Event<'_>) {
        let whole = Change::of(event);
        let Some(change) = whole.filter(|change| !self.changes.contains(change)) else { return };
        let Touched::Elements(set, elements) = event.touched else {
            self.changes.insert(change);
            return;
        };
        match elements.addresses().filter(|_| self.changes.len() < CHANGES_MAX) {
            Some(addresses) => self.changes.extend(addresses.into_iter().map(|address| Change {
                what: What::Element(set.to_owned(), address),
                ..change.clone()
            })),
            None => drop(self.changes.insert(change)),
        }
    }

    /// The hosts that were taken out of a gate's set, as far as they are known one by one.
    pub fn hosts(&self, gate: &Gate) -> Vec<Addr> {
        let Place::Nftables(set) = &gate.place else { return Vec::new() };
        let own = self.changes.iter().filter(|change| change.concern_of_set(set) == Concern::Some);
        let host = |change: &Change| match change.what {
            What::Element(_, address) => Some(Addr::host(address)),
            _ => None,
        };
        own.filter_map(host).collect()
    }

    /// Adds what has changed later.
    pub fn join(&mut self, later: Self) {
        self.is_everything |= later.is_everything;
        self.is_untold |= later.is_untold;
        self.changes.extend(later.changes);
    }

    /// Whether something may have changed of which nobody is told.
    pub fn is_untold(&self) -> bool {
        self.is_everything || self.is_untold
    }

    /// What it means to a gate, by names alone.
    pub fn concern(&self, gate: &Gate) -> Concern {
        if self.is_everything {
            return Concern::Hosts;
        }
        let concerns = self.changes.iter().map(|change| match &gate.place {
            Place::Nftables(set) => change.concern_of_set(set),
            Place::Iptables(chain) => change.concern_of_jumps(&chain.jumps, Some(&chain.name)),
            Place::Ipset(set) => change.concern_of_jumps(&set.jumps, None),
        });
        concerns.max().unwrap_or(Concern::No)
    }
}

impl Change {
    /// What something that was done has changed; `None` if that lets nobody in.
    fn of(event: Event<'_>) -> Option<Self> {
        let what = match (event.touched, event.is_deleted) {
            (Touched::Table, true) => What::Table,
            (Touched::Chain(chain) | Touched::Rule(chain), true) => What::Chain(chain.to_owned()),
            (Touched::Rule(chain), false) => What::Rules(chain.to_owned()),
            (Touched::Set(set), true) => What::Set(set.to_owned()),
            (Touched::Elements(set, _), true) => What::Elements(set.to_owned()),
            (
                Touched::Table | Touched::Chain(_) | Touched::Set(_) | Touched::Elements(..),
                false,
            ) => {
                return None;
            }
        };
        Some(Self { family: event.family, table: event.table.to_owned(), what })
    }

    fn concern_of_set(&self, set: &NftSet) -> Concern {
        if self.family != table_family(&set.table_family) || self.table != set.table {
            return Concern::No;
        }
        match &self.what {
            // With the set goes whom it holds; another may have its name.
            What::Table => Concern::Hosts,
            What::Set(name) | What::Elements(name) if *name == set.set => Concern::Hosts,
            // The first address of a range doesn't say which was taken out.
            What::Element(name, _) if *name == set.set && set.is_interval => Concern::Hosts,
            What::Element(name, _) if *name == set.set => Concern::Some,
            What::Chain(name) if *name == set.chain => Concern::Rules,
            _ => Concern::No,
        }
    }

    /// What it means to rules of iptables, and the chain of hosts that they lead to.
    fn concern_of_jumps(&self, jumps: &Jumps, own: Option<&String>) -> Concern {
        if self.family != jumps.table_family() || self.table != Jumps::TABLE {
            return Concern::No;
        }
        match &self.what {
            What::Table => Concern::Hosts,
            What::Chain(name) | What::Rules(name) if own == Some(name) => Concern::Hosts,
            What::Chain(name) if jumps.rules.iter().any(|jump| jump.chain == *name) => {
                Concern::Rules
            }
            _ => Concern::No,
        }
    }
}
