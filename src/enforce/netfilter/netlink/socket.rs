//! The socket of netlink: questions and transactions, and the kernel's answers.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
    sockopt,
};

use super::NetlinkError;
use super::message::{Attributes, Came, Message};

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;
/// A dump during which something changed.
const INTERRUPTED: u16 = 0x10;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// As much as the kernel puts into one packet of an answer.
const PACKET_MAX_BYTES: usize = 1 << 16;
/// How long an answer is waited for. The kernel answers while it takes the question; this is for a kernel that doesn't
/// answer at all.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a dump is begun anew because something changed meanwhile.
const DUMPS_MAX: u32 = 20;

#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    number: u32,
    packet: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> Result<Self, NetlinkError> {
        let protocol = Some(netlink::NETFILTER);
        let kind = (AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC);
        let fd = socket_with(kind.0, kind.1, kind.2, protocol).map_err(io::Error::from)?;
        Ok(Self { fd, number: 0, packet: vec![0; PACKET_MAX_BYTES] })
    }

    /// Asks and hands over the answers; `is_dump` if there may be any number of them.
    pub(super) fn ask(
        &mut self,
        message: Message,
        is_dump: bool,
        mut take: impl FnMut(Attributes<'_>) -> Result<(), NetlinkError>,
    ) -> Result<(), NetlinkError> {
        let question = message.finish(0, 0);
        for _ in 0..DUMPS_MAX {
            let mut answers = Vec::new();
            match self.ask_once(&question, is_dump, |answer| answers.push(answer.to_vec())) {
                Ok(()) => return answers.iter().try_for_each(|answer| take(Attributes(answer))),
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::Interrupted).into())
    }

    fn ask_once(
        &mut self,
        question: &[u8],
        is_dump: bool,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), NetlinkError> {
        self.number += 1;
        let mut question = question.to_vec();
        let flags = if is_dump { REQUEST | DUMP } else { REQUEST | ACKNOWLEDGE };
        question[6..8].copy_from_slice(&flags.to_ne_bytes());
        question[8..12].copy_from_slice(&self.number.to_ne_bytes());
        self.send(&question)?;
        let mut is_whole = true;
        let number = self.number;
        self.receive(|came| {
            if came.number != number {
                return Ok(false);
            }
            is_whole &= came.flags & INTERRUPTED == 0;
            match came.kind {
                ERROR => verdict(came).map(|()| true),
                DONE => Ok(true),
                _ => {
                    take(came.attributes().ok_or(NetlinkError::Strange)?.0);
                    Ok(false)
                }
            }
        })?;
        if is_whole { Ok(()) } else { Err(io::Error::from(io::ErrorKind::Interrupted).into()) }
    }

    /// Has the kernel do all that messages say, or nothing.
    pub(super) fn transact(&mut self, messages: Vec<Message>) -> Result<(), NetlinkError> {
        let first = self.number + 1;
        let mut batch = Message::bracket(BATCH_BEGIN).finish(REQUEST, first);
        self.number = first;
        let last = messages.len();
        for (place, message) in (1..).zip(messages) {
            self.number += 1;
            // What fails is told anyway; that all went well, with the last.
            let flags = if place == last { CREATE | ACKNOWLEDGE } else { CREATE };
            batch.extend(message.finish(REQUEST | flags, self.number));
        }
        let acknowledged = self.number;
        self.number += 1;
        batch.extend(Message::bracket(BATCH_END).finish(REQUEST, self.number));
        // The kernel takes a transaction in one piece, and refuses one that is longer than its buffer. Who may not
        // have a buffer beyond the limit of the system is told by the sending.
        let _ = sockopt::set_socket_send_buffer_size_force(&self.fd, batch.len() * 2);
        self.send(&batch)?;
        self.receive(|came| match came.kind {
            ERROR if (first..=acknowledged + 1).contains(&came.number) => {
                verdict(came).map(|()| came.number == acknowledged)
            }
            _ => Ok(false),
        })
    }

    fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        loop {
            match send(&self.fd, bytes, SendFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(refused(error)),
            }
        }
    }

    /// Takes messages until `take` has what it wants.
    fn receive(
        &mut self,
        mut take: impl FnMut(Came<'_>) -> Result<bool, NetlinkError>,
    ) -> Result<(), NetlinkError> {
        let end = Instant::now() + TIMEOUT;
        loop {
            self.wait(end)?;
            let (_, len) = match recv(&self.fd, &mut self.packet[..], RecvFlags::DONTWAIT) {
                Ok(received) => received,
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(refused(error)),
            };
            let mut rest = self.packet.get(..len).ok_or(NetlinkError::Strange)?;
            while !rest.is_empty() {
                let (came, next) = Came::first(rest).ok_or(NetlinkError::Strange)?;
                if take(came)? {
                    return Ok(());
                }
                rest = next;
            }
        }
    }

    fn wait(&self, end: Instant) -> Result<(), NetlinkError> {
        let left = end.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut ready = [PollFd::new(&self.fd, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Ok(0) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

/// What an acknowledgement says.
fn verdict(came: Came<'_>) -> Result<(), NetlinkError> {
    match came.error().ok_or(NetlinkError::Strange)? {
        0 => Ok(()),
        error => Err(refused(Errno::from_raw_os_error(error.saturating_neg()))),
    }
}

fn refused(error: Errno) -> NetlinkError {
    match error {
        Errno::PERM | Errno::ACCESS => NetlinkError::NotPermitted,
        Errno::NOENT => NetlinkError::NoSuch,
        error => NetlinkError::Io(error.into()),
    }
}

fn is_interrupted(error: &NetlinkError) -> bool {
    matches!(error, NetlinkError::Io(error) if error.kind() == io::ErrorKind::Interrupted)
}
