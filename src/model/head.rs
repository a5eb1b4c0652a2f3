//! What identifies a log: how it begins. The reasons are in `docs/decisions/0001-place.md`.

use std::sync::Arc;

/// A head has at most so many bytes: some five hundred lines, more than any banner.
pub const HEAD_MAX_BYTES: usize = 1 << 16;

/// Where an uncompressed log begins, behind a hole of NULs if it has one, and its first bytes from there,
/// at most [`HEAD_MAX_BYTES`].
///
/// A log that is only ever appended to keeps its head or makes it longer, is rotated with it, and is
/// found again under compression. Two files are the same log if one head is a prefix of the other;
/// then every byte that both heads cover is equal.
///
/// ```
/// use f2b::model::Head;
/// let then = Head::from_bytes(b"Jun 21 00:00:01 a: first\n");
/// let now = Head::from_bytes(b"Jun 21 00:00:01 a: first\nJun 21 00:00:02 a: second\n");
/// assert!(then.is_same_log(&now));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    starts: u64,
    bytes: Arc<[u8]>,
}

impl Head {
    /// The head of a log whose text starts with `bytes` behind so many NULs; what exceeds the maximum is left out.
    pub fn new(starts: u64, bytes: &[u8]) -> Self {
        Self { starts, bytes: bytes[..bytes.len().min(HEAD_MAX_BYTES)].into() }
    }

    /// The head of a log that begins with `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let nuls = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        Self::new(nuls as u64, &bytes[nuls..])
    }

    /// How many NULs stand before it.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether no log can begin with more than this: the head is complete and will not grow.
    pub fn is_full(&self) -> bool {
        self.bytes.len() == HEAD_MAX_BYTES
    }

    /// Whether both are heads of the same log, read at different times. An empty head identifies
    /// nothing: an empty log is the same as no other, and there is no line whose place it would be.
    pub fn is_same_log(&self, other: &Self) -> bool {
        let (short, long) =
            if self.bytes.len() <= other.bytes.len() { (self, other) } else { (other, self) };
        !short.bytes.is_empty()
            && self.starts == other.starts
            && long.bytes.starts_with(&short.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grew_is_the_same() {
        let (then, now) = (Head::from_bytes(b"one\n"), Head::from_bytes(b"one\ntwo\n"));
        assert!(then.is_same_log(&now) && now.is_same_log(&then));
        assert!(!now.is_same_log(&Head::from_bytes(b"one\nTwo\n")));
    }

    #[test]
    fn an_empty_log_is_no_other() {
        for empty in [Head::from_bytes(b""), Head::from_bytes(b"\0\0\0")] {
            assert!(!empty.is_same_log(&Head::from_bytes(b"one\n")));
            assert!(!empty.is_same_log(&empty));
        }
    }

    #[test]
    fn a_hole_is_not_text() {
        let head = Head::from_bytes(b"\0\0one\n");
        assert_eq!((head.starts(), head.as_bytes()), (2, &b"one\n"[..]));
        assert!(head.is_same_log(&Head::from_bytes(b"\0\0one\ntwo\n")));
        assert!(!head.is_same_log(&Head::from_bytes(b"\0one\n")));
    }

    #[test]
    fn what_lies_behind_the_head_does_not_matter() {
        let a: Vec<u8> = (0..70_000u32).map(|i| b'a' + (i % 26) as u8).collect();
        let mut b = a.clone();
        b[HEAD_MAX_BYTES] = b'!';
        assert!(Head::from_bytes(&a).is_full());
        assert_eq!(Head::from_bytes(&a), Head::from_bytes(&b));
    }
}
