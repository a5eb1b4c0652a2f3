//! nf_tables without the tool `nft`: elements of sets are read and changed by talking to the kernel.
//!
//! Tables, chains, sets and rules are made by `nft`, once. What is banned and what no longer is changes all the time,
//! and costs a system call or two here where it would cost a process.
//!
//! ```no_run
//! use f2b::enforce::netfilter::netlink::{Key, Nftables, SetChange, SetName};
//!
//! let set = SetName { table_family: 1, table: "f2b", set: "sshd" };
//! let ten_minutes = Some(600_000);
//! let add = vec![(Key::Host([192, 0, 2, 1].into()), ten_minutes)];
//! let mut nftables = Nftables::open()?;
//! nftables.change(&[SetChange { set, add, is_new: false, remove: vec![], flush: false }])?;
//! # Ok::<(), f2b::enforce::netfilter::netlink::NetlinkError>(())
//! ```

mod change;
mod conntrack;
mod element;
mod error;
mod ipset;
mod listener;
mod local;
mod message;
mod rule;
mod set;
mod socket;

pub use change::SetChange;
pub use error::{CutError, NetlinkError};
pub use ipset::{Ipset, IpsetHead};
pub use listener::{Elements, Event, Listener, Touched};
pub use rule::Rule;
pub use set::{Element, Key, SetInfo, SetName};

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustix::net::netlink as protocols;

use change::{Changes, Plan, attribute as list};
use element::Half;
use error::{Failed, fitting};
use message::{Attributes, Writer, kind};
use socket::{Request, Socket};

use crate::model::addr;

/// Kinds of attributes of sets, generations, chains and rules.
mod attribute {
    /// In what is told of anything: the table.
    pub(super) const TABLE: u16 = 1;
    pub(super) const SET_TABLE: u16 = 1;
    pub(super) const SET_NAME: u16 = 2;
    pub(super) const SET_FLAGS: u16 = 3;
    pub(super) const SET_KEY_TYPE: u16 = 4;
    pub(super) const SET_EXPRESSION: u16 = 17;
    pub(super) const SET_EXPRESSIONS: u16 = 18;
    pub(super) const GENERATION: u16 = 1;
    pub(super) const CHAIN_TABLE: u16 = 1;
    pub(super) const CHAIN_NAME: u16 = 3;
    pub(super) const RULE_TABLE: u16 = 1;
    pub(super) const RULE_CHAIN: u16 = 2;
}

const SET_INTERVAL: u32 = 4;
const SET_TIMEOUT: u32 = 16;

/// So often a set is read again that changed while it was read.
const READINGS: u32 = 50;

/// To find out whether more ranges than these are in a set, all of it is read.
const LOOKED_AT_ONE_BY_ONE: usize = 100;

/// So often a change is tried again that failed for an element that had gone.
const CHANGE_TRIES: u32 = 3;

/// A connection to nf_tables of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Nftables {
    socket: Socket,
}

impl Nftables {
    /// Connects; whether the process may do what it then asks for is told by the first request.
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = Socket::open(protocols::NETFILTER)
            .map_err(|errno| Failed::System(errno).about(&"connecting"))?;
        Ok(Self { socket })
    }

    /// A number that changes with each transaction, whosesoever.
    pub fn generation(&mut self) -> Result<u32, NetlinkError> {
        generation(&mut self.socket).map_err(|failed| failed.about(&"generation"))
    }

    /// What a set holds; none if its table or the set itself is missing.
    pub fn set(&mut self, set: &SetName<'_>) -> Result<Option<SetInfo>, NetlinkError> {
        let request = Request { kind: kind::GET_SET, family: set.table_family, is_dump: false };
        let named = |writer: &mut Writer| {
            writer.text(attribute::SET_TABLE, set.table);
            writer.text(attribute::SET_NAME, set.set);
        };
        let mut info = None;
        let read = self.socket.request(request, named, |message| {
            info = Some(set_info(&message.attributes()?)?);
            Ok(())
        });
        match read {
            Err(failed) if failed.is_missing() => Ok(None),
            Err(failed) => Err(failed.about(set)),
            Ok(()) => Ok(info),
        }
    }

    /// Whether a table has a chain.
    pub fn has_chain(
        &mut self,
        table_family: u8,
        table: &str,
        chain: &str,
    ) -> Result<bool, NetlinkError> {
        let request = Request { kind: kind::GET_CHAIN, family: table_family, is_dump: false };
        let named = |writer: &mut Writer| {
            writer.text(attribute::CHAIN_TABLE, table);
            writer.text(attribute::CHAIN_NAME, chain);
        };
        match self.socket.request(request, named, |_| Ok(())) {
            Err(failed) if failed.is_missing() => Ok(false),
            Err(failed) => Err(failed.about(&chain_name(table_family, table, chain))),
            Ok(()) => Ok(true),
        }
    }

    /// The rules of a chain, in their order and as they were at one moment; none if the chain is missing.
    pub fn rules(
        &mut self,
        table_family: u8,
        table: &str,
        chain: &str,
    ) -> Result<Option<Vec<Rule>>, NetlinkError> {
        if !self.has_chain(table_family, table, chain)? {
            return Ok(None);
        }
        let about = |failed: Failed| failed.about(&chain_name(table_family, table, chain));
        let request = Request { kind: kind::GET_RULE, family: table_family, is_dump: true };
        let read = self.at_one_moment(|socket| {
            let named = |writer: &mut Writer| {
                writer.text(attribute::RULE_TABLE, table);
                writer.text(attribute::RULE_CHAIN, chain);
            };
            let mut rules = Vec::new();
            socket.request(request, named, |message| {
                rules.push(rule::read(&message.attributes()?)?);
                Ok(())
            })?;
            Ok(Some(rules))
        });
        match read {
            // The chain went in the meantime, with its table.
            Err(failed) if failed.is_missing() => Ok(None),
            read => read.map(Some).map_err(about),
        }
    }

    /// Hands each element of a set to `take`, in ascending order, as they were at one moment.
    ///
    /// The set is read as a whole first, once more whenever it changes meanwhile: it takes 100 bytes an element.
    pub fn each_element(
        &mut self,
        set: &SetName<'_>,
        take: impl FnMut(Element),
    ) -> Result<(), NetlinkError> {
        let info = self.known(set)?;
        let read = self.at_one_moment(|socket| {
            let mut halves = Vec::new();
            elements(socket, set, true, |_| (), &mut halves)?;
            Ok(if info.is_interval { element::ranges(halves) } else { element::hosts(halves) })
        });
        read.map_err(|failed| failed.about(set))?.into_iter().for_each(take);
        Ok(())
    }

    /// The element in which a key lies with all its addresses: that of the key itself, or of a wider range.
    ///
    /// It costs the same whatever the size of the set.
    pub fn element(
        &mut self,
        set: &SetName<'_>,
        key: &Key,
    ) -> Result<Option<Element>, NetlinkError> {
        let info = self.known(set)?;
        self.element_of(set, info, key)
    }

    /// The same for many keys of one set, in their order.
    pub fn elements(
        &mut self,
        set: &SetName<'_>,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<Option<Element>>, NetlinkError> {
        let info = self.known(set)?;
        keys.into_iter().map(|key| self.element_of(set, info, &key)).collect()
    }

    fn element_of(
        &mut self,
        set: &SetName<'_>,
        info: SetInfo,
        key: &Key,
    ) -> Result<Option<Element>, NetlinkError> {
        let key = fitting(key, set, info)?;
        let found = if info.is_interval {
            self.range_of(set, key.bounds().0).map(element::ranges)
        } else {
            self.one(set, element::question(key.bounds().0)).map(element::hosts)
        };
        let found = found.map_err(|failed| failed.about(set))?.unwrap_or_default();
        Ok(found.into_iter().find(|element| element.key.holds(&key)))
    }

    /// Changes sets, each named once: all of it happens at once, or nothing does.
    ///
    /// A change of 100,000 addresses is one transaction like any other; it takes 10 MB for the time being.
    pub fn change(&mut self, changes: &[SetChange<'_>]) -> Result<(), NetlinkError> {
        let mut tries = 1;
        loop {
            let plans = changes.iter().map(|change| self.plan(change));
            let plans = plans.collect::<Result<Vec<_>, _>>()?;
            let mut messages = Changes::new(self.socket.begin());
            for plan in &plans {
                messages.put(plan);
            }
            let Some((batch, about)) = messages.end() else { return Ok(()) };
            match self.socket.batch(batch) {
                // Older kernels look at the clock for each element: one that was there when it was added may have
                // expired a moment later, when it is deleted.
                Err(failed) if failed.is_missing() && tries < CHANGE_TRIES => tries += 1,
                result => return result.map_err(|failed| about.error(failed)),
            }
        }
    }

    fn plan<'a>(&mut self, change: &SetChange<'a>) -> Result<Plan<'a>, NetlinkError> {
        let info = self.known(&change.set)?;
        let mut plan = Plan::new(change, info)?;
        if let Some(keys) = plan.to_look_for() {
            plan.found(self.present(&change.set, &keys)?)?;
        }
        Ok(plan)
    }

    fn known(&mut self, set: &SetName<'_>) -> Result<SetInfo, NetlinkError> {
        self.set(set)?.ok_or_else(|| NetlinkError::NoSuch { what: set.to_string() })
    }

    /// The elements of a set of ranges that hold the first or the last address of a key; others, too, if there are many.
    fn present(
        &mut self,
        set: &SetName<'_>,
        keys: &BTreeSet<Key>,
    ) -> Result<BTreeSet<Key>, NetlinkError> {
        let mut present = BTreeSet::new();
        // What lies between the ends is seen by the kernel when the range is added, unless it has no end.
        let is_open = |key: &Key| addr::behind(key.bounds().1).is_none();
        if keys.len() > LOOKED_AT_ONE_BY_ONE || keys.iter().any(is_open) {
            self.each_element(set, |element| present.extend([element.key]))?;
            return Ok(present);
        }
        for key in keys {
            let (first, last) = key.bounds();
            for end in BTreeSet::from([first, last]) {
                present.extend(self.element(set, &Key::Host(end))?.map(|element| element.key));
            }
        }
        Ok(present)
    }

    /// Of the range that an address lies in, the beginning and what comes next.
    fn range_of(&mut self, set: &SetName<'_>, address: IpAddr) -> Result<Vec<Half>, Failed> {
        let mut halves = self.one(set, element::question(address))?;
        // A range up to the last address has no end.
        if let Some(next) = addr::behind(address).filter(|_| !halves.is_empty()) {
            // The kernel doesn't find an end where the next range begins.
            let neighbour = self.one(set, element::question(next))?;
            let neighbour: Vec<_> =
                neighbour.into_iter().filter(|half| half.begins(next)).collect();
            if neighbour.is_empty() {
                halves.extend(self.one(set, element::end_question(next))?);
            }
            halves.extend(neighbour);
        }
        Ok(halves)
    }

    /// What the kernel finds of the element that is asked for.
    fn one(
        &mut self,
        set: &SetName<'_>,
        question: impl FnOnce(&mut Writer),
    ) -> Result<Vec<Half>, Failed> {
        let mut halves = Vec::new();
        let body = |writer: &mut Writer| writer.nested(list::ELEMENTS, question);
        match elements(&mut self.socket, set, false, body, &mut halves) {
            Err(failed) if failed.is_missing() => Ok(vec![]),
            result => result.map(|()| halves),
        }
    }

    /// Reads something, again while it changes or is only read in part.
    fn at_one_moment<T>(
        &mut self,
        mut read: impl FnMut(&mut Socket) -> Result<Option<T>, Failed>,
    ) -> Result<T, Failed> {
        for _ in 0..READINGS {
            // A transaction has its number before its changes are all made: those that have begun are waited for.
            let before = generation(&mut self.socket)?;
            self.socket.wait_for_others()?;
            let found = read(&mut self.socket);
            // The kernel marks a piece if there was a change since the one before. None comes after the last one.
            let now = generation(&mut self.socket)?;
            match found {
                Ok(Some(found)) if now == before => return Ok(found),
                Ok(_) | Err(Failed::Interrupted) => {}
                Err(failed) => return Err(failed),
            }
        }
        Err(Failed::Interrupted)
    }
}

/// Cuts the connections of whoever `is_meant`: those that the kernel tracks for them are forgotten, and the TCP sockets of
/// this machine at whose other end they are are ended. How many there were of both.
///
/// Only who has CAP_NET_ADMIN may do that, where the kernel can.
pub fn cut(is_meant: impl Fn(IpAddr) -> bool) -> Result<u64, CutError> {
    const TRACKED: &str = "forgetting tracked connections";
    const SOCKETS: &str = "ending sockets";
    let open = |protocol| Socket::open(protocol).map_err(Failed::System);
    // First: a socket that is ended sends a last packet, which is tracked.
    let ended = open(protocols::SOCK_DIAG)
        .and_then(|mut socket| local::destroy(&mut socket, &is_meant))
        .map_err(|failed| failed.in_cutting(SOCKETS));
    let forgotten = open(protocols::NETFILTER)
        .and_then(|mut socket| conntrack::forget(&mut socket, &is_meant))
        .map_err(|failed| failed.in_cutting(TRACKED));
    Ok(ended? + forgotten?)
}

fn generation(socket: &mut Socket) -> Result<u32, Failed> {
    let request = Request { kind: kind::GET_GENERATION, family: 0, is_dump: false };
    let mut generation = None;
    socket.request(
        request,
        |_| (),
        |message| {
            generation = message.attributes()?.number(attribute::GENERATION)?;
            Ok(())
        },
    )?;
    generation.ok_or(Failed::Strange("no generation"))
}

fn elements(
    socket: &mut Socket,
    set: &SetName<'_>,
    is_dump: bool,
    body: impl FnOnce(&mut Writer),
    halves: &mut Vec<Half>,
) -> Result<(), Failed> {
    let request = Request { kind: kind::GET_SET_ELEMENT, family: set.table_family, is_dump };
    let named = |writer: &mut Writer| {
        writer.text(list::TABLE, set.table);
        writer.text(list::SET, set.set);
        body(writer);
    };
    socket.request(request, named, |message| {
        let elements = message.attributes()?.find(list::ELEMENTS)?;
        element::read(elements.unwrap_or_default(), halves)
    })
}

fn set_info(set: &Attributes<'_>) -> Result<SetInfo, &'static str> {
    let flags = set.number(attribute::SET_FLAGS)?.unwrap_or(0);
    let key_type = set.number(attribute::SET_KEY_TYPE)?.ok_or("a set without a type")?;
    let counter = if let Some(one) = set.find(attribute::SET_EXPRESSION)? {
        element::count(one)?
    } else {
        element::counter_of(set.find(attribute::SET_EXPRESSIONS)?.unwrap_or_default())?
    };
    Ok(SetInfo {
        key_type,
        is_interval: flags & SET_INTERVAL != 0,
        has_timeout: flags & SET_TIMEOUT != 0,
        has_counter: counter.is_some(),
    })
}

fn chain_name(family: u8, table: &str, chain: &str) -> String {
    format!("chain '{chain}' of the table '{} {table}'", set::family_name(family))
}
