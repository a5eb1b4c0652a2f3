//! What identifies a log: how it begins. The reasons are in `docs/decisions/0001-place.md`.

/// A head has at most so many bytes: some thirty lines, one page of a disk.
pub const HEAD_MAX_BYTES: usize = 4096;

/// The first bytes of an uncompressed log, at most [`HEAD_MAX_BYTES`].
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
pub struct Head(Vec<u8>);

impl Head {
    /// The head of a log that begins with `bytes`; what exceeds the maximum is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len().min(HEAD_MAX_BYTES)].to_vec())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether no log can begin with more than this: the head is complete and will not grow.
    pub fn is_full(&self) -> bool {
        self.0.len() == HEAD_MAX_BYTES
    }

    /// Whether both are heads of the same log, read at different times. An empty head identifies
    /// nothing: an empty log is the same as no other, and there is no line whose place it would be.
    pub fn is_same_log(&self, other: &Self) -> bool {
        let (short, long) =
            if self.0.len() <= other.0.len() { (self, other) } else { (other, self) };
        !short.0.is_empty() && long.0.starts_with(&short.0)
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
        let empty = Head::from_bytes(b"");
        assert!(!empty.is_same_log(&Head::from_bytes(b"one\n")));
        assert!(!empty.is_same_log(&empty));
    }

    #[test]
    fn what_lies_behind_the_head_does_not_matter() {
        let a: Vec<u8> = (0..5000u32).map(|i| b'a' + (i % 26) as u8).collect();
        let mut b = a.clone();
        b[4096] = b'!';
        assert!(Head::from_bytes(&a).is_full());
        assert_eq!(Head::from_bytes(&a), Head::from_bytes(&b));
    }
}
