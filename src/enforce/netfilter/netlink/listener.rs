//! What others do to nf_tables, as the kernel tells everybody who listens.
//!
//! A transaction is told when it is done: a message for each thing that was made or deleted, with the port of the
//! socket that asked for it. Elements that end by their timeout are not told (Linux 6.18), nor are the elements of a set
//! that is deleted as a whole.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SocketFlags, SocketType, netlink, sockopt};

use super::super::own;
use super::error::Failed;
use super::message::{Message, Messages, kind};
use super::{NetlinkError, attribute, element, list};

/// `NFNLGRP_NFTABLES` (7) of linux/netfilter/nfnetlink.h, as a bit of a socket's groups.
const GROUP: u32 = 1 << 6;

/// Room for what is told while nobody reads: a set of 100,000 hosts that somebody fills is one transaction of 40 MB,
/// with what the kernel needs for each message. What doesn't fit is known to be missing.
const BUFFER_BYTES: usize = 8 << 20;

/// The kernel puts messages together in datagrams of less than this.
const DATAGRAM_BYTES: usize = 128 << 10;

/// A connection at which the kernel tells what is done to nf_tables of the network namespace it was opened in.
#[derive(Debug)]
pub struct Listener {
    descriptor: OwnedFd,
    datagram: Vec<u8>,
}

/// Something that was done by another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'m> {
    /// `NFPROTO_*` of the table.
    pub family: u8,
    /// The table's name.
    pub table: &'m str,
    /// What of it.
    pub touched: Touched<'m>,
    /// Whether it was deleted; else it was made or changed.
    pub is_deleted: bool,
}

/// What was made, changed or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched<'m> {
    /// The table itself.
    Table,
    /// This chain.
    Chain(&'m str),
    /// A rule in this chain.
    Rule(&'m str),
    /// This set.
    Set(&'m str),
    /// Elements of this set.
    Elements(&'m str, Elements<'m>),
}

/// Elements as nf_tables tells of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elements<'m>(&'m [u8]);

impl Elements<'_> {
    /// Their addresses, if they are such; of ranges the first ones. `None` if something else is among them.
    pub fn addresses(&self) -> Option<Vec<IpAddr>> {
        element::addresses(self.0)
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addresses().fmt(f)
    }
}

impl Listener {
    /// Begins to listen, for which a process needs CAP_NET_ADMIN.
    pub fn open() -> Result<Self, NetlinkError> {
        let open = || {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let protocol = Some(netlink::NETFILTER);
            let descriptor =
                net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
            // Before the first message; where it may not be forced, more will be missed.
            let _ = sockopt::set_socket_recv_buffer_size_force(&descriptor, BUFFER_BYTES);
            net::bind(&descriptor, &netlink::SocketAddrNetlink::new(0, GROUP))?;
            Ok(Self { descriptor, datagram: vec![0; DATAGRAM_BYTES] })
        };
        open().map_err(|errno| Failed::System(errno).about(&"listening"))
    }

    /// What becomes readable when something was done.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Hands all that lies ready and was not done by this process, or a tool that it ran, to `take`; `false` if there was
    /// more than was kept, and anything may have been done. Doesn't wait.
    pub fn read(&mut self, mut take: impl FnMut(Event<'_>)) -> io::Result<bool> {
        let mut is_all = true;
        loop {
            let Self { descriptor, datagram } = self;
            let receive = || net::recv(&*descriptor, datagram.as_mut_slice(), RecvFlags::TRUNC);
            let length = match rustix::io::retry_on_intr(receive) {
                Ok((_, length)) => length,
                Err(Errno::AGAIN) => return Ok(is_all),
                Err(Errno::NOBUFS) => {
                    is_all = false;
                    continue;
                }
                Err(errno) => return Err(errno.into()),
            };
            let own = own::known();
            is_all &= length <= datagram.len();
            for message in Messages(&datagram[..length.min(datagram.len())]) {
                // What can't be understood may be anything.
                let Ok(message) = message else {
                    is_all = false;
                    break;
                };
                if own.contains(&message.port) {
                    continue;
                }
                match event(&message) {
                    Ok(Some(event)) => take(event),
                    Ok(None) => {}
                    Err(_) => is_all = false,
                }
            }
        }
    }
}

/// What a message tells; `None` if it is nothing that concerns a packet.
fn event<'m>(message: &Message<'m>) -> Result<Option<Event<'m>>, &'static str> {
    let attributes = message.attributes()?;
    let text = |kind| -> Result<&'m str, &'static str> {
        let value = attributes.find(kind)?.ok_or("a notification without a name")?;
        // A name that is no text is none of ours.
        Ok(std::str::from_utf8(value.strip_suffix(b"\0").unwrap_or(value)).unwrap_or_default())
    };
    let touched = match message.kind {
        kind::NEW_TABLE | kind::DELETE_TABLE => Touched::Table,
        kind::NEW_CHAIN | kind::DELETE_CHAIN => Touched::Chain(text(attribute::CHAIN_NAME)?),
        kind::NEW_RULE | kind::DELETE_RULE => Touched::Rule(text(attribute::RULE_CHAIN)?),
        kind::NEW_SET | kind::DELETE_SET => Touched::Set(text(attribute::SET_NAME)?),
        kind::NEW_SET_ELEMENT | kind::DELETE_SET_ELEMENT => {
            let elements = attributes.find(list::ELEMENTS)?.unwrap_or_default();
            Touched::Elements(text(list::SET)?, Elements(elements))
        }
        _ => return Ok(None),
    };
    let is_deleted = matches!(
        message.kind,
        kind::DELETE_TABLE
            | kind::DELETE_CHAIN
            | kind::DELETE_RULE
            | kind::DELETE_SET
            | kind::DELETE_SET_ELEMENT
    );
    // The table's name is the first attribute of all of them.
    let table = text(attribute::TABLE)?;
    Ok(Some(Event { family: message.family()?, table, touched, is_deleted }))
}
