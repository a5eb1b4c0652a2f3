//! Sockets of this machine: TCP connections with hosts are ended, as if somebody had closed them.
//!
//! Source: the kernel's `include/uapi/linux/sock_diag.h` and `inet_diag.h`.

use std::net::IpAddr;

use rustix::io::Errno;

use super::error::Failed;
use super::message::{Head, Message, Writer, flag};
use super::socket::Socket;

/// Kinds of messages.
const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;

/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u8; 2] = [2, 10];
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// The states in which somebody is at the other end: not `LISTEN` (10), `CLOSE` (7) or `TIME_WAIT` (6).
const STATES: u32 = 0xfff & !(1 << 10) & !(1 << 7) & !(1 << 6);

/// Which socket it is (`struct inet_diag_sockid`): ports, addresses, device, and a number that no other has.
const ID_BYTES: usize = 48;
/// In a reply, what stands before that: family, state, timer, retransmissions.
const ID_AT: usize = 4;
/// In it, the address at the other end.
const PEER_AT: usize = 20;

/// Ends the connections with whoever `is_meant`; how many there were.
pub(super) fn destroy(
    socket: &mut Socket,
    is_meant: &impl Fn(IpAddr) -> bool,
) -> Result<u64, Failed> {
    let mut count = 0;
    for family in FAMILIES {
        let mut found: Vec<[u8; ID_BYTES]> = Vec::new();
        let kind = BY_FAMILY;
        let head = Head { kind, flags: flag::DUMP, sequence: 0, family, version: TCP, resource: 0 };
        let dumped = socket.ask(head, request([0; ID_BYTES]), |message| {
            found.extend(peer(message)?.filter(|(_, ip)| is_meant(*ip)).map(|(id, _)| id));
            Ok(())
        });
        match dumped {
            Ok(()) | Err(Failed::Interrupted) => {}
            Err(failed) => return Err(failed),
        }
        for id in found {
            let head = Head { kind: DESTROY, flags: flag::ACKNOWLEDGE, ..head };
            match socket.ask(head, request(id), |_| Ok(())) {
                Ok(()) => count += 1,
                // It is over.
                Err(Failed::Refused { errno: Errno::NOENT, .. }) => {}
                Err(failed) => return Err(failed),
            }
        }
    }
    Ok(count)
}

/// The rest of a `struct inet_diag_req_v2`; its first four bytes are where netfilter's header would be.
fn request(id: [u8; ID_BYTES]) -> impl FnOnce(&mut Writer) {
    move |writer| {
        writer.raw(&STATES.to_ne_bytes());
        writer.raw(&id);
    }
}

/// Which socket a reply is about, and who is at the other end. An IPv4 address in a socket of IPv6 is one of IPv4.
fn peer(message: &Message<'_>) -> Result<Option<([u8; ID_BYTES], IpAddr)>, &'static str> {
    const CUT: &str = "a socket that is cut off";
    let payload = message.payload();
    let family = *payload.first().ok_or(CUT)?;
    let id: &[u8; ID_BYTES] = payload.get(ID_AT..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
    let address: &[u8; 16] = id.get(PEER_AT..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
    let [a, b, c, d, ..] = *address;
    Ok(match family {
        2 => Some((*id, IpAddr::from([a, b, c, d]))),
        10 => Some((*id, IpAddr::from(*address).to_canonical())),
        _ => None,
    })
}
