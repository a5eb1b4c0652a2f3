//! Messages of netlink: a header, and attributes, each a length, a kind and a value, some of them nested.

/// The header of netlink, and that of netfilter behind it (linux/netlink.h, linux/netfilter/nfnetlink.h).
pub(super) const HEADER_BYTES: usize = 16;
const FAMILY_BYTES: usize = 4;
const SUBSYSTEM: u8 = 10;
const NESTED: u16 = 0x8000;
const KIND: u16 = 0x3fff;

/// A message that is being made.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A message to nf_tables about something of a family.
    pub(super) fn new(kind: u8, family: u8) -> Self {
        Self::of(u16::from_be_bytes([SUBSYSTEM, kind]), family, 0)
    }

    /// A message that begins or ends a transaction.
    pub(super) fn bracket(kind: u16) -> Self {
        Self::of(kind, 0, SUBSYSTEM.into())
    }

    fn of(kind: u16, family: u8, resource: u16) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend([family, 0]);
        bytes.extend(resource.to_be_bytes());
        Self { bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a text, which ends with a NUL.
    pub(super) fn text(&mut self, kind: u16, text: &str) {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat());
    }

    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let len = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.align();
    }

    /// Adds what `fill` adds as one attribute.
    pub(super) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let begin = self.bytes.len();
        self.bytes(kind | NESTED, &[]);
        fill(self);
        let len = u16::try_from(self.bytes.len() - begin).unwrap_or(u16::MAX);
        self.bytes[begin..begin + 2].copy_from_slice(&len.to_ne_bytes());
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// The whole message, numbered.
    pub(super) fn finish(mut self, flags: u16, number: u32) -> Vec<u8> {
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&len.to_ne_bytes());
        self.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&number.to_ne_bytes());
        self.bytes
    }
}

/// A message that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came<'b> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) number: u32,
    /// What stands behind the header of netlink.
    pub(super) body: &'b [u8],
}

impl<'b> Came<'b> {
    /// The first message of a packet, and the rest; `None` if it isn't whole.
    pub(super) fn first(packet: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let half = |at: usize| Some(u16::from_ne_bytes(packet.get(at..at + 2)?.try_into().ok()?));
        let word = |at: usize| Some(u32::from_ne_bytes(packet.get(at..at + 4)?.try_into().ok()?));
        let len = usize::try_from(word(0)?).ok()?;
        let body = packet.get(HEADER_BYTES..len)?;
        let came = Self { kind: half(4)?, flags: half(6)?, number: word(8)?, body };
        let rest = packet.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((came, rest))
    }

    /// Its attributes, if it is one of netfilter's.
    pub(super) fn attributes(self) -> Option<Attributes<'b>> {
        self.body.get(FAMILY_BYTES..).map(Attributes)
    }

    /// The number of an error, 0 for none.
    pub(super) fn error(self) -> Option<i32> {
        Some(i32::from_ne_bytes(self.body.get(..4)?.try_into().ok()?))
    }
}

/// Attributes one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'b>(pub(super) &'b [u8]);

impl<'b> Attributes<'b> {
    /// Each with its kind; what isn't whole is not there.
    pub(super) fn each(self) -> impl Iterator<Item = (u16, &'b [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let half = |at: usize| Some(u16::from_ne_bytes(rest.get(at..at + 2)?.try_into().ok()?));
            let len = usize::from(half(0)?);
            let kind = half(2)? & KIND;
            let value = rest.get(4..len)?;
            rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        })
    }

    /// The value of the first attribute of a kind.
    pub(super) fn get(self, kind: u16) -> Option<&'b [u8]> {
        self.each().find(|(other, _)| *other == kind).map(|(_, value)| value)
    }
}

/// A number of four bytes, as netfilter sends them.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// A number of eight bytes.
pub(super) fn long(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.try_into().ok()?))
}

/// A text without the NUL that ends it.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Vec<u8> {
        let mut message = Message::new(12, 1);
        message.text(1, "f2b-table");
        message.nest(3, |list| list.nest(1, |element| element.bytes(1, &[192, 0, 2, 1])));
        message.finish(5, 7)
    }

    #[test]
    fn ok_what_was_put_in_comes_out() {
        let bytes = message();
        let (came, rest) = Came::first(&bytes).unwrap();
        assert_eq!((came.kind, came.flags, came.number, rest.len()), (0x0a0c, 5, 7, 0));
        let attributes = came.attributes().unwrap();
        assert_eq!(attributes.get(1).map(text).unwrap(), "f2b-table");
        let element = Attributes(attributes.get(3).unwrap()).get(1).unwrap();
        assert_eq!(Attributes(element).get(1).unwrap(), [192, 0, 2, 1]);
    }

    #[test]
    fn err_half_a_message_is_none() {
        let bytes = message();
        for len in 0..bytes.len() {
            assert!(Came::first(&bytes[..len]).is_none(), "{len}");
            // Nor does an attribute reach beyond what is there.
            let _ = Attributes(&bytes[..len]).each().count();
        }
        for byte in 0..=u8::MAX {
            let odd = [byte; 40];
            let _ = Came::first(&odd);
            assert!(Attributes(&odd).each().count() <= 10);
        }
    }
}
