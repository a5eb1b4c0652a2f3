//! What a file is, as its first bytes and its name say.
//!
//! Many files beside logs are none: archives that f2b can't unpack, databases, wtmp. They are told by their first
//! bytes, and otherwise by how their lines begin. One byte doesn't decide, nor many: whoever can bring NULs into a
//! log could hide it from the scan of a folder. But no client decides how lines begin, for dates stand there.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::SeekFrom;

use super::SourceError;
use super::archive::Blocks;

/// So many bytes are looked at.
const LOOKED_AT_BYTES: usize = 1 << 16;

/// A line begins as text if so many bytes do.
const BEGINNING_BYTES: usize = 8;

/// NULs at the beginning of a file behind which nobody looks for text. A hole that takes no space is passed over
/// whatever its size.
const NULS_MAX_BYTES: u64 = 1 << 26;

/// Endings of names that promise an archive: what, and whether f2b can read it.
const ENDINGS: [(&str, &str, bool); 14] = [
    (".gz", "a gzip archive", true),
    (".bz2", "a bzip2 archive", true),
    (".xz", "an xz archive", true),
    (".zst", "a Zstandard archive", true),
    (".zstd", "a Zstandard archive", true),
    (".lz4", "an lz4 archive", false),
    (".lzma", "an lzma archive", false),
    (".lz", "an lzip archive", false),
    (".lzo", "an lzop archive", false),
    (".Z", "a compress archive", false),
    (".zip", "a zip archive", false),
    (".7z", "a 7z archive", false),
    (".rar", "a rar archive", false),
    (".br", "a brotli archive", false),
];

/// First bytes of files that are no logs.
const OTHERS: [(&[u8], &str); 11] = [
    (b"\x04\x22\x4d\x18", "an lz4 archive"),
    (b"\x5d\0\0", "an lzma archive"),
    (b"LZIP", "an lzip archive"),
    (b"\x89LZO", "an lzop archive"),
    (b"\x1f\x9d", "a compress archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"LPKSHHRH", "a journal"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
];

/// The word for what is neither text nor known.
const NOT_TEXT: &str = "not text";

/// What the beginning of a file, unpacked, says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Empty,
    /// Lines.
    Text,
    /// Several files in one, most of it text.
    Tar,
    /// Something else.
    Other(&'static str),
}

/// What is odd about a log that is read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// Its name says that it is packed, and it isn't.
    #[error("not {0}, as its name says, but text; it is read as such")]
    Unpacked(&'static str),
    /// Files that are packed together.
    #[error(
        "a tar archive; it is read as if it were text, and the first line of each file may be missed; unpack it"
    )]
    Tar,
    /// No text.
    #[error("{0}; its lines are read as they are")]
    NotText(&'static str),
}

/// The endings of names of packed files.
pub(super) fn endings() -> impl Iterator<Item = &'static str> {
    ENDINGS.iter().map(|(ending, ..)| *ending)
}

/// What is odd about the log at `path` that begins with `beginning`, unpacked if it `is_packed`.
///
/// # Errors
///
/// Its name says that it is an archive, and it is neither one that can be read nor text.
pub(super) fn oddity(
    path: &Path,
    is_packed: bool,
    beginning: &[u8],
) -> Result<Option<Oddity>, SourceError> {
    let form = Form::of(beginning);
    let promised = path.file_name().and_then(|name| promised(&name.to_string_lossy()));
    let path = || path.to_owned();
    match (promised.filter(|_| !is_packed), form) {
        (Some((says, _)), Form::Text) => Ok(Some(Oddity::Unpacked(says))),
        (_, Form::Tar) => Ok(Some(Oddity::Tar)),
        (Some((says, false)), _) => Err(SourceError::UnknownArchive { path: path(), says }),
        (Some((says, true)), form) => {
            let is = match form {
                Form::Other(NOT_TEXT) => "not text either",
                Form::Other(is) => is,
                Form::Empty | Form::Text | Form::Tar => "empty",
            };
            Err(SourceError::NotAnArchive { path: path(), says, is })
        }
        (None, Form::Other(is)) => Ok(Some(Oddity::NotText(is))),
        (None, Form::Empty | Form::Text) => Ok(None),
    }
}

/// What a name promises, and whether f2b can read that.
fn promised(name: &str) -> Option<(&'static str, bool)> {
    let found = ENDINGS.iter().find(|(ending, ..)| name.ends_with(ending));
    found.map(|(_, what, is_known)| (*what, *is_known))
}

impl Form {
    /// What begins with `bytes` is; some 64 KiB tell it.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let Some(start) = bytes.iter().position(|byte| *byte != 0) else {
            // Who emptied a log while its writer held it left a hole; what comes behind it can't be seen from here.
            return if bytes.is_empty() { Self::Empty } else { Self::Text };
        };
        let bytes = &bytes[start..];
        let bytes = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
        if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Self::Other(what);
        }
        if is_tar(bytes) {
            return Self::Tar;
        }
        match is_text(bytes) {
            true => Self::Text,
            false if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => Self::Other("UTF-16"),
            false => Self::Other(NOT_TEXT),
        }
    }

    /// What the plain file at `path` is.
    pub(super) fn of_plain(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        // A device has no holes; nor has a file of a file system that knows of none.
        let _ = rustix::fs::seek(&file, SeekFrom::Data(0));
        let mut bytes = vec![0; LOOKED_AT_BYTES];
        let (mut nuls, mut len) = (0, 0);
        while nuls < NULS_MAX_BYTES {
            len = read_full(&mut file, &mut bytes)?;
            if bytes[..len].iter().any(|byte| *byte != 0) || len < bytes.len() {
                break;
            }
            nuls += len as u64;
        }
        Ok(match Self::of(&bytes[..len]) {
            Self::Empty if nuls > 0 => Self::Text,
            form => form,
        })
    }

    /// What the archive at `path` holds; `None` if it is damaged.
    pub(super) fn of_archive(path: &Path) -> Option<Self> {
        let mut blocks = Blocks::open(path).ok()?.with_block_bytes(LOOKED_AT_BYTES);
        match blocks.next() {
            Some(Ok(block)) => Some(Self::of(&block)),
            Some(Err(_)) => None,
            None => Some(Self::Empty),
        }
    }

    /// What it is, if it is no log.
    pub(super) fn other(self) -> Option<&'static str> {
        match self {
            Self::Other(what) => Some(what),
            Self::Empty | Self::Text | Self::Tar => None,
        }
    }
}

/// Fills the buffer, unless the file ends before; how much is there.
fn read_full(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Whether half of the lines begin as text does, blank ones left out.
fn is_text(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let (mut all, mut texts) = (0, 0);
    for line in lines {
        all += 1;
        texts += usize::from(begins_as_text(line));
    }
    texts * 2 >= all
}

fn begins_as_text(line: &[u8]) -> bool {
    let beginning = &line[..line.len().min(BEGINNING_BYTES)];
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | 0x1b);
    let is_utf8 = match std::str::from_utf8(beginning) {
        Ok(_) => true,
        // A character that goes on behind it.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !beginning.iter().any(is_control)
}

/// Whether it begins with a tar's header, whose sum is right.
fn is_tar(bytes: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.get(..512).filter(|header| header[257..].starts_with(b"ustar")) else {
        return false;
    };
    let sum = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u32::from(if SUM.contains(&at) { b' ' } else { *byte }));
    let stated = String::from_utf8_lossy(&header[SUM]);
    let stated = stated.trim_matches(|c: char| c == ' ' || c == '\0');
    u32::from_str_radix(stated, 8) == Ok(sum.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_text_whatever_stands_in_them() {
        assert_eq!(Form::of(b"Nov 20 09:00:00 h x\0\0\0\0\0y\n"), Form::Text);
        assert_eq!(Form::of("Jün 21\n".as_bytes()), Form::Text);
        assert_eq!(Form::of(b"\x1b[32m OK \x1b[0m\nx"), Form::Text);
        assert_eq!(Form::of(b"\n\n"), Form::Text);
        assert_eq!(Form::of(&[&[0; 5000][..], b"Nov 20 \n"].concat()), Form::Text);
    }

    #[test]
    fn what_is_no_log_is_known() {
        assert_eq!(Form::of(b""), Form::Empty);
        assert_eq!(Form::of(b"LPKSHHRH\0\0"), Form::Other("a journal"));
        assert_eq!(Form::of(b"\x07\0\0\0tty1\0\0\0\n"), Form::Other(NOT_TEXT));
        assert_eq!(
            Form::of(&[&[0; 5000][..], b"\x07\0\0\0tty1\0\0"].concat()),
            Form::Other(NOT_TEXT)
        );
        assert_eq!(Form::of(b"\xff\xfeN\0o\0v\0"), Form::Other("UTF-16"));
    }

    #[test]
    fn a_line_that_looks_like_a_tar_is_none() {
        let mut line = vec![b'x'; 257];
        line.extend(b"ustar");
        line.resize(600, b'y');
        assert_eq!(Form::of(&line), Form::Text);
    }
}
