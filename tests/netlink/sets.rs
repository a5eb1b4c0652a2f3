//! Sets for the tests, and short words for what is in them.

use std::net::IpAddr;

use f2b::enforce::netfilter::netlink::{Element, Key, Nftables, SetChange, SetName};

use crate::harness::nft;

pub(crate) const HOSTS: SetName<'static> = SetName { table_family: 1, table: "t", set: "hosts" };
pub(crate) const HOSTS6: SetName<'static> = SetName { set: "hosts6", ..HOSTS };
pub(crate) const RANGES: SetName<'static> = SetName { set: "ranges", ..HOSTS };
pub(crate) const RANGES6: SetName<'static> = SetName { set: "ranges6", ..HOSTS };

pub(crate) const HOUR: Option<u64> = Some(3_600_000);
pub(crate) const DAY: Option<u64> = Some(86_400_000);

pub(crate) fn made() -> Nftables {
    nft("add table inet t
        add set inet t hosts { type ipv4_addr; flags timeout; counter; }
        add set inet t hosts6 { type ipv6_addr; flags timeout; }
        add set inet t ranges { type ipv4_addr; flags interval, timeout; counter; }
        add set inet t ranges6 { type ipv6_addr; flags interval, timeout; }");
    Nftables::open().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `192.0.2.1` or `192.0.2.1-192.0.2.9`.
pub(crate) fn key(text: &str) -> Key {
    match text.split_once('-') {
        Some((first, last)) => Key::Range(address(first), address(last)),
        None => Key::Host(address(text)),
    }
}

/// So many addresses behind 10.0.0.0.
pub(crate) fn host(number: u32) -> Key {
    Key::Host(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
}

pub(crate) fn change(set: SetName<'static>) -> SetChange<'static> {
    SetChange { set, add: vec![], is_new: false, remove: vec![], flush: false }
}

pub(crate) fn adding(set: SetName<'static>, keys: &[(&str, Option<u64>)]) -> SetChange<'static> {
    let add = keys.iter().map(|(text, timeout)| (key(text), *timeout)).collect();
    SetChange { add, ..change(set) }
}

pub(crate) fn removing(set: SetName<'static>, keys: &[&str]) -> SetChange<'static> {
    SetChange { remove: keys.iter().map(|text| key(text)).collect(), ..change(set) }
}

pub(crate) fn all(nftables: &mut Nftables, set: SetName<'_>) -> Vec<Element> {
    let mut elements = Vec::new();
    nftables.each_element(&set, |element| elements.push(element)).unwrap();
    elements
}

/// The keys and timeouts of all elements.
pub(crate) fn listed(nftables: &mut Nftables, set: SetName<'_>) -> Vec<(String, Option<u64>)> {
    let elements = all(nftables, set);
    elements.iter().map(|element| (element.key.to_string(), element.timeout_ms)).collect()
}

pub(crate) fn expect(keys: &[(&str, Option<u64>)]) -> Vec<(String, Option<u64>)> {
    keys.iter().map(|(key, timeout)| ((*key).to_owned(), *timeout)).collect()
}
