//! Connections that the kernel tracks (conntrack): those of hosts are forgotten, so that no rule takes their next packet
//! for one of an established connection. Source: the kernel's `include/uapi/linux/netfilter/nfnetlink_conntrack.h`.

use std::net::IpAddr;

use super::error::Failed;
use super::message::{Attributes, Head, Writer, flag};
use super::socket::Socket;

/// The subsystem's number is the high byte of a message's kind.
const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;

/// `NFPROTO_IPV4` and `NFPROTO_IPV6`.
const FAMILIES: [u8; 2] = [2, 10];

/// Kinds of attributes.
mod attribute {
    pub(super) const ORIGINAL: u16 = 1;
    pub(super) const ID: u16 = 12;
    pub(super) const ZONE: u16 = 18;
    /// Of a tuple: its addresses.
    pub(super) const ADDRESSES: u16 = 1;
    pub(super) const IPV4_SOURCE: u16 = 1;
    pub(super) const IPV6_SOURCE: u16 = 3;
}

/// A connection, as the kernel finds it again.
struct Tracked {
    /// Kinds and values of attributes.
    attributes: Vec<(u16, Vec<u8>)>,
}

/// Forgets the connections that were begun by somebody who `is_meant`; how many there were.
pub(super) fn forget(
    socket: &mut Socket,
    is_meant: &impl Fn(IpAddr) -> bool,
) -> Result<u64, Failed> {
    let mut count = 0;
    for family in FAMILIES {
        let mut found = Vec::new();
        let head =
            Head { kind: GET, flags: flag::DUMP, sequence: 0, family, version: 0, resource: 0 };
        let dumped = socket.ask(
            head,
            |_| (),
            |message| {
                found.extend(tracked(&message.attributes()?, is_meant)?);
                Ok(())
            },
        );
        match dumped {
            // What changes meanwhile is told once at least.
            Ok(()) | Err(Failed::Interrupted) => {}
            Err(failed) => return Err(failed),
        }
        for tracked in found {
            let head = Head { kind: DELETE, flags: flag::ACKNOWLEDGE, ..head };
            let body = |writer: &mut Writer| {
                for (kind, value) in &tracked.attributes {
                    match *kind {
                        attribute::ORIGINAL => writer.nested(*kind, |writer| writer.raw(value)),
                        kind => writer.attribute(kind, value),
                    }
                }
            };
            match socket.ask(head, body, |_| Ok(())) {
                Ok(()) => count += 1,
                // It is over.
                Err(failed) if failed.is_missing() => {}
                Err(failed) => return Err(failed),
            }
        }
    }
    Ok(count)
}

fn tracked(
    message: &Attributes<'_>,
    is_meant: &impl Fn(IpAddr) -> bool,
) -> Result<Option<Tracked>, &'static str> {
    let Some(original) = message.find(attribute::ORIGINAL)? else { return Ok(None) };
    let addresses = Attributes(original).find(attribute::ADDRESSES)?.unwrap_or_default();
    if !source(&Attributes(addresses))?.is_some_and(is_meant) {
        return Ok(None);
    }
    let mut attributes = vec![(attribute::ORIGINAL, original.to_vec())];
    for kind in [attribute::ID, attribute::ZONE] {
        attributes.extend(message.find(kind)?.map(|value| (kind, value.to_vec())));
    }
    Ok(Some(Tracked { attributes }))
}

fn source(addresses: &Attributes<'_>) -> Result<Option<IpAddr>, &'static str> {
    const STRANGE: &str = "an address of another length";
    if let Some(v4) = addresses.find(attribute::IPV4_SOURCE)? {
        return <[u8; 4]>::try_from(v4).map(|v4| Some(v4.into())).map_err(|_| STRANGE);
    }
    let Some(v6) = addresses.find(attribute::IPV6_SOURCE)? else { return Ok(None) };
    <[u8; 16]>::try_from(v6).map(|v6| Some(v6.into())).map_err(|_| STRANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u16, address: &[u8]) -> Writer {
        let mut writer = Writer::default();
        writer.nested(attribute::ORIGINAL, |writer| {
            writer.nested(attribute::ADDRESSES, |writer| writer.attribute(kind, address));
        });
        writer.attribute(attribute::ID, &[1, 2, 3, 4]);
        writer
    }

    #[test]
    fn who_began_a_connection_is_read() {
        let is_meant = |ip: IpAddr| ip == IpAddr::from([192, 0, 2, 1]);
        let found = |writer: &Writer| tracked(&Attributes(writer.bytes()), &is_meant);
        let one = entry(attribute::IPV4_SOURCE, &[192, 0, 2, 1]);
        let kinds: Vec<_> = found(&one).unwrap().unwrap().attributes.iter().map(|a| a.0).collect();
        assert_eq!(kinds, [attribute::ORIGINAL, attribute::ID]);
        let other = entry(attribute::IPV4_SOURCE, &[192, 0, 2, 2]);
        assert!(found(&other).unwrap().is_none());
        assert!(found(&entry(attribute::IPV6_SOURCE, &[192, 0, 2, 1])).is_err());
    }
}
