//! nf_tables in process: the elements of sets, and cheap looks at sets and rules.
//!
//! The tool `nft` makes tables, chains, sets and rules; it takes milliseconds for that, and a second for whatever makes
//! it read a set of 100,000 hosts. Here is what happens at each ban, over the kernel's own interface: netlink, protocol
//! `NETLINK_NETFILTER`, subsystem `NFNL_SUBSYS_NFTABLES` (linux/netfilter/nf_tables.h). One [`change`](Nftables::change)
//! is one transaction of the kernel: all of it happens, or nothing.

mod message;
mod socket;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use self::message::{Attributes, Message};
use self::socket::Socket;

/// A connection to nf_tables of the network namespace that this process is in.
#[derive(Debug)]
pub struct Nftables {
    socket: Socket,
}

/// Why the kernel did not answer, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// This process may not (`EPERM`).
    #[error("not permitted")]
    NotPermitted,
    /// A table, chain, set or element isn't there (`ENOENT`).
    #[error("there is no such table, set or element")]
    NoSuch,
    /// Something else.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A reply that makes no sense.
    #[error("the kernel's reply can't be read")]
    Strange,
}

/// A set.
#[derive(Clone, Copy, Debug)]
pub struct SetName<'n> {
    /// The family of its table, `NFPROTO_INET` and so on.
    pub table_family: u8,
    /// Its table.
    pub table: &'n str,
    /// Its name.
    pub set: &'n str,
}

/// What an element of a set stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A host, in a set of hosts.
    Host(IpAddr),
    /// All addresses from one to another, both included, in a set of intervals.
    Range(IpAddr, IpAddr),
}

/// An element of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it stands for.
    pub key: Key,
    /// How long it lives yet; `None` for good.
    pub left_ms: Option<u64>,
    /// How many packets and bytes came from there, if the set counts that.
    pub counted: Option<Counted>,
}

/// What a counter has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packets.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What a set can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetInfo {
    /// Intervals rather than hosts.
    pub is_interval: bool,
    /// Elements that end.
    pub has_timeout: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// By which it is deleted.
    pub handle: u64,
    /// The sets that it looks into.
    pub sets: Vec<String>,
}

/// A change of a set's elements; what is removed goes first.
#[derive(Debug)]
pub struct SetChange<'c> {
    /// The set.
    pub set: SetName<'c>,
    /// What goes; it need not be there.
    pub remove: Vec<Key>,
    /// What comes, and how long it lives, in milliseconds; `None` for good.
    pub add: Vec<(Key, Option<u64>)>,
    /// Whether it is known that nothing of it is there.
    pub is_new: bool,
}

/// Messages, `NFT_MSG_*`.
mod kind {
    pub(super) const GET_RULE: u8 = 7;
    pub(super) const GET_SET: u8 = 10;
    pub(super) const NEW_ELEMENT: u8 = 12;
    pub(super) const GET_ELEMENT: u8 = 13;
    pub(super) const DELETE_ELEMENT: u8 = 14;
}

const SET_TABLE: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_FLAG_INTERVAL: u32 = 4;
const SET_FLAG_TIMEOUT: u32 = 0x10;
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const LOOKUP_SET: u16 = 1;
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const LIST_ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_FLAGS: u16 = 3;
const ELEMENT_TIMEOUT: u16 = 4;
const ELEMENT_EXPIRATION: u16 = 5;
const ELEMENT_EXPRESSION: u16 = 7;
const ELEMENT_FLAG_END: u32 = 1;
const DATA_VALUE: u16 = 1;
const COUNTER_BYTES: u16 = 1;
const COUNTER_PACKETS: u16 = 2;

/// As many bytes of elements as one message holds: the length of an attribute has 16 bits.
const LIST_MAX_BYTES: usize = 60_000;

/// An element as the kernel has it: an address, or the first one behind an interval.
#[derive(Clone, Copy, Debug)]
struct Raw {
    ip: IpAddr,
    is_end: bool,
    left_ms: Option<u64>,
    counted: Option<Counted>,
}

impl Nftables {
    /// Opens the connection.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { socket: Socket::open()? })
    }

    /// What a set can hold; `None` if it, or its table, isn't there.
    pub fn set(&mut self, set: &SetName<'_>) -> Result<Option<SetInfo>, NetlinkError> {
        let mut message = Message::new(kind::GET_SET, set.table_family);
        message.text(SET_TABLE, set.table);
        message.text(SET_NAME, set.set);
        let mut info = None;
        let asked = self.socket.ask(message, false, |attributes| {
            let flags = attributes.get(SET_FLAGS).and_then(message::number).unwrap_or(0);
            info = Some(SetInfo {
                is_interval: flags & SET_FLAG_INTERVAL != 0,
                has_timeout: flags & SET_FLAG_TIMEOUT != 0,
            });
            Ok(())
        });
        match asked {
            Err(NetlinkError::NoSuch) => Ok(None),
            asked => asked.map(|()| info),
        }
    }

    /// The rules of a chain; `None` if the chain isn't there.
    pub fn rules(
        &mut self,
        table_family: u8,
        table: &str,
        chain: &str,
    ) -> Result<Option<Vec<Rule>>, NetlinkError> {
        let mut message = Message::new(kind::GET_RULE, table_family);
        message.text(RULE_TABLE, table);
        message.text(RULE_CHAIN, chain);
        let mut rules = Vec::new();
        let asked = self.socket.ask(message, true, |attributes| {
            let handle = attributes.get(RULE_HANDLE).and_then(message::long);
            let handle = handle.ok_or(NetlinkError::Strange)?;
            let expressions = attributes.get(RULE_EXPRESSIONS).unwrap_or_default();
            let sets = Attributes(expressions).each().filter_map(|(_, expression)| {
                let expression = Attributes(expression);
                let name = expression.get(EXPRESSION_NAME).map(message::text)?;
                let data = Attributes(expression.get(EXPRESSION_DATA)?);
                (name == "lookup").then(|| data.get(LOOKUP_SET).map(message::text)).flatten()
            });
            rules.push(Rule { handle, sets: sets.collect() });
            Ok(())
        });
        match asked {
            Err(NetlinkError::NoSuch) => Ok(None),
            asked => asked.map(|()| Some(rules)),
        }
    }

    /// Hands over the elements of a set: hosts in any order, ranges in that of addresses.
    pub fn each_element(
        &mut self,
        set: &SetName<'_>,
        mut take: impl FnMut(Element),
    ) -> Result<(), NetlinkError> {
        let is_interval = self.set(set)?.ok_or(NetlinkError::NoSuch)?.is_interval;
        let mut message = Message::new(kind::GET_ELEMENT, set.table_family);
        message.text(LIST_TABLE, set.table);
        message.text(LIST_SET, set.set);
        let mut raw = Vec::new();
        self.socket.ask(message, true, |attributes| {
            let list = attributes.get(LIST_ELEMENTS).unwrap_or_default();
            for (_, element) in Attributes(list).each() {
                raw.push(Raw::read(Attributes(element)).ok_or(NetlinkError::Strange)?);
            }
            Ok(())
        })?;
        if is_interval {
            ranges(raw).into_iter().for_each(take);
        } else {
            let host =
                |Raw { ip, left_ms, counted, .. }| Element { key: Key::Host(ip), left_ms, counted };
            raw.into_iter().map(host).for_each(&mut take);
        }
        Ok(())
    }

    /// Changes sets in one transaction.
    ///
    /// A kernel before 6.12 leaves an element that is added once more as it is, and one before 6.3 refuses the whole
    /// transaction if an element to be deleted isn't there. Both are got round in the same way: what may be there, or
    /// not, is added, deleted and, if it is to stay, added again.
    pub fn change(&mut self, changes: &[SetChange<'_>]) -> Result<(), NetlinkError> {
        let mut batch = Vec::new();
        for change in changes {
            let gone: Vec<_> = change.remove.iter().map(|key| (*key, None)).collect();
            batch.extend(lists(kind::NEW_ELEMENT, &change.set, &gone));
            batch.extend(lists(kind::DELETE_ELEMENT, &change.set, &gone));
            if !change.is_new {
                let bare: Vec<_> = change.add.iter().map(|(key, _)| (*key, None)).collect();
                batch.extend(lists(kind::NEW_ELEMENT, &change.set, &bare));
                batch.extend(lists(kind::DELETE_ELEMENT, &change.set, &bare));
            }
            batch.extend(lists(kind::NEW_ELEMENT, &change.set, &change.add));
        }
        if batch.is_empty() { Ok(()) } else { self.socket.transact(batch) }
    }
}

/// The messages that do something with elements of a set.
fn lists(kind: u8, set: &SetName<'_>, elements: &[(Key, Option<u64>)]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut rest = elements.iter().peekable();
    while rest.peek().is_some() {
        let mut message = Message::new(kind, set.table_family);
        message.text(LIST_TABLE, set.table);
        message.text(LIST_SET, set.set);
        message.nest(LIST_ELEMENTS, |list| {
            while list.len() < LIST_MAX_BYTES
                && let Some((key, left_ms)) = rest.next()
            {
                match *key {
                    Key::Host(ip) => put(list, ip, false, *left_ms),
                    Key::Range(from, to) => {
                        put(list, from, false, *left_ms);
                        // A range to the last address there is has no end.
                        if let Some(end) = next(to) {
                            put(list, end, true, None);
                        }
                    }
                }
            }
        });
        messages.push(message);
    }
    messages
}

fn put(list: &mut Message, ip: IpAddr, is_end: bool, left_ms: Option<u64>) {
    list.nest(LIST_ELEMENT, |element| {
        element.nest(ELEMENT_KEY, |key| match ip {
            IpAddr::V4(ip) => key.bytes(DATA_VALUE, &ip.octets()),
            IpAddr::V6(ip) => key.bytes(DATA_VALUE, &ip.octets()),
        });
        if is_end {
            element.bytes(ELEMENT_FLAGS, &ELEMENT_FLAG_END.to_be_bytes());
        }
        if let Some(left_ms) = left_ms {
            element.bytes(ELEMENT_TIMEOUT, &left_ms.to_be_bytes());
        }
    });
}

/// The address behind another; `None` behind the last.
fn next(ip: IpAddr) -> Option<IpAddr> {
    Some(match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).checked_add(1)?).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).checked_add(1)?).into(),
    })
}

/// The address before another; itself if it is the first.
fn previous(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).saturating_sub(1)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).saturating_sub(1)).into(),
    }
}

impl Raw {
    fn read(element: Attributes<'_>) -> Option<Self> {
        let value = Attributes(element.get(ELEMENT_KEY)?).get(DATA_VALUE)?;
        let ip = match value.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(value).ok()?),
            16 => IpAddr::from(<[u8; 16]>::try_from(value).ok()?),
            _ => return None,
        };
        let flags = element.get(ELEMENT_FLAGS).and_then(message::number).unwrap_or(0);
        let counter = element.get(ELEMENT_EXPRESSION).map(Attributes);
        let counter = counter.and_then(|counter| counter.get(EXPRESSION_DATA)).map(Attributes);
        let count = |counter: Attributes<'_>, which| counter.get(which).and_then(message::long);
        Some(Self {
            ip,
            is_end: flags & ELEMENT_FLAG_END != 0,
            left_ms: element.get(ELEMENT_EXPIRATION).and_then(message::long),
            counted: counter.and_then(|counter| {
                let packets = count(counter, COUNTER_PACKETS)?;
                Some(Counted { packets, bytes: count(counter, COUNTER_BYTES)? })
            }),
        })
    }
}

/// Begins and ends as ranges.
fn ranges(mut raw: Vec<Raw>) -> Vec<Element> {
    // Where one range ends and the next begins, the end comes first.
    raw.sort_by_key(|raw| (raw.ip, !raw.is_end));
    let last = |ip: IpAddr| -> IpAddr {
        if ip.is_ipv4() { Ipv4Addr::BROADCAST.into() } else { Ipv6Addr::from(u128::MAX).into() }
    };
    let begins = raw.iter().enumerate().filter(|(_, raw)| !raw.is_end);
    let range = |(place, begin): (usize, &Raw)| {
        let to = raw.get(place + 1).map_or_else(|| last(begin.ip), |next| previous(next.ip));
        let Raw { ip, left_ms, counted, .. } = *begin;
        Element { key: Key::Range(ip, to), left_ms, counted }
    };
    begins.map(range).collect()
}
