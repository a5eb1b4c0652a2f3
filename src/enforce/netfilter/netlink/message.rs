//! Netlink's messages and their attributes: how they are written, and how they are read without trust.
//!
//! A message is a header of 16 bytes in the machine's byte order (length, kind, flags, sequence, port), one of
//! netfilter's of 4 (family, version, resource) and attributes. An attribute is a length and a kind of two bytes each,
//! and a value; numbers in values are big endian. All is padded to four bytes. Source: the kernel's
//! `include/uapi/linux/netlink.h`, `netfilter/nfnetlink.h` and `netfilter/nf_tables.h`.

/// nf_tables' number among the subsystems of netfilter; it is the high byte of a message's kind.
pub(super) const NFTABLES: u16 = 10;

/// Kinds of messages.
pub(super) mod kind {
    use super::NFTABLES;

    const fn of_nftables(number: u16) -> u16 {
        NFTABLES << 8 | number
    }

    pub(in super::super) const ERROR: u16 = 2;
    pub(in super::super) const DONE: u16 = 3;
    pub(in super::super) const BATCH_BEGIN: u16 = 16;
    pub(in super::super) const BATCH_END: u16 = 17;
    pub(in super::super) const NEW_TABLE: u16 = of_nftables(0);
    pub(in super::super) const DELETE_TABLE: u16 = of_nftables(2);
    pub(in super::super) const NEW_CHAIN: u16 = of_nftables(3);
    pub(in super::super) const GET_CHAIN: u16 = of_nftables(4);
    pub(in super::super) const DELETE_CHAIN: u16 = of_nftables(5);
    pub(in super::super) const NEW_RULE: u16 = of_nftables(6);
    pub(in super::super) const GET_RULE: u16 = of_nftables(7);
    pub(in super::super) const DELETE_RULE: u16 = of_nftables(8);
    pub(in super::super) const NEW_SET: u16 = of_nftables(9);
    pub(in super::super) const GET_SET: u16 = of_nftables(10);
    pub(in super::super) const DELETE_SET: u16 = of_nftables(11);
    pub(in super::super) const NEW_SET_ELEMENT: u16 = of_nftables(12);
    pub(in super::super) const GET_SET_ELEMENT: u16 = of_nftables(13);
    pub(in super::super) const DELETE_SET_ELEMENT: u16 = of_nftables(14);
    pub(in super::super) const GET_GENERATION: u16 = of_nftables(16);
}

/// Flags of messages.
pub(super) mod flag {
    pub(in super::super) const REQUEST: u16 = 1;
    pub(in super::super) const ACKNOWLEDGE: u16 = 4;
    pub(in super::super) const DUMP: u16 = 0x300;
    pub(in super::super) const CREATE: u16 = 0x400;
    /// In a reply: what is being read was changed since the reading began.
    pub(in super::super) const INTERRUPTED: u16 = 0x10;
}

const HEADER_BYTES: usize = 16;
const NETFILTER_HEADER_BYTES: usize = 4;
const ATTRIBUTE_HEADER_BYTES: usize = 4;

/// The attribute holds attributes.
const NESTED: u16 = 0x8000;
/// The bits of a kind that say how the value is written.
const KIND_FLAGS: u16 = 0xc000;

/// The head of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// `NFPROTO_*` of the table.
    pub(super) family: u8,
    /// 0; to the sockets' subsystem, which has the same header, the protocol.
    pub(super) version: u8,
    /// The subsystem, in the messages around a batch; else 0.
    pub(super) resource: u16,
}

/// Messages being written, one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn message(&mut self, head: Head, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(head.kind.to_ne_bytes());
        self.bytes.extend(head.flags.to_ne_bytes());
        self.bytes.extend(head.sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend([head.family, head.version]);
        self.bytes.extend(head.resource.to_be_bytes());
        body(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// Bytes that are written already.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Adds flags to the message that begins at `start`.
    pub(super) fn add_flags(&mut self, start: usize, flags: u16) {
        if let Some(bytes) = self.bytes.get_mut(start + 6..start + 8) {
            let old = u16::from_ne_bytes([bytes[0], bytes[1]]);
            bytes.copy_from_slice(&(old | flags).to_ne_bytes());
        }
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.begun(kind, |writer| writer.bytes.extend(value));
    }

    /// A text with the NUL that the kernel wants behind it.
    pub(super) fn text(&mut self, kind: u16, text: &str) {
        self.begun(kind, |writer| {
            writer.bytes.extend(text.as_bytes());
            writer.bytes.push(0);
        });
    }

    /// Attributes in an attribute; they must take less than 64 KiB.
    pub(super) fn nested(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        self.begun(kind | NESTED, body);
    }

    fn begun(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend(kind.to_ne_bytes());
        body(self);
        // The kernel refuses a name that is too long for an attribute, as it does far shorter ones.
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// A message that was received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// The port of whose request it is about; its own is what a socket is answered at.
    pub(super) port: u32,
    /// What follows netlink's header.
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// `NFPROTO_*` of the table that it is about.
    pub(super) fn family(&self) -> Result<u8, &'static str> {
        self.payload.first().copied().ok_or("a message without netfilter's header")
    }

    /// All that follows netlink's header.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The attributes behind netfilter's header.
    pub(super) fn attributes(&self) -> Result<Attributes<'a>, &'static str> {
        let rest = self.payload.get(NETFILTER_HEADER_BYTES..);
        rest.map(Attributes).ok_or("a message without netfilter's header")
    }

    /// The number of an error (0: none) in a message of the kinds ERROR and DONE.
    pub(super) fn errno(&self) -> Result<i32, &'static str> {
        let number = self.payload.first_chunk().ok_or("an error without a number")?;
        i32::from_ne_bytes(*number).checked_neg().ok_or("an error of no known number")
    }
}

/// The messages of a datagram.
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = message(self.0);
        self.0 = match &read {
            Ok((_, rest)) => rest,
            Err(_) => &[],
        };
        Some(read.map(|(message, _)| message))
    }
}

fn message(bytes: &[u8]) -> Result<(Message<'_>, &[u8]), &'static str> {
    const CUT: &str = "a message that is cut off";
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(CUT)?;
    let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = *header;
    let length = u32::from_ne_bytes([l0, l1, l2, l3]);
    let length = usize::try_from(length).map_err(|_| CUT)?;
    let payload = bytes.get(HEADER_BYTES..length).ok_or(CUT)?;
    let message = Message {
        kind: u16::from_ne_bytes([k0, k1]),
        flags: u16::from_ne_bytes([f0, f1]),
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        port: u32::from_ne_bytes([p0, p1, p2, p3]),
        payload,
    };
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((message, rest))
}

/// Attributes that were received: their kinds and values.
#[derive(Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of `kind`.
    pub(super) fn find(&self, kind: u16) -> Result<Option<&'a [u8]>, &'static str> {
        for attribute in Self(self.0) {
            let (found, value) = attribute?;
            if found == kind {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// The number in the first attribute of `kind`.
    pub(super) fn number(&self, kind: u16) -> Result<Option<u32>, &'static str> {
        self.find(kind)?.map(number).transpose()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u16, &'a [u8]), &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = attribute(self.0);
        self.0 = match &read {
            Ok((.., rest)) => rest,
            Err(_) => &[],
        };
        Some(read.map(|(kind, value, _)| (kind, value)))
    }
}

fn attribute(bytes: &[u8]) -> Result<(u16, &[u8], &[u8]), &'static str> {
    const CUT: &str = "an attribute that is cut off";
    let header: &[u8; ATTRIBUTE_HEADER_BYTES] = bytes.first_chunk().ok_or(CUT)?;
    let [l0, l1, k0, k1] = *header;
    let length = usize::from(u16::from_ne_bytes([l0, l1]));
    let value = bytes.get(ATTRIBUTE_HEADER_BYTES..length).ok_or(CUT)?;
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((u16::from_ne_bytes([k0, k1]) & !KIND_FLAGS, value, rest))
}

/// A value that is a number of four bytes.
pub(super) fn number(value: &[u8]) -> Result<u32, &'static str> {
    value.try_into().map(u32::from_be_bytes).map_err(|_| "a number that isn't one of four bytes")
}

/// A value that is a number of eight bytes.
pub(super) fn long(value: &[u8]) -> Result<u64, &'static str> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| "a number that isn't one of eight bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = Writer::default();
        let head =
            Head { kind: kind::GET_SET, flags: 1, sequence: 7, family: 1, version: 0, resource: 0 };
        writer.message(head, |writer| {
            writer.text(1, "filter");
            writer.nested(3, |writer| writer.attribute(5, &9_u32.to_be_bytes()));
        });
        writer.message(Head { sequence: 8, ..head }, |_| ());
        writer.bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written();
        let messages: Vec<_> = Messages(&bytes).map(Result::unwrap).collect();
        assert_eq!(messages.iter().map(|message| message.sequence).collect::<Vec<_>>(), [7, 8]);
        let attributes = messages[0].attributes().unwrap();
        assert_eq!(attributes.find(1).unwrap(), Some(&b"filter\0"[..]));
        let inner = Attributes(attributes.find(3).unwrap().unwrap());
        assert_eq!(inner.number(5).unwrap(), Some(9));
        assert_eq!(inner.number(6).unwrap(), None);
        assert_eq!(messages[1].attributes().unwrap().count(), 0);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let bytes = written();
        let first = bytes.len() - 20;
        for end in 1..bytes.len() {
            let read: Result<Vec<_>, _> = Messages(&bytes[..end]).collect();
            assert_eq!(read.is_ok(), end == first, "{end}");
        }
        let attributes = &bytes[20..first];
        for end in 1..attributes.len() {
            let read: Result<Vec<_>, _> = Attributes(&attributes[..end]).collect();
            // The first one ends with a byte of padding that may be missing.
            assert_eq!(read.is_ok(), matches!(end, 11 | 12), "{end}");
        }
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for length in [0_u32, 15, 21, u32::MAX] {
            let mut bytes = written().split_off(written().len() - 20);
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(Messages(&bytes).any(|message| message.is_err()), "{length}");
        }
        for length in [0_u16, 3, 9, u16::MAX] {
            let mut bytes = [0; 8];
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert!(Attributes(&bytes).find(1).is_err(), "{length}");
        }
    }
}
