//! The socket to netfilter: requests and their replies, and batches, which happen as a whole or not at all.
//!
//! The kernel works on a request while it is being sent: its replies lie ready when the sending returns, and so does
//! the next piece of a long one when the piece before was read. No call waits here.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink,
};

use super::super::own::Port;
use super::error::Failed;
use super::message::{Head, Message, Messages, NFTABLES, Writer, flag, kind};

/// The kernel makes pieces of at most 32 KiB of long replies; a refusal may repeat a whole message, of less than 64.
const REPLY_BYTES: usize = 128 << 10;

/// Room for the refusals of a batch that is wrong from end to end; only the first one is looked at.
const REFUSALS_BYTES: usize = 1 << 20;

/// What the kernel needs of the send buffer beyond the bytes that are sent.
const SEND_SLACK_BYTES: usize = 4096;

/// The `NFPROTO_UNSPEC` of messages that are about no table.
const NO_FAMILY: u8 = 0;

#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
    /// The number of the last message that was sent.
    sequence: u32,
    send_buffer: usize,
    reply: Vec<u8>,
    /// What this process does here is its own doing.
    _port: Port,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) kind: u16,
    pub(super) family: u8,
    /// All that there are, instead of the one that is named.
    pub(super) is_dump: bool,
}

impl Socket {
    pub(super) fn open(protocol: Protocol) -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC;
        let descriptor =
            net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(protocol))?;
        net::bind(&descriptor, &netlink::SocketAddrNetlink::new(0, 0))?;
        // Without the right to force it the usual size has to do, which holds a good many refusals.
        let _ = net::sockopt::set_socket_recv_buffer_size_force(&descriptor, REFUSALS_BYTES);
        let send_buffer = net::sockopt::socket_send_buffer_size(&descriptor)?;
        let own = netlink::SocketAddrNetlink::try_from(net::getsockname(&descriptor)?)?;
        let port = Port::own(own.pid());
        let reply = vec![0; REPLY_BYTES];
        Ok(Self { descriptor, sequence: 0, send_buffer, reply, _port: port })
    }

    /// Sends a request, hands each of its replies to `take`, and returns when it is answered to the end.
    pub(super) fn request(
        &mut self,
        request: Request,
        body: impl FnOnce(&mut Writer),
        take: impl FnMut(&Message<'_>) -> Result<(), &'static str>,
    ) -> Result<(), Failed> {
        let flags = if request.is_dump { flag::DUMP } else { flag::ACKNOWLEDGE };
        let Request { kind, family, .. } = request;
        let head = Head { kind, flags, sequence: 0, family, version: 0, resource: 0 };
        self.ask(head, body, take)
    }

    /// The same for any message, of which its number is not yet said.
    pub(super) fn ask(
        &mut self,
        head: Head,
        body: impl FnOnce(&mut Writer),
        mut take: impl FnMut(&Message<'_>) -> Result<(), &'static str>,
    ) -> Result<(), Failed> {
        self.forget_replies();
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let flags = head.flags | flag::REQUEST;
        let mut writer = Writer::default();
        writer.message(Head { flags, sequence, ..head }, body);
        self.send(writer.bytes())?;
        let (mut is_done, mut is_interrupted, mut strange) = (false, false, None);
        while !is_done {
            let reply = self.receive()?.ok_or(Failed::Strange("a request without an answer"))?;
            for message in Messages(reply) {
                let message = message.map_err(Failed::Strange)?;
                if message.sequence != sequence {
                    continue;
                }
                is_interrupted |= message.flags & flag::INTERRUPTED != 0;
                if let kind::ERROR | kind::DONE = message.kind {
                    is_done = true;
                    refusal(&message)?;
                } else if strange.is_none() {
                    // A dump is read to its end all the same: until then the kernel begins no other one.
                    strange = take(&message).err();
                }
            }
        }
        match strange {
            Some(why) => Err(Failed::Strange(why)),
            None if is_interrupted => Err(Failed::Interrupted),
            None => Ok(()),
        }
    }

    /// Sends messages as one transaction.
    pub(super) fn batch(&mut self, batch: Batch) -> Result<(), Failed> {
        let (first, last) = (batch.first, batch.last);
        let writer = batch.end();
        self.forget_replies();
        self.sequence = last.wrapping_add(1);
        self.make_room(writer.bytes().len())?;
        self.send(writer.bytes())?;
        let (mut is_done, mut refused, mut overrun) = (false, None, None);
        loop {
            let reply = match self.receive() {
                Ok(Some(reply)) => reply,
                Ok(None) => break,
                // There were more refusals than the socket holds; what it holds is still to be had.
                Err(failed @ Failed::System(Errno::NOBUFS)) => {
                    overrun = Some(failed);
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            for message in Messages(reply) {
                let message = message.map_err(Failed::Strange)?;
                let is_ours = message.sequence.wrapping_sub(first) <= last.wrapping_sub(first) + 1;
                if message.kind != kind::ERROR || !is_ours {
                    continue;
                }
                match refusal(&message) {
                    Ok(()) => is_done |= message.sequence == last,
                    Err(failed) => refused = refused.or(Some(failed)),
                }
            }
        }
        match refused.or(overrun) {
            Some(failed) => Err(failed),
            None if is_done => Ok(()),
            None => Err(Failed::Strange("a change without an answer")),
        }
    }

    /// Returns once all transactions that have begun are through: one that is empty waits for them and changes nothing.
    pub(super) fn wait_for_others(&mut self) -> Result<(), Failed> {
        self.forget_replies();
        let first = self.sequence.wrapping_add(1);
        self.sequence = first.wrapping_add(1);
        let mut writer = Writer::default();
        writer.message(around(kind::BATCH_BEGIN, first), |_| ());
        writer.message(around(kind::BATCH_END, self.sequence), |_| ());
        self.send(writer.bytes())
    }

    /// A batch to add messages to, and then to send.
    pub(super) fn begin(&self) -> Batch {
        let first = self.sequence.wrapping_add(1);
        let mut writer = Writer::default();
        writer.message(around(kind::BATCH_BEGIN, first), |_| ());
        Batch { writer, first, last: first, last_at: 0 }
    }

    /// A batch is one datagram, whatever its size.
    fn make_room(&mut self, bytes: usize) -> Result<(), Failed> {
        let wanted = bytes + SEND_SLACK_BYTES;
        if wanted > self.send_buffer {
            net::sockopt::set_socket_send_buffer_size_force(&self.descriptor, wanted)
                .map_err(Failed::System)?;
            self.send_buffer = wanted;
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Failed> {
        let send = || net::send(&self.descriptor, bytes, SendFlags::empty());
        let length = rustix::io::retry_on_intr(send).map_err(Failed::System)?;
        if length == bytes.len() { Ok(()) } else { Err(Failed::Strange("a request cut short")) }
    }

    /// The next datagram, if one lies ready.
    fn receive(&mut self) -> Result<Option<&[u8]>, Failed> {
        let Self { descriptor, reply, .. } = self;
        let flags = RecvFlags::DONTWAIT;
        let receive = || net::recv(&*descriptor, reply.as_mut_slice(), flags);
        match rustix::io::retry_on_intr(receive) {
            Ok((length, _)) => Ok(Some(&self.reply[..length])),
            Err(Errno::AGAIN) => Ok(None),
            Err(errno) => Err(Failed::System(errno)),
        }
    }

    /// What a request that failed half way left behind is no reply to the next one.
    fn forget_replies(&mut self) {
        while let Ok(Some(_)) | Err(Failed::System(Errno::NOBUFS)) = self.receive() {}
    }
}

fn refusal(message: &Message<'_>) -> Result<(), Failed> {
    match message.errno().map_err(Failed::Strange)? {
        0 => Ok(()),
        errno => Err(Failed::Refused {
            sequence: message.sequence,
            errno: Errno::from_raw_os_error(errno),
        }),
    }
}

fn around(kind: u16, sequence: u32) -> Head {
    let resource = NFTABLES;
    Head { kind, flags: flag::REQUEST, sequence, family: NO_FAMILY, version: 0, resource }
}

/// Messages that happen together.
#[derive(Debug)]
pub(super) struct Batch {
    writer: Writer,
    first: u32,
    last: u32,
    /// Where the last message begins.
    last_at: usize,
}

impl Batch {
    /// Adds a message; its number is returned, by which a refusal names it.
    pub(super) fn message(
        &mut self,
        kind: u16,
        flags: u16,
        family: u8,
        body: impl FnOnce(&mut Writer),
    ) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last_at = self.writer.bytes().len();
        let flags = flags | flag::REQUEST;
        let head = Head { kind, flags, sequence: self.last, family, version: 0, resource: 0 };
        self.writer.message(head, body);
        self.last
    }

    fn end(self) -> Writer {
        let Self { mut writer, last, last_at, .. } = self;
        // Success is silent unless asked for. Asked of every message, a great batch had more answers than fit.
        writer.add_flags(last_at, flag::ACKNOWLEDGE);
        writer.message(around(kind::BATCH_END, last.wrapping_add(1)), |_| ());
        writer
    }
}
