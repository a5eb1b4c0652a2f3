//! Changes that nobody thought of, in the kernel and in a model of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use f2b::enforce::netfilter::netlink::{Key, NetlinkError, Nftables, SetChange, SetName};

use crate::harness::{in_namespace, nft};
use crate::sets::{HOSTS, RANGES, all, change, made};

/// So many addresses take part: half of them the first ones there are, half the last ones.
const ADDRESSES: u32 = 20;

/// From the first to the last of them, both within.
type Span = (u32, u32);

fn key((first, last): Span) -> Key {
    let address = |number: u32| {
        let is_low = number < ADDRESSES / 2;
        let bits = if is_low { number } else { u32::MAX - (ADDRESSES - 1 - number) };
        IpAddr::from(Ipv4Addr::from_bits(bits))
    };
    if first == last {
        Key::Host(address(first))
    } else {
        Key::Range(address(first), address(last))
    }
}

#[derive(Debug, Clone)]
struct Step {
    flush: bool,
    remove: Vec<Span>,
    add: Vec<(Span, Option<u64>)>,
}

fn steps(span: impl Strategy<Value = Span> + Clone) -> impl Strategy<Value = Vec<Step>> {
    let timeout = prop::option::of((1_u64..5).prop_map(|hours| hours * 3_600_000));
    let add = prop::collection::vec((span.clone(), timeout), 0..4);
    let remove = prop::collection::vec(span, 0..4);
    let step = (prop::bool::weighted(0.1), remove, add);
    prop::collection::vec(step.prop_map(|(flush, remove, add)| Step { flush, remove, add }), 1..10)
}

/// What a set holds after a step; none if the step can't be.
fn after(model: &BTreeMap<Span, Option<u64>>, step: &Step) -> Option<BTreeMap<Span, Option<u64>>> {
    let mut model = if step.flush { BTreeMap::new() } else { model.clone() };
    model.retain(|span, _| !step.remove.contains(span));
    model.extend(step.add.iter().copied());
    let touches = |a: &Span, b: &Span| a.0 <= b.1 && b.0 <= a.1;
    let is_apart = model.keys().all(|a| model.keys().all(|b| a == b || !touches(a, b)));
    is_apart.then_some(model)
}

fn holds(nftables: &mut Nftables, set: SetName<'static>, steps: &[Step]) {
    nftables.change(&[SetChange { flush: true, ..change(set) }]).unwrap();
    let mut model = BTreeMap::new();
    for step in steps {
        let add = step.add.iter().map(|(span, timeout)| (key(*span), *timeout)).collect();
        let remove = step.remove.iter().map(|span| key(*span)).collect();
        let change = SetChange { set, add, remove, is_new: false, flush: step.flush };
        let result = nftables.change(&[change]);
        match after(&model, step) {
            Some(next) => {
                result.unwrap();
                model = next;
            }
            None => {
                assert!(matches!(result, Err(NetlinkError::Overlap { .. })), "{step:?} {model:?}");
            }
        }
        let expected = model.iter().map(|(span, timeout)| (key(*span), *timeout));
        let found = all(nftables, set);
        assert_eq!(
            found.iter().map(|element| (element.key, element.timeout_ms)).collect::<Vec<_>>(),
            expected.collect::<Vec<_>>()
        );
    }
    for number in 0..ADDRESSES {
        let range = model.iter().find(|((first, last), _)| (*first..=*last).contains(&number));
        let found = nftables.element(&set, &key((number, number))).unwrap();
        let found = found.map(|element| (element.key, element.timeout_ms));
        assert_eq!(found, range.map(|(span, timeout)| (key(*span), *timeout)), "{number}");
    }
    let shown = nft(&format!("list set inet t {}", set.set));
    assert_eq!(shown.matches("counter packets").count(), model.len(), "{shown}");
}

fn hold(set: SetName<'static>, span: impl Strategy<Value = Span> + Clone) {
    made();
    let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&steps(span), |steps| {
        holds(&mut Nftables::open().unwrap(), set, &steps);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn hosts_are_as_in_the_model() {
    in_namespace(|| hold(HOSTS, (0..ADDRESSES).prop_map(|number| (number, number))));
}

#[test]
fn ranges_are_as_in_the_model() {
    in_namespace(|| {
        let ends = (0..ADDRESSES, 0..ADDRESSES);
        hold(RANGES, ends.prop_map(|(one, other)| (one.min(other), one.max(other))));
    });
}

#[test]
fn short_ranges_are_as_in_the_model() {
    in_namespace(|| {
        let ends = (0..ADDRESSES, 0_u32..3);
        hold(RANGES, ends.prop_map(|(first, more)| (first, (first + more).min(ADDRESSES - 1))));
    });
}
