//! Elements of sets: how nf_tables writes them, and ranges, which it writes as two elements.
//!
//! A range is an element at its first address and one with the flag `INTERVAL_END` at the address behind its last one.
//! Those of ranges that touch have the same key and are two all the same. A range up to the last address there is has
//! no end; the tool `nft` marks its beginning in the element's user data, and wants to find that mark.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::{Attributes, Writer, long, number};
use super::set::{Element, Key};
use crate::model::addr;

/// Kinds of attributes of an element.
mod attribute {
    pub(super) const KEY: u16 = 1;
    pub(super) const FLAGS: u16 = 3;
    pub(super) const TIMEOUT: u16 = 4;
    pub(super) const EXPIRATION: u16 = 5;
    pub(super) const USER_DATA: u16 = 6;
    pub(super) const EXPRESSION: u16 = 7;
    pub(super) const EXPRESSIONS: u16 = 11;
    /// Of a key: its bytes.
    pub(super) const VALUE: u16 = 1;
    /// Of a list: one of it.
    pub(super) const LISTED: u16 = 1;
    /// Of an expression.
    pub(super) const EXPRESSION_NAME: u16 = 1;
    pub(super) const EXPRESSION_DATA: u16 = 2;
    pub(super) const COUNTER_BYTES: u16 = 1;
    pub(super) const COUNTER_PACKETS: u16 = 2;
}

const INTERVAL_END: u32 = 1;
const CATCH_ALL: u32 = 2;

/// `nft`'s mark of a range without an end: a field of kind 1 and 4 bytes, the number 1 in the machine's order.
const OPEN_MARK: [u8; 2] = [1, 4];

/// The last address of its family.
fn last(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BROADCAST.into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(u128::MAX).into(),
    }
}

/// At most so many bytes does [`write`] write: both elements with 4 of head, 24 of key and 8 of flags, one with 12 of
/// timeout and 12 of user data.
pub(super) const WRITTEN_MAX_BYTES: usize = 2 * (4 + 24 + 8) + 12 + 12;

/// Writes the elements of a key.
pub(super) fn write(writer: &mut Writer, key: Key, timeout_ms: Option<u64>, is_interval: bool) {
    let (first, last) = key.bounds();
    let end = addr::behind(last);
    writer.nested(attribute::LISTED, |writer| {
        write_key(writer, first);
        if let Some(timeout) = timeout_ms {
            writer.attribute(attribute::TIMEOUT, &timeout.to_be_bytes());
        }
        if is_interval && end.is_none() {
            let [one, two, three, four] = 1_u32.to_ne_bytes();
            let [kind, length] = OPEN_MARK;
            writer.attribute(attribute::USER_DATA, &[kind, length, one, two, three, four]);
        }
    });
    if let Some(end) = end.filter(|_| is_interval) {
        write_end(writer, end);
    }
}

/// What writes the question for the element that an address lies in.
pub(super) fn question(address: IpAddr) -> impl FnOnce(&mut Writer) {
    move |writer| writer.nested(attribute::LISTED, |writer| write_key(writer, address))
}

/// What writes the question for the first end from an address on.
pub(super) fn end_question(from: IpAddr) -> impl FnOnce(&mut Writer) {
    move |writer| write_end(writer, from)
}

fn write_end(writer: &mut Writer, end: IpAddr) {
    writer.nested(attribute::LISTED, |writer| {
        writer.attribute(attribute::FLAGS, &INTERVAL_END.to_be_bytes());
        write_key(writer, end);
    });
}

fn write_key(writer: &mut Writer, address: IpAddr) {
    writer.nested(attribute::KEY, |writer| match address {
        IpAddr::V4(v4) => writer.attribute(attribute::VALUE, &v4.octets()),
        IpAddr::V6(v6) => writer.attribute(attribute::VALUE, &v6.octets()),
    });
}

/// An element as it is sent: in a set of ranges, half of a range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Half {
    address: IpAddr,
    is_end: bool,
    /// The element, as if the range were its first address.
    element: Element,
}

/// The elements of a list; one that stands for all other keys is passed over.
pub(super) fn read(list: &[u8], halves: &mut Vec<Half>) -> Result<(), &'static str> {
    for listed in Attributes(list) {
        let (_, element) = listed?;
        halves.extend(half(Attributes(element))?);
    }
    Ok(())
}

/// The address of each element of a list that stands for one; none if there is one that doesn't.
pub(super) fn addresses(list: &[u8]) -> Option<Vec<IpAddr>> {
    let mut halves = Vec::new();
    read(list, &mut halves).ok()?;
    halves.into_iter().map(|half| (!half.is_end).then_some(half.address)).collect()
}

fn half(attributes: Attributes<'_>) -> Result<Option<Half>, &'static str> {
    let (mut address, mut flags) = (None, 0);
    let (mut timeout_ms, mut expires_ms, mut counter) = (None, None, None);
    for attribute in attributes {
        match attribute? {
            (attribute::KEY, key) => address = Some(self::address(key)?),
            (attribute::FLAGS, value) => flags = number(value)?,
            // A set with a default timeout says 0 of an element without one.
            (attribute::TIMEOUT, value) => timeout_ms = Some(long(value)?).filter(|ms| *ms > 0),
            (attribute::EXPIRATION, value) => expires_ms = Some(long(value)?),
            (attribute::EXPRESSION, value) => counter = counter.or(count(value)?),
            (attribute::EXPRESSIONS, list) => counter = counter.or(counter_of(list)?),
            _ => {}
        }
    }
    if flags & CATCH_ALL != 0 {
        return Ok(None);
    }
    let address = address.ok_or("an element without a key")?;
    let expires_ms = expires_ms.filter(|_| timeout_ms.is_some());
    let (packets, bytes) = counter.unzip();
    let element = Element { key: Key::Host(address), timeout_ms, expires_ms, packets, bytes };
    Ok(Some(Half { address, is_end: flags & INTERVAL_END != 0, element }))
}

fn address(key: &[u8]) -> Result<IpAddr, &'static str> {
    let value = Attributes(key).find(attribute::VALUE)?.ok_or("a key without a value")?;
    let v4 = || <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(value).ok().map(IpAddr::from);
    v4().or_else(v6).ok_or("a key that isn't an address")
}

/// Packets and bytes, if the expression is a counter.
pub(super) fn count(expression: &[u8]) -> Result<Option<(u64, u64)>, &'static str> {
    let expression = Attributes(expression);
    if expression.find(attribute::EXPRESSION_NAME)? != Some(b"counter\0") {
        return Ok(None);
    }
    let data = expression.find(attribute::EXPRESSION_DATA)?.ok_or("a counter without data")?;
    let value = |kind| Attributes(data).find(kind)?.map_or(Ok(0), long);
    Ok(Some((value(attribute::COUNTER_PACKETS)?, value(attribute::COUNTER_BYTES)?)))
}

/// Packets and bytes of the first counter in a list of expressions.
pub(super) fn counter_of(list: &[u8]) -> Result<Option<(u64, u64)>, &'static str> {
    for listed in Attributes(list) {
        if let Some(counter) = count(listed?.1)? {
            return Ok(Some(counter));
        }
    }
    Ok(None)
}

/// The elements of a set, in ascending order; none if one was sent twice.
///
/// A set that the kernel reorders while it is read is sent with repetitions, and with gaps.
pub(super) fn hosts(halves: Vec<Half>) -> Option<Vec<Element>> {
    let mut elements: Vec<_> = halves.into_iter().map(|half| half.element).collect();
    elements.sort_unstable_by_key(|element| element.key);
    let is_whole = elements.windows(2).all(|two| two[0].key != two[1].key);
    is_whole.then_some(elements)
}

/// The elements of a set of ranges, in ascending order; none if one was sent twice.
pub(super) fn ranges(mut halves: Vec<Half>) -> Option<Vec<Element>> {
    // Where ranges touch, the end of the lower one comes first.
    halves.sort_unstable_by_key(|half| (half.address, !half.is_end));
    let same = |two: &[Half]| (two[0].address, two[0].is_end) == (two[1].address, two[1].is_end);
    if halves.windows(2).any(same) {
        return None;
    }
    let mut elements = Vec::with_capacity(halves.len() / 2 + 1);
    let mut open: Option<Half> = None;
    for half in halves {
        if let Some(begun) = open.take() {
            // Before the first address there is nothing that could begin.
            elements.push(begun.up_to(addr::before(half.address).unwrap_or(half.address)));
        }
        // An end without a beginning is what is left of a range that has expired, or `nft`'s at the first address.
        open = (!half.is_end).then_some(half);
    }
    elements.extend(open.map(|begun| begun.up_to(last(begun.address))));
    Some(elements)
}

impl Half {
    pub(super) fn begins(&self, address: IpAddr) -> bool {
        !self.is_end && self.address == address
    }

    fn up_to(self, last: IpAddr) -> Element {
        Element { key: Key::between(self.address, last), ..self.element }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Head, Messages};
    use super::*;

    /// The list that the elements of such keys are.
    fn written(keys: &[Key], timeout_ms: Option<u64>) -> Vec<u8> {
        let mut writer = Writer::default();
        let head = Head { kind: 0, flags: 0, sequence: 0, family: 0, version: 0, resource: 0 };
        writer.message(head, |writer| {
            for key in keys {
                write(writer, *key, timeout_ms, true);
            }
        });
        writer.bytes()[20..].to_vec()
    }

    #[test]
    fn ranges_are_written_as_they_are_read() {
        let v4 = |bits: u32| IpAddr::from(Ipv4Addr::from_bits(bits));
        let v6 = |bits: u128| IpAddr::from(Ipv6Addr::from_bits(bits));
        let four = [
            Key::Host(v4(0)),
            Key::Range(v4(1), v4(7)),
            Key::Host(v4(8)),
            Key::Range(v4(u32::MAX - 5), v4(u32::MAX)),
        ];
        let six = [Key::Range(v6(0), v6(u128::MAX - 1)), Key::Host(v6(u128::MAX))];
        for keys in [&four[..], &six, &[Key::Range(v4(0), v4(u32::MAX))]] {
            let mut halves = Vec::new();
            read(&written(keys, Some(9)), &mut halves).unwrap();
            let found = ranges(halves).unwrap();
            assert_eq!(found.iter().map(|element| element.key).collect::<Vec<_>>(), keys);
            assert!(found.iter().all(|element| element.timeout_ms == Some(9)));
        }
    }

    #[test]
    fn no_element_is_longer_than_its_bound() {
        let last = IpAddr::from(Ipv6Addr::from_bits(u128::MAX));
        let usual = IpAddr::from(Ipv6Addr::LOCALHOST);
        for key in [Key::Host(last), Key::Host(usual)] {
            let length = written(&[key], Some(1)).len();
            assert!(length <= WRITTEN_MAX_BYTES, "{length}");
        }
    }

    #[test]
    fn what_is_cut_off_or_flipped_is_no_panic() {
        let whole = written(&[Key::Host([192, 0, 2, 1].into())], Some(9));
        for end in 0..whole.len() {
            let mut halves = Vec::new();
            let is_whole = end == 0 || end == 28;
            assert_eq!(read(&whole[..end], &mut halves).is_ok(), is_whole, "{end}");
        }
        for at in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let mut halves = Vec::new();
            if read(&flipped, &mut halves).is_ok() {
                assert!(halves.len() <= 3);
                let _ = (ranges(halves.clone()), hosts(halves), Messages(&flipped).count());
            }
        }
    }

    #[test]
    fn what_was_sent_twice_was_not_read_whole() {
        let key = Key::Host([192, 0, 2, 1].into());
        let mut halves = Vec::new();
        read(&written(&[key, key], None), &mut halves).unwrap();
        assert!(ranges(halves.clone()).is_none() && hosts(halves).is_none());
    }
}
