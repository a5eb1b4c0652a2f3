//! What identifies a log: how it begins. The reasons are in `docs/decisions/0001-place.md`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::SourceError;
use super::archive::{Compression, first_bytes};

/// A head has at most so many bytes: some thirty lines, one page of a disk.
pub const HEAD_MAX_BYTES: usize = 4096;

/// The first bytes of an uncompressed log, at most [`HEAD_MAX_BYTES`].
///
/// A log that is only ever appended to keeps its head or makes it longer, is rotated with it, and is
/// found again under compression. Two files are the same log if one head is a prefix of the other;
/// then every byte that both heads cover is equal.
///
/// ```
/// use f2b::source::Head;
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

    /// The head of what `text` gives.
    ///
    /// # Errors
    ///
    /// Reading fails before [`HEAD_MAX_BYTES`] have come.
    pub fn read(text: impl Read) -> io::Result<Self> {
        first_bytes(text, HEAD_MAX_BYTES).map(Self)
    }

    /// The head of the log in a file, decompressed if need be. An archive that breaks off early has
    /// the head of what can be read.
    ///
    /// # Errors
    ///
    /// The file can't be read, or it is an archive that is broken from its first byte.
    pub fn of_file(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
        let compression = Compression::of_file(path).map_err(unreadable)?;
        let file = File::open(path).map_err(unreadable)?;
        let Some(compression) = compression else { return Self::read(file).map_err(unreadable) };
        let mut text = compression.decode(file).map_err(unreadable)?.take(HEAD_MAX_BYTES as u64);
        let mut bytes = Vec::with_capacity(HEAD_MAX_BYTES);
        match text.read_to_end(&mut bytes) {
            Err(source) if bytes.is_empty() => Err(SourceError::Broken {
                path: path.to_owned(),
                compression: Some(compression),
                read_bytes: 0,
                source,
            }),
            Ok(_) | Err(_) => Ok(Self(bytes)),
        }
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

    /// Whether the beginning looks like something other than text: it holds a NUL. True for the
    /// journal, wtmp, lastlog and databases; also for logs in UTF-16.
    pub fn is_binary(&self) -> bool {
        memchr::memchr(0, &self.0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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

    #[test]
    fn a_log_keeps_its_head_when_it_is_compressed() {
        let dir = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..1000).flat_map(|i| format!("line {i}\n").into_bytes()).collect();
        let (plain, packed) = (dir.path().join("log"), dir.path().join("log.gz"));
        std::fs::write(&plain, &text).unwrap();
        let mut gz = flate2::write::GzEncoder::new(
            File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        gz.write_all(&text).unwrap();
        gz.finish().unwrap();
        assert_eq!(Head::of_file(&plain).unwrap(), Head::of_file(&packed).unwrap());
    }

    #[test]
    fn a_journal_is_binary() {
        assert!(Head::from_bytes(b"LPKSHHRH\0\0").is_binary());
        assert!(!Head::from_bytes("Jün 21\n".as_bytes()).is_binary());
    }
}
