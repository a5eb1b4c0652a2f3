//! ipset without the tool: what a set looks like from outside.
//!
//! Source: the kernel's `include/uapi/linux/netfilter/ipset/ip_set.h`.

use rustix::net::netlink as protocols;

use super::error::Failed;
use super::message::{Attributes, Head, Message, flag};
use super::socket::Socket;

/// `NFNL_SUBSYS_IPSET` and `IPSET_CMD_LIST`.
const LIST: u16 = 6 << 8 | 7;
/// The protocol that all kernels since 2.6.39 speak.
const PROTOCOL: u8 = 6;
/// Of a set only its head is told.
const HEAD_ONLY: u32 = 1 << 2;
/// `AF_INET`, whatever the set is of.
const FAMILY: u8 = 2;

/// Kinds of attributes.
mod attribute {
    pub(super) const PROTOCOL: u16 = 1;
    pub(super) const SET_NAME: u16 = 2;
    pub(super) const FLAGS: u16 = 6;
    pub(super) const DATA: u16 = 7;
    /// In the data.
    pub(super) const ELEMENTS: u16 = 24;
    pub(super) const REFERENCES: u16 = 25;
}

/// A connection to ipset of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Ipset {
    socket: Socket,
}

/// What a set looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpsetHead {
    /// How many elements it has that have not timed out.
    pub elements: u32,
    /// How many rules look into it.
    pub references: u32,
}

impl Ipset {
    /// Connects; `None` if that can't be.
    pub fn open() -> Option<Self> {
        Some(Self { socket: Socket::open(protocols::NETFILTER).ok()? })
    }

    /// The head of a set; `None` if there is no such set, or the kernel doesn't tell.
    pub fn head(&mut self, set: &str) -> Option<IpsetHead> {
        self.ask(set).ok().flatten()
    }

    fn ask(&mut self, set: &str) -> Result<Option<IpsetHead>, Failed> {
        let head = Head {
            kind: LIST,
            flags: flag::DUMP,
            sequence: 0,
            family: FAMILY,
            version: 0,
            resource: 0,
        };
        let mut found = None;
        self.socket.ask(
            head,
            |writer| {
                writer.attribute(attribute::PROTOCOL, &[PROTOCOL]);
                writer.text(attribute::SET_NAME, set);
                writer.attribute(attribute::FLAGS, &HEAD_ONLY.to_be_bytes());
            },
            |message| {
                found = read(message)?.or(found);
                Ok(())
            },
        )?;
        Ok(found)
    }
}

fn read(message: &Message<'_>) -> Result<Option<IpsetHead>, &'static str> {
    let Some(data) = message.attributes()?.find(attribute::DATA)? else { return Ok(None) };
    let data = Attributes(data);
    let number = |kind| data.number(kind);
    let (elements, references) = (number(attribute::ELEMENTS)?, number(attribute::REFERENCES)?);
    let head = |elements| references.map(|references| IpsetHead { elements, references });
    Ok(elements.and_then(head))
}
