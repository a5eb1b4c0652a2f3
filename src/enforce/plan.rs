//! What has to change so that a gate keeps out whom it ought to. Nothing here touches a kernel or asks the time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

use crate::model::{Addr, Time, addr};

/// Whom a gate keeps out, and until when: `None` for good, or until somebody lets them in.
pub type Held = BTreeMap<Key, Option<Time>>;

/// Whom an element of a gate keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A host or a network.
    Addr(Addr),
    /// All addresses from one to another, both of them included.
    Range(IpAddr, IpAddr),
}

/// What has to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Who is to be kept out, and until when; who is kept out already, but until another time, is among them.
    pub add: Vec<Added>,
    /// Who is to be let in.
    pub remove: Vec<Key>,
}

/// An element to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Who.
    pub key: Key,
    /// Until when.
    pub until: Option<Time>,
    /// Whether it is known that the gate doesn't have it.
    pub is_new: bool,
}

impl Changes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// Kernels count in jiffies, ipset in seconds: ends of a ban that are no further apart are the same.
const SAME_US: i64 = 2_000_000;

/// What makes `found` into `wanted`.
pub fn plan(wanted: &Held, found: &Held) -> Changes {
    let mut changes = Changes::default();
    let mut found = found.iter().peekable();
    for (&key, &until) in wanted {
        while let Some((&other, _)) = found.next_if(|(other, _)| **other < key) {
            changes.remove.push(other);
        }
        match found.next_if(|(other, _)| **other == key) {
            Some((_, end)) if is_same(*end, until) => {}
            there => changes.add.push(Added { key, until, is_new: there.is_none() }),
        }
    }
    changes.remove.extend(found.map(|(key, _)| *key));
    changes
}

fn is_same(one: Option<Time>, other: Option<Time>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.micros().abs_diff(other.micros()) <= SAME_US.unsigned_abs(),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Adds a ban; who is banned more than once is kept out until the last of them is over.
pub fn hold(held: &mut Held, key: Key, until: Option<Time>) {
    match held.entry(key) {
        Entry::Vacant(free) => drop(free.insert(until)),
        Entry::Occupied(mut taken) => {
            let last = later(*taken.get(), until);
            taken.insert(last);
        }
    }
}

/// The later of two ends.
fn later(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => None,
    }
}

/// Networks of one family as ranges that have nothing in common, for sets that can't hold two of which one is in
/// the other. Each address is in a range that ends when the last ban of a network with it does: so the kernel
/// ends all of them at the right time, even with nobody there to put in what a wider network had covered.
pub fn ranges(networks: &Held) -> Held {
    let mut sweep = Sweep::default();
    let mut sorted: Vec<(Addr, Option<Time>)> = networks
        .iter()
        .filter_map(|(key, until)| match key {
            Key::Addr(addr) => Some((*addr, *until)),
            Key::Range(..) => None,
        })
        .collect();
    // A wider network stands before those in it.
    sorted.sort_by_key(|(network, _)| (network.ip(), network.prefix()));
    for (network, until) in sorted {
        sweep.open(network.ip(), network.last_ip(), until);
    }
    sweep.close();
    sweep.found.into_iter().map(|(from, to, until)| (Key::Range(from, to), until)).collect()
}

/// Goes along the addresses. Networks are nested or apart, so those open at an address are a stack.
#[derive(Default)]
struct Sweep {
    /// The last address of each, and when the last of it and those around it ends.
    open: Vec<(IpAddr, Option<Time>)>,
    /// The first address of which nothing was said; `None` beyond the last there is.
    from: Option<IpAddr>,
    found: Vec<(IpAddr, IpAddr, Option<Time>)>,
}

impl Sweep {
    fn open(&mut self, first: IpAddr, last: IpAddr, until: Option<Time>) {
        while self.open.last().is_some_and(|(end, _)| *end < first) {
            self.pop();
        }
        let around = self.open.last().copied();
        if let Some((_, end)) = around
            && let Some(from) = self.from.filter(|from| *from < first)
            && let Some(before) = addr::before(first)
        {
            self.say(from, before, end);
        }
        self.from = Some(first);
        let until = around.map_or(until, |(_, end)| later(end, until));
        self.open.push((last, until));
    }

    fn close(&mut self) {
        while !self.open.is_empty() {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some((last, until)) = self.open.pop() else { return };
        if let Some(from) = self.from.filter(|from| *from <= last) {
            self.say(from, last, until);
            self.from = addr::behind(last);
        }
    }

    fn say(&mut self, from: IpAddr, to: IpAddr, until: Option<Time>) {
        match self.found.last_mut() {
            Some((_, end, same)) if *same == until && addr::behind(*end) == Some(from) => *end = to,
            _ => self.found.push((from, to, until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "an end is one that may be none")]
    fn at(seconds: i64) -> Option<Time> {
        Some(Time::from_micros(seconds * 1_000_000))
    }

    fn key(text: &str) -> Key {
        Key::Addr(text.parse().unwrap())
    }

    fn held<const N: usize>(of: [(&str, Option<Time>); N]) -> Held {
        of.into_iter().map(|(text, until)| (key(text), until)).collect()
    }

    #[test]
    fn what_is_there_stays_and_the_rest_is_changed() {
        let wanted = held([("192.0.2.1", at(10)), ("192.0.2.2", at(10)), ("192.0.2.4", None)]);
        let found = held([("192.0.2.2", at(11)), ("192.0.2.3", None), ("192.0.2.4", at(99))]);
        let added = |text, until, is_new| Added { key: key(text), until, is_new };
        let changes = Changes {
            add: vec![added("192.0.2.1", at(10), true), added("192.0.2.4", None, false)],
            remove: vec![key("192.0.2.3")],
        };
        assert_eq!(plan(&wanted, &found), changes);
        assert!(plan(&wanted, &wanted).is_empty());
    }

    #[test]
    fn the_last_of_several_bans_counts() {
        let mut held = Held::new();
        for until in [at(5), at(9), at(7)] {
            hold(&mut held, key("192.0.2.1"), until);
        }
        assert_eq!(held[&key("192.0.2.1")], at(9));
        hold(&mut held, key("192.0.2.1"), None);
        hold(&mut held, key("192.0.2.1"), at(100));
        assert_eq!(held[&key("192.0.2.1")], None);
    }

    #[test]
    fn a_network_in_another_that_lasts_longer_is_a_range_of_its_own() {
        let networks =
            held([("10.0.0.0/8", at(10)), ("10.1.0.0/16", None), ("11.0.0.0/8", at(10))]);
        let range = |from: &str, to: &str| Key::Range(from.parse().unwrap(), to.parse().unwrap());
        let wanted = Held::from([
            (range("10.0.0.0", "10.0.255.255"), at(10)),
            (range("10.1.0.0", "10.1.255.255"), None),
            (range("10.2.0.0", "11.255.255.255"), at(10)),
        ]);
        assert_eq!(ranges(&networks), wanted);
        let all = held([("::/1", at(1)), ("8000::/1", at(1))]);
        let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(ranges(&all), Held::from([(range("::", last), at(1))]));
    }

    proptest! {
        #[test]
        fn each_address_is_kept_out_as_long_as_a_network_with_it_is(
            networks in proptest::collection::vec((0_u32..256, 24_u8..33, 0_i64..4), 0..12),
        ) {
            let mut held = Held::new();
            for (last, prefix, until) in networks {
                let ip = IpAddr::V4(Ipv4Addr::from(0xc000_0200 + last));
                let addr = Addr::network(ip, prefix).unwrap();
                hold(&mut held, Key::Addr(addr), if until == 0 { None } else { at(until) });
            }
            let ranges = ranges(&held);
            for last in 0..256 {
                let ip = IpAddr::V4(Ipv4Addr::from(0xc000_0200 + last));
                let mut wanted = None;
                for (key, until) in &held {
                    if matches!(key, Key::Addr(addr) if addr.contains(Addr::host(ip))) {
                        wanted = Some(wanted.map_or(*until, |w| later(w, *until)));
                    }
                }
                let is_in = |key: &Key| matches!(key, Key::Range(a, b) if *a <= ip && ip <= *b);
                let found: Vec<_> = ranges.iter().filter(|(key, _)| is_in(key)).collect();
                prop_assert_eq!(found.first().map(|(_, until)| **until), wanted);
                prop_assert!(found.len() <= 1);
            }
        }
    }
}
