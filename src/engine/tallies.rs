//! Failures by host.
//!
//! An attack may come from millions of addresses, each of them once; a scan keeps them all until it is told which are
//! the worst. A single IPv4 address takes 24 bytes, in one table: 5 million take 200 MB, and 100 MB more for the moment
//! in which that table grows. Networks, IPv6 and names are rarer, and take what they take.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use foldhash::fast::RandomState;

use crate::model::{Addr, Host, Time};

/// The failures of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub failures: u64,
    /// Time of the earliest dated one.
    pub first: Option<Time>,
    /// Time of the latest dated one.
    pub last: Option<Time>,
}

impl Tally {
    fn once(at: Option<Time>) -> Self {
        Self { failures: 1, first: at, last: at }
    }

    fn add(&mut self, other: Self) {
        self.failures += other.failures;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.max(other.last);
    }
}

/// A tally in 20 bytes, which the four of an address make 24.
#[derive(Clone, Copy, Debug)]
struct Packed {
    /// What is beyond 32 bits stands in [`Tallies::beyond`].
    failures: u32,
    first_us: [u32; 2],
    last_us: [u32; 2],
}

/// Times that no line has say that there is none; as any time they are later and earlier than all others.
const NO_FIRST: i64 = i64::MAX;
const NO_LAST: i64 = i64::MIN;

impl Packed {
    const NONE: Self = Self { failures: 0, first_us: halves(NO_FIRST), last_us: halves(NO_LAST) };

    /// Adds, and says by how many times 2^32 the number is too large for it.
    fn add(&mut self, other: Tally) -> u64 {
        let failures = u64::from(self.failures) + other.failures;
        let first = other.first.map_or(NO_FIRST, Time::micros).min(whole(self.first_us));
        let last = other.last.map_or(NO_LAST, Time::micros).max(whole(self.last_us));
        (self.first_us, self.last_us) = (halves(first), halves(last));
        #[expect(clippy::cast_possible_truncation, reason = "the rest is handed back")]
        {
            self.failures = failures as u32;
        }
        failures >> 32
    }

    fn unpacked(self, beyond: u64) -> Tally {
        let time = |us: i64| Time::from_micros(us);
        let (first, last) = (whole(self.first_us), whole(self.last_us));
        Tally {
            failures: u64::from(self.failures) + (beyond << 32),
            first: (first != NO_FIRST).then(|| time(first)),
            last: (last != NO_LAST).then(|| time(last)),
        }
    }
}

/// Two halves are aligned as an address is, a whole would leave a gap behind it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both halves are kept")]
const fn halves(us: i64) -> [u32; 2] {
    [(us as u64 >> 32) as u32, us as u32]
}

const fn whole([high, low]: [u32; 2]) -> i64 {
    ((high as u64) << 32 | low as u64).cast_signed()
}

/// Failures by host; addresses are kept apart from names so that counting one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    /// Single IPv4 addresses.
    singles: HashMap<u32, Packed, RandomState>,
    /// How many times 2^32 failures the busiest of them have besides.
    beyond: HashMap<u32, u64, RandomState>,
    /// Other addresses.
    addrs: HashMap<Addr, Tally, RandomState>,
    names: HashMap<Box<str>, Tally>,
}

impl Tallies {
    /// Counts a failure of an address.
    pub fn count_addr(&mut self, addr: Addr, at: Option<Time>) {
        self.add_addr(addr, Tally::once(at));
    }

    /// Counts a failure of anything.
    pub fn count(&mut self, host: &Host, at: Option<Time>) {
        match host {
            Host::Addr(addr) => self.count_addr(*addr, at),
            Host::Name(name) => {
                self.names.entry(name.clone()).or_default().add(Tally::once(at));
            }
        }
    }

    /// How many hosts there are.
    pub fn len(&self) -> usize {
        self.singles.len() + self.addrs.len() + self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All hosts, most failures first, equal ones in the order of addresses.
    pub fn ranked(&self) -> Vec<(Host, Tally)> {
        let mut all: Vec<_> = self.each().collect();
        all.sort_by(|(a, x), (b, y)| y.failures.cmp(&x.failures).then_with(|| a.cmp(b)));
        all
    }

    /// The first `limit` of the [ranked](Self::ranked).
    pub fn top(&self, limit: usize) -> Vec<(Host, Tally)> {
        let mut top = BinaryHeap::new();
        // The hosts of the worst, in `top` by rank; few, so that none is kept for the many others.
        let mut least = 0;
        for (host, tally) in self.each() {
            if top.len() == limit && tally.failures < least {
                continue;
            }
            top.push((Reverse(tally.failures), host));
            if top.len() > limit {
                top.pop();
                least = top.peek().map_or(0, |(Reverse(failures), _)| *failures);
            }
        }
        let top = top.into_sorted_vec().into_iter();
        top.map(|(_, host)| (host.clone(), self.of(&host))).collect()
    }

    fn each(&self) -> impl Iterator<Item = (Host, Tally)> {
        let singles = self.singles.keys().map(|ip| (single(*ip), self.of_single(*ip)));
        let addrs = self.addrs.iter().map(|(addr, tally)| (Host::Addr(*addr), *tally));
        let names = self.names.iter().map(|(name, tally)| (Host::Name(name.clone()), *tally));
        singles.chain(addrs).chain(names)
    }

    /// The failures of one host.
    fn of(&self, host: &Host) -> Tally {
        let tally = match host {
            Host::Addr(addr) => match single_ip(*addr) {
                Some(ip) => return self.of_single(ip),
                None => self.addrs.get(addr),
            },
            Host::Name(name) => self.names.get(name),
        };
        tally.copied().unwrap_or_default()
    }

    fn of_single(&self, ip: u32) -> Tally {
        let packed = self.singles.get(&ip).copied().unwrap_or(Packed::NONE);
        packed.unpacked(self.beyond.get(&ip).copied().unwrap_or(0))
    }

    fn add_addr(&mut self, addr: Addr, tally: Tally) {
        match single_ip(addr) {
            Some(ip) => self.add_single(ip, tally),
            None => self.addrs.entry(addr).or_default().add(tally),
        }
    }

    fn add_single(&mut self, ip: u32, tally: Tally) {
        let beyond = self.singles.entry(ip).or_insert(Packed::NONE).add(tally);
        if beyond > 0 {
            *self.beyond.entry(ip).or_default() += beyond;
        }
    }

    /// Adds the failures of another part of the input.
    pub(super) fn add(&mut self, other: Self) {
        for ip in other.singles.keys() {
            self.add_single(*ip, other.of_single(*ip));
        }
        for (addr, tally) in other.addrs {
            self.addrs.entry(addr).or_default().add(tally);
        }
        for (name, tally) in other.names {
            self.names.entry(name).or_default().add(tally);
        }
    }
}

fn single_ip(addr: Addr) -> Option<u32> {
    match addr.ip() {
        IpAddr::V4(ip) if addr.is_host() => Some(ip.into()),
        _ => None,
    }
}

fn single(ip: u32) -> Host {
    Host::Addr(Addr::host(IpAddr::V4(Ipv4Addr::from(ip))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_takes_24_bytes() {
        assert_eq!(size_of::<(u32, Packed)>(), 24);
    }

    #[test]
    fn hosts_are_counted_and_ranked() {
        let mut some = Tallies::default();
        let mut others = Tallies::default();
        let at = |secs| Some(Time::from_secs(secs));
        let hosts = ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "mail", "192.0.2.9", "0.0.0.0"];
        for (n, host) in (0..).zip(hosts) {
            let host = Host::parse(host);
            for time in [None, at(n), at(-n)] {
                some.count(&host, time);
                others.count(&host, at(100));
            }
        }
        some.count(&Host::parse("192.0.2.9"), None);
        some.count(&Host::parse("192.0.2.77"), None);
        some.add(others);
        let ranked = some.ranked();
        assert_eq!(
            ranked[0],
            (Host::parse("192.0.2.9"), Tally { failures: 7, first: at(-4), last: at(100) })
        );
        assert_eq!(
            ranked[6],
            (Host::parse("192.0.2.77"), Tally { failures: 1, first: None, last: None })
        );
        assert!(ranked[1..6].iter().all(|(_, tally)| tally.failures == 6));
        assert!(ranked[1..6].is_sorted_by_key(|(host, _)| host));
        for limit in 0..9 {
            assert_eq!(some.top(limit), ranked[..limit.min(7)], "{limit}");
        }
        assert_eq!(some.len(), 7);
    }

    #[test]
    fn more_failures_than_32_bits_hold_are_counted() {
        let (mut some, mut others) = (Tallies::default(), Tallies::default());
        let many = Tally { failures: u64::from(u32::MAX), first: None, last: None };
        some.add_single(1, many);
        others.add_single(1, Tally { failures: 5 << 32, ..many });
        others.count(&single(1), None);
        some.add(others);
        assert_eq!(some.ranked()[0].1.failures, (6 << 32));
    }
}
