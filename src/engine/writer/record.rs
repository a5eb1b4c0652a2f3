//! What the store remembers of the files that it was written into.

use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::exchange::Format;
use crate::model::Time;
use crate::store::{Batch, Reader, StoreError};

/// What stands behind the format of a file that is not kept true.
const ONCE: &str = " once";
/// What stands before a path that is no text, whose bytes follow as in a URL. Other paths begin with a slash.
const BYTES: &str = "bytes:";

/// A file that a list was written into.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// Whether it is written anew when bans change.
    pub(super) is_kept: bool,
    /// Its time of modification when it was written: who finds another knows that somebody else wrote to it.
    pub(super) at: Time,
}

/// All of them.
pub(super) fn all(reader: &Reader) -> Result<Vec<Record>, StoreError> {
    let records = reader.exports()?.into_iter().filter_map(|export| {
        let once = export.format.strip_suffix(ONCE);
        Some(Record {
            path: path(&export.path),
            format: Format::from_name(once.unwrap_or(&export.format))?,
            is_kept: once.is_none(),
            at: export.written,
        })
    });
    Ok(records.collect())
}

pub(super) fn set(batch: &mut Batch<'_>, record: &Record) -> Result<(), StoreError> {
    let once = if record.is_kept { "" } else { ONCE };
    let format = format!("{}{once}", record.format.name());
    batch.set_export(&key(&record.path), &format, record.at)
}

pub(super) fn forget(batch: &mut Batch<'_>, file: &Path) -> Result<bool, StoreError> {
    batch.forget_export(&key(file))
}

/// The text for a path.
fn key(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.fold(BYTES.to_owned(), |mut text, byte| {
        if byte.is_ascii_graphic() && *byte != b'%' {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
        text
    })
}

/// The path of a text.
fn path(key: &str) -> PathBuf {
    let Some(text) = key.strip_prefix(BYTES) else { return key.into() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_comes_back() {
        for bytes in [&b"/a/%ff b"[..], b"/a%e\xffb \n%", b"/\xff%zz"] {
            let file = PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
            assert_eq!(path(&key(&file)), file);
        }
        assert_eq!(key(Path::new("/a b")), "/a b");
    }
}
